using System;
using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Analyzers.Tests;

/// <summary>A diagnostic, one way to fix it, and the text that must come out.</summary>
/// <param name="Id">The diagnostic.</param>
/// <param name="Key">Which of its fixes.</param>
/// <param name="Before">One type that raises it.</param>
/// <param name="After">The whole text after the fix.</param>
public sealed record FixCase(string Id, string Key, string Before, string After)
{
    /// <summary>The fix leaves the choice of the rest to people: other diagnostics may remain.</summary>
    public bool LeavesOthers { get; init; }

    public override string ToString() => $"{Id} {Key} {Before.GetHashCode(StringComparison.Ordinal) & 0xffff:x4}";
}

/// <summary>The table of all fixes.</summary>
internal static class FixCases
{
    public static IEnumerable<FixCase> All => Declarations.Concat(Fields).Concat(Versions).Concat(Members).Concat(Subsections);

    private static IEnumerable<FixCase> Declarations =>
    [
        new("VMS100", "partial",
            "[VmState]\npublic sealed class Uart\n{\n    [Field] private byte lcr;\n}\n",
            "[VmState]\npublic sealed partial class Uart\n{\n    [Field] private byte lcr;\n}\n"),
        new("VMS100", "partial",
            "/// <summary>A port.</summary>\nclass Board\n{\n    [VmState]\n    internal partial record struct Uart\n    {\n        [Field] private byte lcr;\n    }\n}\n",
            "/// <summary>A port.</summary>\npartial class Board\n{\n    [VmState]\n    internal partial record struct Uart\n    {\n        [Field] private byte lcr;\n    }\n}\n"),
        new("VMS101", "internal",
            "// a port\n[VmState]\nfile sealed partial class Uart\n{\n    [Field] private byte lcr;\n}\n",
            "// a port\n[VmState]\ninternal sealed partial class Uart\n{\n    [Field] private byte lcr;\n}\n"),
        new("VMS102", "nested",
            "[VmState(\"pci\", Version = 2)]\npublic abstract partial class Pci\n{\n    [Field] private byte irq;\n}\n",
            "[VmState(\"pci\", Version = 2, Nested = true)]\npublic abstract partial class Pci\n{\n    [Field] private byte irq;\n}\n"),
        new("VMS105", "state",
            "/// <summary>A port.</summary>\npublic class Uart\n{\n    [Field] private byte lcr;\n    [Field] private byte mcr;\n}\n",
            "/// <summary>A port.</summary>\n[VmState]\npublic partial class Uart\n{\n    [Field] private byte lcr;\n    [Field] private byte mcr;\n}\n"),
        new("VMS105", "state",
            "public class Board\n{\n    private struct Uart\n    {\n        [Field] public byte Lcr;\n    }\n}\n",
            "public partial class Board\n{\n    [VmState]\n    private partial struct Uart\n    {\n        [Field] public byte Lcr;\n    }\n}\n"),
    ];

