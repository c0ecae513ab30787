using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Emit;

namespace VmStateGen.Tool.Tests;

/// <summary><c>vmstate baseline</c> over the life of a project: releases, branches that git merges, a support window that moves.</summary>
public sealed class BaselineFlowTests : FolderTest
{
    private const string Uart = "[VmState(\"uart\", Version = 1)]\npublic partial class Uart\n{\n    [Field] private byte lcr;\n\n\n\n    // here\n}\n\n\n\n";
    private const string Pit = "[VmState(\"pit\", Version = 1)]\npublic partial class Pit\n{\n    [Field] private byte gate;\n}\n";

    [Fact]
    public void Prune_reports_and_deletes_what_no_supported_release_needs()
    {
        string shipped = Uart.Replace("Version = 1", "Version = 2", StringComparison.Ordinal).Replace("// here", "[Field(Version = 2, Default = 0)] private byte mcr;", StringComparison.Ordinal);
        Assert.Equal(0, Baseline("init", Uart).Code);
        Assert.Equal(0, Baseline("ship 1.0", Uart).Code);
        Assert.Equal(0, Baseline("accept", shipped).Code);
        Assert.Equal(0, Baseline("ship 2.0", shipped).Code);
        // Without a window everything is needed.
        Assert.Equal((0, ""), (Baseline("prune", shipped).Code, Baseline("prune", shipped).Output));

        string current = "[assembly: VmStateSupport(Oldest = \"2.0\")]\n" + shipped;
        (int code, string output) = Baseline("prune", current, write: false);
        Assert.Equal(1, code);
        Assert.Contains("Uart: mcr: every supported release writes version 2 or above", output, StringComparison.Ordinal);
        Assert.Contains("Uart: MinimumVersion: no supported release writes version 1: it can be 2", output, StringComparison.Ordinal);
        Assert.Contains("VmState.Shipped.1.0.txt", output, StringComparison.Ordinal);
        Assert.True(File.Exists(PathOf("VmState.Shipped.1.0.txt")));

        // The file goes; what of the code can go is still there.
        Assert.Equal(1, Baseline("prune", current).Code);
        Assert.False(File.Exists(PathOf("VmState.Shipped.1.0.txt")));
        string pruned = current.Replace("Version = 2)", "Version = 2, MinimumVersion = 2)", StringComparison.Ordinal).Replace("(Version = 2, Default = 0)", "", StringComparison.Ordinal);
        Assert.Equal((0, ""), (Baseline("prune", pruned).Code, Baseline("prune", pruned).Output));
    }

    [Fact]
    public void Branches_that_accept_changes_of_different_devices_merge()
    {
        Release();
        Branch("theirs", Change(Pit, "pit", "gate;", "gate;\n    [Field(Version = 2, Default = 0)] private byte count;"), Uart);
        string mine = Change(Uart, "uart", "lcr;", "lcr;\n    [Field(Version = 2, Default = 0)] private byte mcr;");
        Accept(mine + Pit, "mine");
        Assert.Equal(0, Git("merge", "-q", "--no-edit", "theirs"));
        Assert.Equal((0, ""), Baseline("accept", File.ReadAllText(PathOf("Devices.cs")), write: false));
    }

    /// <summary>Both branches give their field the ordinal behind the last; accept says from the code which is which.</summary>
    [Fact]
    public void Branches_that_accept_changes_of_one_device_are_put_right_by_accept()
    {
        Release();
        Branch("theirs", Change(Uart, "uart", "// here", "// here\n    [Field(Version = 2, Default = 0)] private byte scratch;"), Pit);
        Accept(Change(Uart, "uart", "lcr;", "lcr;\n    [Field(Version = 2, Default = 0)] private byte mcr;") + Pit, "mine");
        Assert.Equal(0, Git("merge", "-q", "--no-edit", "theirs"));
        string merged = File.ReadAllText(PathOf("Devices.cs"));
        Assert.Equal(2, File.ReadLines(PathOf("VmState.Unshipped.txt")).Count(line => line.StartsWith("Uart#001 ", StringComparison.Ordinal)));

        // A release is not made of two lines that contradict each other.
        Assert.Equal(1, Baseline("ship 1.1", merged).Code);
        Assert.Equal(0, Baseline("accept", merged).Code);
        string[] lines = File.ReadAllLines(PathOf("VmState.Unshipped.txt"));
        Assert.Contains("Uart#001 \"mcr\" u8 since 2 default 0", lines);
        Assert.Contains("Uart#002 \"scratch\" u8 since 2 default 0", lines);
        Assert.Equal((0, ""), Baseline("accept", merged, write: false));
        Assert.Equal(0, Baseline("ship 1.1", merged).Code);
    }

    private void Release()
    {
        Git("init", "-q", "-b", "main");
        Assert.Equal(0, Baseline("init", Uart + Pit).Code);
        Assert.Equal(0, Baseline("ship 1.0", Uart + Pit).Code);
        Commit(Uart + Pit, "released");
    }

    private void Branch(string name, string changed, string other)
    {
        Git("checkout", "-q", "-b", name);
        Accept(changed.StartsWith("[VmState(\"uart", StringComparison.Ordinal) ? changed + other : other + changed, name);
        Git("checkout", "-q", "main");
    }

    private void Accept(string source, string message)
    {
        Assert.Equal(0, Baseline("accept", source).Code);
        Commit(source, message);
    }

    private void Commit(string source, string message)
    {
        File.WriteAllText(PathOf("Devices.cs"), source);
        File.WriteAllText(PathOf(".gitignore"), "*.dll\n");
        Git("add", "-A");
        Assert.Equal(0, Git("commit", "-q", "-m", message));
    }

    private static string Change(string source, string name, string was, string now) =>
        source.Replace($"\"{name}\", Version = 1", $"\"{name}\", Version = 2", StringComparison.Ordinal).Replace(was, now, StringComparison.Ordinal);

    private (int Code, string Output) Baseline(string command, string source, bool write = true)
    {
        string folder = Path.GetDirectoryName(PathOf("x"))!;
        string[] arguments = ["baseline", .. command.Split(' '), "--assembly", Compile(source), "--project", folder, .. write ? ["--write"] : Array.Empty<string>()];
        (int code, string output, string errors) = Cli.Run(arguments);
        return (code, output + errors);
    }

    private string Compile(string source)
    {
        var options = new CSharpParseOptions(LanguageVersion.CSharp13);
        var compilation = CSharpCompilation.Create("Devices", [CSharpSyntaxTree.ParseText("using VmStateGen;\n" + source, options)],
            ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(path => MetadataReference.CreateFromFile(path)),
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable));
        CSharpGeneratorDriver.Create([new Generator.VmStateGenerator().AsSourceGenerator()], parseOptions: options)
            .RunGeneratorsAndUpdateCompilation(compilation, out Compilation generated, out _);
        using FileStream file = File.Create(PathOf("Devices.dll"));
        EmitResult result = generated.Emit(file);
        Assert.True(result.Success, string.Join("\n", result.Diagnostics));
        return file.Name;
    }

    private int Git(params string[] arguments)
    {
        var start = new ProcessStartInfo("git", ["-C", Path.GetDirectoryName(PathOf("x"))!, "-c", "user.name=t", "-c", "user.email=t@example.org", .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process git = Process.Start(start)!;
        git.WaitForExit();
        return git.ExitCode;
    }
}
