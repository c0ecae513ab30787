using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using VmStateGen.CodeFixes;
using VmStateGen.Schema;

namespace VmStateGen.Analyzers.Tests;

/// <summary>Baseline files as people meet them: created, accepted into, merged by git.</summary>
public class BaselineFixTests
{
    private const string Two = "[VmState(\"uart\")] public partial class Uart { [Field] private byte lcr; }\n[VmState(\"pit\")] public partial class Pit { [Field] private byte gate; }\n";

    [Theory]
    [InlineData(FixAllScope.Document)]
    [InlineData(FixAllScope.Project)]
    [InlineData(FixAllScope.Solution)]
    public async Task Accept_all_records_everything_in_the_file_that_is_there(FixAllScope scope)
    {
        using var project = new Releases([Two], [(BaselineSet.ShippedName, "#vmstate-baseline 1\n"), (BaselineSet.UnshippedName, "#vmstate-baseline 1\r\n# ours\r\n")]);
        Assert.Equal(["VMS300", "VMS300"], (await project.AnalyzeAsync()).Select(diagnostic => diagnostic.Id));
        await project.ApplyAllAsync(new AcceptFix(), "VMS300", "accept", scope);
        Assert.Equal("#vmstate-baseline 1\r\n# ours\r\nPit @section \"pit\" version 1 min 1 priority default\r\nPit#000 \"gate\" u8\r\n"
            + "Uart @section \"uart\" version 1 min 1 priority default\r\nUart#000 \"lcr\" u8\r\n", await project.FileAsync(BaselineSet.UnshippedName));
        Assert.Empty(await project.AnalyzeAsync());
    }

    [Fact]
    public async Task Accept_one_leaves_the_other()
    {
        using var project = new Releases([Two], [(BaselineSet.ShippedName, "#vmstate-baseline 1\n"), (BaselineSet.UnshippedName, "#vmstate-baseline 1\n")]);
        await project.ApplyAsync((await project.OffersAsync("VMS300"))[0]);
        Assert.Single(await project.AnalyzeAsync());
    }

    [Fact]
    public async Task The_files_are_created()
    {
        using var project = new Releases([Two], []);
        await project.ApplyAsync((await project.OffersAsync("VMS303")).Single());
        Assert.Equal("#vmstate-baseline 1\n", await project.FileAsync(BaselineSet.ShippedName));
        Assert.Contains("Uart#000", await project.FileAsync(BaselineSet.UnshippedName), StringComparison.Ordinal);
        Assert.Empty(await project.AnalyzeAsync());
    }

    /// <summary>What a broken type puts on the wire is not known: nothing is said of it, and nothing recorded.</summary>
    [Fact]
    public async Task A_type_with_errors_is_not_compared()
    {
        const string old = "[VmState(\"uart\")] public partial class Uart { [Field] private byte lcr; [Field] private Mode mode; }\npublic enum Mode : byte { Off, On }\n";
        const string broken = "[VmState(\"uart\")] public partial class Uart { [Field] private nint lcr; }\n";
        Assert.Empty(await Releases.AnalyzeAsync(broken, Releases.Accepted(old, old)));
    }

    [Fact]
    public async Task Fields_that_left_together_leave_their_padding_in_order()
    {
        const string old = "[VmState(\"uart\")]\npublic partial class Uart\n{\n    [Field] private byte a;\n    [Field] private ushort b;\n    [Field] private uint c;\n    [Field] private byte d;\n}\n";
        const string current = "[VmState(\"uart\")]\npublic partial class Uart\n{\n    [Field] private byte a;\n    [Field] private byte d;\n}\n";
        using var project = new Releases([current], Releases.Accepted(old, current));
        await project.ApplyAllAsync(new CompatibilityFix(), "VMS211", "removed", FixAllScope.Project);
        string text = await project.SourceAsync();
        Assert.True(text.IndexOf("Removed(\"b\", 2)", StringComparison.Ordinal) is > 0 and int b && b < text.IndexOf("Removed(\"c\", 4)", StringComparison.Ordinal), text);
        Assert.Empty(await Releases.AnalyzeAsync(text, Releases.Accepted(old, text)));
    }

