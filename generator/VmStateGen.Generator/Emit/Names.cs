using System.Collections.Generic;

namespace VmStateGen.Generator.Emit;

/// <summary>How generated code names what it uses.</summary>
internal static class Names
{
    public const string Root = "global::VmStateGen.";

    // Aliases of the generated file: most of its text would be these names. Nobody else's begin with two underscores.
    public const string Writer = "__Writer";
    public const string Reader = "__Reader";
    public const string Description = "__Description";
    public const string Errors = "__Errors";
    public const string Arrays = "__Arrays";
    public const string Bits = "__Bits";
    public const string Text = "__Text";
    public const string BigEndian = "__BigEndian";
    public const string Exception = "__Exception";
    public const string Binary = "__Binary";

    /// <summary>What the aliases stand for.</summary>
    public static readonly IReadOnlyList<(string Alias, string Type)> Aliases =
    [
        (Writer, Root + "VmStateWriter"),
        (Reader, Root + "VmStateReader"),
        (Description, Root + "VmDescriptionWriter"),
        (Errors, Root + "VmStateErrors"),
        (Arrays, Root + "StateArrays"),
        (Bits, Root + "StateBits"),
        (Text, Root + "StateText"),
        (BigEndian, Root + "BigEndian"),
        (Exception, Root + "VmStateException"),
        (Binary, "global::System.Buffers.Binary.BinaryPrimitives"),
    ];

    public const string Span = "global::System.Span";
    public const string ReadOnlySpan = "global::System.ReadOnlySpan";

    /// <summary>Methods of a nested type that its parent calls.</summary>
    public const string Save = "SaveVmState";

    /// <summary>Loads; not virtual, so that a base class loads its own part.</summary>
    public const string Load = "LoadVmState";

    /// <summary>Describes.</summary>
    public const string Describe = "DescribeVmState";

    /// <summary>Gives nested state its owner.</summary>
    public const string SetParent = "SetVmStateParent";

    /// <summary>Saves a part of a parent's run.</summary>
    public const string SaveRun = "SaveVmStateRun";

    /// <summary>Loads from a part of a parent's run.</summary>
    public const string LoadRun = "LoadVmStateRun";
}