    private static IEnumerable<FixCase> Fields =>
    [
        new("VMS110", "field", InType("    // line control\n    private byte lcr;\n"), InType("    // line control\n    [Field] private byte lcr;\n")),
        new("VMS110", "ignore", InType("    private object? host;\n"), InType("    [Ignore(\"TODO: why it does not migrate\")] private object? host;\n")),
        new("VMS110", "field", InType("    public byte Lcr { get; set; }\n"), InType("    [Field] public byte Lcr { get; set; }\n")),
        new("VMS110", "field", InType("    private byte lcr, mcr;\n"), InType("    [Field] private byte lcr, mcr;\n")),
        new("VMS110", "ignore", InType("    public event Action? Changed;\n"), InType("    [Ignore(\"TODO: why it does not migrate\")] public event Action? Changed;\n")),
        new("VMS110", "field", InType("    private readonly byte[] fifo = new byte[16];\n"), InType("    [Field(Length = 16)] private readonly byte[] fifo = new byte[16];\n")),
        new("VMS110", "field",
            InType("    private const int Size = 4;\n    private byte[] fifo = new byte[2 * Size];\n"),
            InType("    private const int Size = 4;\n    [Field(Length = 2 * Size)] private byte[] fifo = new byte[2 * Size];\n")),
        new("VMS110", "field", InType("    private ushort[] table = [1, 2, 3];\n"), InType("    [Field(Length = 3)] private ushort[] table = [1, 2, 3];\n")),
        new("VMS110", "field", InType("    private ushort[] table = { 1, 2 };\n"), InType("    [Field(Length = 2)] private ushort[] table = { 1, 2 };\n")),
        new("VMS110", "field",
            InType("    [System.ComponentModel.Description(\"x\")]\n    private byte lcr;\n"),
            InType("    [Field] [System.ComponentModel.Description(\"x\")]\n    private byte lcr;\n")),
        new("VMS111", "ignore",
            InType("    [Field] private nint handle;\n"),
            InType("    [Ignore(\"TODO: why it does not migrate\")] private nint handle;\n")),
        new("VMS111", "ignore",
            InType("    [Field(\"a\", Element = 1)] [Field(\"b\", Element = 2)] private nint[] handles = new nint[3];\n"),
            InType("    [Ignore(\"TODO: why it does not migrate\")] private nint[] handles = new nint[3];\n")),
        new("VMS111", "inline-array",
            "[VmState]\npublic unsafe partial struct Uart\n{\n    // receive\n    [Field] private fixed byte rxFifo[16];\n}\n",
            "[VmState]\npublic unsafe partial struct Uart\n{\n    // receive\n    [Field] private RxFifoBuffer rxFifo;\n\n"
                + "    [System.Runtime.CompilerServices.InlineArray(16)]\n    private struct RxFifoBuffer\n    {\n        private byte element;\n    }\n}\n"),
        new("VMS112", "assignable", InType("    [Field] private readonly byte lcr;\n"), InType("    [Field] private byte lcr;\n")),
        new("VMS112", "assignable", InType("    [Field] public byte Lcr { get; init; }\n"), InType("    [Field] public byte Lcr { get; set; }\n")),
        new("VMS112", "assignable", InType("    [Field] public byte Lcr { get; }\n"), InType("    [Field] public byte Lcr { get; private set; }\n")),
        new("VMS113", "max",
            InType("    [Field] private int count;\n    [Field(CountFrom = nameof(count))] private uint[] slots = new uint[32];\n"),
            InType("    [Field] private int count;\n    [Field(CountFrom = nameof(count), Max = 32)] private uint[] slots = new uint[32];\n")),
        new("VMS113", "max",
            InType("    [Field] private int count;\n    [Field(CountFrom = nameof(count))] private uint[]? slots;\n"),
            InType("    [Field] private int count;\n    [Field(CountFrom = nameof(count), Max = 256)] private uint[]? slots;\n")),
        new("VMS114", "length",
            InType("    [Field(\"rx\")] private byte[] fifo = new byte[16];\n"),
            InType("    [Field(\"rx\", Length = 16)] private byte[] fifo = new byte[16];\n")),
        new("VMS114", "length",
            InType("    [Field(Length = 0)] private byte[] fifo = new byte[16];\n"),
            InType("    [Field(Length = 16)] private byte[] fifo = new byte[16];\n")),
    ];