    /// <summary>The class that the fix writes reads the section to its end: what came before the attribute is what the record says.</summary>
    [Theory]
    [InlineData("namespace Acme;\n[VmState(\"hub\", Version = 3, MinimumVersion = 2)] [Removed(\"tail\", 2, AtEnd = true)] public partial class Hub { [Field] private byte ports; [Field(Version = 3)] private ushort @event; "
        + "[Field(Max = 9, CountFrom = nameof(ports))] private uint[]? queue; [Field] private Inner inner = new(); [Removed(\"x\", 3)] [Field(Length = 4)] private bool[] on = new bool[4]; "
        + "[Field(Max = 8)] private string text = \"\"; [Field] private VmTimer timer; [Field] private Guid id; [Field(Length = 70)] private ulong[] bits = new ulong[70]; }\n"
        + "[VmState(\"inner\", Nested = true)] [Subsection(\"inner/more\", Needed = nameof(Is), Absent = nameof(No))] public partial class Inner { [Field(Subsection = \"inner/more\")] private int more; bool Is() => true; void No() { } }")]
    [InlineData("[VmState(\"hub\")] public partial class Hub { [Field] private byte ports; [Field(\"odd name\")] private E mode; }\npublic enum E : short { A }")]
    [InlineData("[VmState(\"hub\")] public partial class Hub { [Field] private byte ports; [Field] private Microsoft.Win32.SafeHandles.SafeFileHandle? link; }")]
    public async Task A_section_that_is_gone_is_read_and_discarded(string gone)
    {
        const string rest = "[VmState(\"uart\")] public partial class Uart { [Field] private byte lcr; }\n";
        foreach (bool isAll in new[] { false, true })
        {
            using var project = new Releases([rest], [(BaselineSet.ShippedName, Releases.Shipped("1.0", gone)), (BaselineSet.UnshippedName, "#vmstate-baseline 1\n")]);
            if (isAll)
                await project.ApplyAllAsync(new RemovedSectionFix(), "VMS200", "removed", FixAllScope.Project);
            else
                await project.ApplyAsync((await project.FileOffersAsync(new RemovedSectionFix(), BaselineSet.ShippedName)).Single());
            string frozen = (await project.Project.Documents.Single(document => document.Name == "FrozenHub.cs").GetTextAsync()).ToString();
            Compilation compilation = Verifier.Compile(rest, frozen);
            Assert.Empty(Verifier.GeneratedErrors(compilation));
            Assert.Empty((await Verifier.AnalyzeAsync(compilation)).Select(diagnostic => diagnostic.ToString()));
            Assert.Equal(["VMS300"], (await project.AnalyzeAsync()).Select(diagnostic => diagnostic.Id).Except(["VMS301"]).Distinct());
        }
    }

    /// <summary>What only code can tell is not guessed.</summary>
    [Theory]
    [InlineData("[Field(When = nameof(Is))] private byte b; bool Is() => true;")]
    [InlineData("[Field(Max = 4)] private System.Collections.Generic.List<Inner> all = new(); [VmState] public partial class Inner { [Field] private byte b; }")]
    public async Task A_section_that_the_record_does_not_tell_whole_has_no_fix(string members)
    {
        using var project = new Releases([Two], [(BaselineSet.ShippedName, Releases.Shipped("1.0", $"[VmState(\"hub\")] public partial class Hub {{ {members} }}"))]);
        Assert.Empty(await project.FileOffersAsync(new RemovedSectionFix(), BaselineSet.ShippedName));
    }

    [Fact]
    public async Task Branches_that_change_different_devices_merge()
    {
        string released = Device("uart", "lcr", "mode") + "\n\n\n" + Device("pit", "gate", "latch");
        (string merged, string text) = Merge(AddBehind(released, "uart", "lcr", "mcr"), AddBehind(released, "pit", "gate", "count"), released);
        Assert.Empty(await Releases.AnalyzeAsync(text, [(BaselineSet.ShippedName, Releases.Shipped("1.0", released)), (BaselineSet.UnshippedName, merged)]));
    }

    /// <summary>Both lines are kept, since merge=union keeps all; that they contradict each other is said at the second, with a fix.</summary>
    [Fact]
    public async Task Branches_that_change_one_device_are_reported_and_renumbered()
    {
        string released = Device("uart", "lcr", "// here");
        // The sources merge, since other lines lie between the two; both fields get the ordinal behind the last.
        string mine = AddBehind(released, "uart", "lcr", "mcr"), theirs = AddBehind(released, "uart", "// here", "scratch");
        (string merged, string text) = Merge(mine, theirs, released);
        using var project = new Releases([text], [(BaselineSet.ShippedName, Releases.Shipped("1.0", released)), (BaselineSet.UnshippedName, merged)]);
        Diagnostic found = Assert.Single(await project.AnalyzeAsync());
        Assert.Equal("VMS302", found.Id);
        Assert.Contains("a second line for Uart#001", found.GetMessage(), StringComparison.Ordinal);

        await project.ApplyAsync((await project.FileOffersAsync(new RenumberFix(), BaselineSet.UnshippedName)).Single());
        Assert.Contains("Uart#002 \"scratch\"", await project.FileAsync(BaselineSet.UnshippedName), StringComparison.Ordinal);
        Assert.Empty(await project.AnalyzeAsync());
    }

    private static string Device(string name, params string[] fields)
    {
        string lines = string.Join("\n\n\n", fields.Select(field => field.StartsWith("//", StringComparison.Ordinal) ? "    " + field : $"    [Field] private byte {field};"));
        return $"[VmState(\"{name}\", Version = 1)]\n\n\npublic partial class {name[..1].ToUpperInvariant()}{name[1..]}\n{{\n{lines}\n}}\n";
    }

    private static string AddBehind(string source, string device, string line, string field) => source
        .Replace($"\"{device}\", Version = 1", $"\"{device}\", Version = 2", StringComparison.Ordinal)
        .Replace(line.StartsWith("//", StringComparison.Ordinal) ? line + "\n" : $" {line};\n",
            (line.StartsWith("//", StringComparison.Ordinal) ? line + "\n" : $" {line};\n") + $"    [Field(Version = 2, Default = 0)] private byte {field};\n", StringComparison.Ordinal);

    /// <summary>A real merge: each branch changes the source and accepts; .gitattributes says merge=union.</summary>
    private static (string Unshipped, string Source) Merge(string mine, string theirs, string released)
    {
        string folder = Directory.CreateTempSubdirectory("vmstate-merge").FullName;
        try
        {
            Git("init", "-q", "-b", "main");
            File.WriteAllText(Path.Combine(folder, ".gitattributes"), BaselineSet.UnshippedName + " merge=union\n");
            Commit(released, "released");
            Git("checkout", "-q", "-b", "theirs");
            Commit(theirs, "theirs");
            Git("checkout", "-q", "main");
            Commit(mine, "mine");
            Assert.Equal(0, Git("merge", "-q", "--no-edit", "theirs"));
            return (File.ReadAllText(Path.Combine(folder, BaselineSet.UnshippedName)), File.ReadAllText(Path.Combine(folder, "Devices.cs")));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        void Commit(string source, string message)
        {
            File.WriteAllText(Path.Combine(folder, "Devices.cs"), source);
            File.WriteAllText(Path.Combine(folder, BaselineSet.UnshippedName), Releases.Accepted(released, source).Single(file => file.Name == BaselineSet.UnshippedName).Text);
            Git("add", "-A");
            Assert.Equal(0, Git("-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "-m", message));
        }

        int Git(params string[] arguments)
        {
            var start = new ProcessStartInfo("git", ["-C", folder, "-c", "user.name=t", "-c", "user.email=t@example.org", .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
            using Process git = Process.Start(start)!;
            git.WaitForExit();
            return git.ExitCode;
        }
    }
}