    private static IEnumerable<FixCase> Versions =>
    [
        new("VMS120", "raise",
            "[VmState(Version = 2)]\npublic partial class Uart\n{\n    [Field(Version = 3)] private byte lcr;\n    [Field(Version = 4)] private byte mcr;\n}\n",
            "[VmState(Version = 3)]\npublic partial class Uart\n{\n    [Field(Version = 3)] private byte lcr;\n    [Field(Version = 4)] private byte mcr;\n}\n")
            { LeavesOthers = true },
        new("VMS120", "raise",
            "[VmState]\npublic partial class Uart\n{\n    [Field(Version = 2)] private byte lcr;\n}\n",
            "[VmState(Version = 2)]\npublic partial class Uart\n{\n    [Field(Version = 2)] private byte lcr;\n}\n"),
        new("VMS120", "raise",
            Flat("\"uart/fifo\", Needed = nameof(HasFifo), Absent = nameof(NoFifo)", "Subsection = \"uart/fifo\", Version = 2"),
            Flat("\"uart/fifo\", Needed = nameof(HasFifo), Absent = nameof(NoFifo), Version = 2", "Subsection = \"uart/fifo\", Version = 2")),
        new("VMS121", "dead", InType("    [Field(Version = 1)] private byte lcr;\n"), InType("    [Field] private byte lcr;\n")),
        new("VMS121", "dead", InType("    [Field(Version = 1, Until = 1)] private byte lcr;\n"), InType("    [Field(Until = 1)] private byte lcr;\n")),
        new("VMS121", "dead", InType("    [Field(\"x\", Version = 1)] private byte lcr;\n"), InType("    [Field(\"x\")] private byte lcr;\n")),
    ];

    private static IEnumerable<FixCase> Members =>
    [
        new("VMS130", "create",
            InType("    [Field(When = \"HasFifo\")] private byte fcr;\n"),
            InType("    [Field(When = \"HasFifo\")] private byte fcr;\n\n    private bool HasFifo() => throw new NotImplementedException();\n")),
        new("VMS130", "create",
            Flat("\"uart/fifo\", Present = \"hasIt\", Absent = nameof(NoFifo)", "Subsection = \"uart/fifo\""),
            Flat("\"uart/fifo\", Present = \"hasIt\", Absent = nameof(NoFifo)", "Subsection = \"uart/fifo\"", "\n    [Ignore(\"set by a load\")] private bool hasIt;\n")),
        new("VMS130", "create",
            InType("    [Field(When = nameof(HasFifo))] private byte fcr;\n"),
            InType("    [Field(When = nameof(HasFifo))] private byte fcr;\n\n    private bool HasFifo() => throw new NotImplementedException();\n")),
        new("VMS130", "create",
            Flat("\"uart/fifo\", Needed = nameof(HasFifo), Absent = nameof(Reset)", "Subsection = \"uart/fifo\""),
            Flat("\"uart/fifo\", Needed = nameof(HasFifo), Absent = nameof(Reset)", "Subsection = \"uart/fifo\"",
                "\n    private void Reset() => throw new NotImplementedException();\n")),
    ];

    private static IEnumerable<FixCase> Subsections =>
    [
        new("VMS140", "prefix",
            Flat("\"fifo\", Needed = nameof(HasFifo), Absent = nameof(NoFifo)", "Subsection = \"fifo\""),
            Flat("\"uart/fifo\", Needed = nameof(HasFifo), Absent = nameof(NoFifo)", "Subsection = \"uart/fifo\"")),
        new("VMS142", "Needed",
            Flat("\"uart/rx_fifo\", Absent = nameof(NoFifo)", "Subsection = \"uart/rx_fifo\""),
            Flat("\"uart/rx_fifo\", Absent = nameof(NoFifo), Needed = nameof(RxFifoNeeded)", "Subsection = \"uart/rx_fifo\"",
                "\n    private bool RxFifoNeeded() => throw new NotImplementedException();\n")),
        new("VMS144", "Absent",
            Flat("\"uart/fifo\", Needed = nameof(HasFifo)", "Subsection = \"uart/fifo\""),
            Flat("\"uart/fifo\", Needed = nameof(HasFifo), Absent = nameof(FifoAbsent)", "Subsection = \"uart/fifo\"",
                "\n    private void FifoAbsent() => throw new NotImplementedException();\n")),
    ];

    private static string InType(string members) => $"[VmState]\npublic partial class Uart\n{{\n{members}}}\n";

    private static string Flat(string subsection, string field, string more = "") =>
        $"[VmState(\"uart\", Nested = true)]\n[Subsection({subsection})]\npublic partial class Uart\n{{\n    [Field({field})] private byte fcr;\n\n"
        + $"    private bool HasFifo() => fcr != 0;\n    private void NoFifo() => fcr = 0;\n{more}}}\n";
}
