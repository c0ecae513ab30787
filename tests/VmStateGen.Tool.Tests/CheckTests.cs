using System;
using System.IO;
using System.Linq;
using System.Text.Json;

namespace VmStateGen.Tool.Tests;

/// <summary><c>vmstate check</c> as the shell runs it.</summary>
public sealed class CheckTests : FolderTest
{
    private const string Baseline = """
        #vmstate-baseline 1
        #release 1.2
        Acme.Nic @section "nic" version 1 min 1 priority default
        Acme.Nic#000 "ring" Acme.Ring
        Acme.Ring @state "ring" version 1 min 1
        Acme.Ring#000 "head" u32

        """;

    [Fact]
    public void Same_schema_is_fine()
    {
        string path = Text("a.txt", Baseline);
        Assert.Equal((0, "0 errors, 0 warnings\n", ""), Cli.Run("check", path, path));
    }

    [Fact]
    public void Finding_begins_with_the_section_and_the_path()
    {
        (int code, string output, _) = Run("text");
        Assert.Equal(1, code);
        Assert.StartsWith("Acme.Nic ring/head: error width-changed(14): it was u32 and is u64 (release 1.2)", output, StringComparison.Ordinal);
        Assert.StartsWith("::error file=", Run("github").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Json_and_sarif_have_it_too()
    {
        JsonElement finding = JsonDocument.Parse(Run("json").Output).RootElement.GetProperty("findings")[0];
        Assert.Equal((14, "Acme.Ring", "head"), (finding.GetProperty("rule").GetInt32(), finding.GetProperty("type").GetString(), finding.GetProperty("path").GetString()));
        JsonElement run = JsonDocument.Parse(Run("sarif").Output).RootElement.GetProperty("runs")[0];
        Assert.Equal("error", run.GetProperty("results")[0].GetProperty("level").GetString());
        Assert.Equal("width-changed(14)", run.GetProperty("tool").GetProperty("driver").GetProperty("rules")[0].GetProperty("id").GetString());
    }

    /// <summary>A folder and its Unshipped file are the same: what is recorded, each finding at the line that says it.</summary>
    [Fact]
    public void Unshipped_goes_over_shipped()
    {
        string old = Text("old.txt", Baseline), shipped = Text("VmState.Shipped.txt", Baseline);
        Text("VmState.Unshipped.txt", "#vmstate-baseline 1\n# ours\nAcme.Ring#000 \"head\" u64\nAcme.Nic#000.1 \"id\" u8\n");
        string folder = Path.GetDirectoryName(shipped)!, unshipped = PathOf("VmState.Unshipped.txt");
        foreach (string current in new[] { folder, unshipped })
        {
            Assert.Equal([$"::error file={unshipped},line=4,title=vmstate field-added(11)", $"::error file={unshipped},line=3,title=vmstate width-changed(14)"],
                Cli.Run("check", old, current, "--format", "github").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split("::")[1]).Select(line => "::" + line));
        }
        // Both directions of the same; what is gone has its line in the old file.
        Assert.Contains($"file={unshipped},line=4,", Cli.Run("check", folder, old, "--format", "github").Output, StringComparison.Ordinal);
        JsonElement result = JsonDocument.Parse(Cli.Run("check", old, folder, "--format", "sarif").Output).RootElement.GetProperty("runs")[0].GetProperty("results")[1];
        Assert.Equal(3, result.GetProperty("locations")[0].GetProperty("physicalLocation").GetProperty("region").GetProperty("startLine").GetInt32());
        Assert.Equal((0, "0 errors, 0 warnings\n", ""), Cli.Run("check", folder, unshipped));
    }

    [Fact]
    public void A_folder_without_baselines_is_no_input()
    {
        string folder = Directory.CreateDirectory(PathOf("empty")).FullName;
        Assert.Equal(1, Cli.Run("check", folder, folder).Code);
        Text("VmState.Unshipped.txt", "#vmstate-baseline 1\nAcme.Ring#000 \"head\" u64\n");
        Assert.Contains("VmState.Unshipped.txt: line 2", Cli.Run("check", PathOf("VmState.Unshipped.txt"), folder).Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Assembly_is_read_and_not_run()
    {
        string assembly = typeof(CheckTests).Assembly.Location, samples = Path.Combine(Path.GetDirectoryName(assembly)!, "VmStateGen.Runtime.dll");
        // An assembly without state has an empty schema: every section of the baseline is gone.
        (int code, string output, _) = Cli.Run("check", Text("a.txt", Baseline), samples);
        Assert.Equal(1, code);
        Assert.StartsWith("Acme.Nic: error section-removed(1)", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_inputs_are_told_apart()
    {
        string good = Text("a.txt", Baseline), dump = Text("dump.json", "{\"vmschkmachine\": {\"Name\": \"pc\"}}");
        Assert.Equal(3, Cli.Run("check", PathOf("none"), good).Code);
        Assert.Equal(2, Cli.Run("check", good, dump).Code);
        Assert.Equal(2, Cli.Run("check", good).Code);
        Assert.Equal(2, Cli.Run("check", good, good, "--direction", "sideways").Code);
        Assert.Equal(1, Cli.Run("check", good, Text("b.txt", "nonsense")).Code);
        Assert.Equal(1, Cli.Run("check", good, Text("c.json", "{")).Code);
        Assert.Equal(1, Cli.Run("check", good, Write("d.dll", [(byte)'M', (byte)'Z', 0, 0])).Code);
        Assert.Equal(0, Cli.Run("check", dump, dump).Code);
    }

    private (int Code, string Output, string Errors) Run(string format) => Cli.Run("check", Text("a.txt", Baseline),
        Text("b.txt", Baseline.Replace("u32", "u64", StringComparison.Ordinal)), "--format", format);

    private string Text(string name, string text) => Write(name, System.Text.Encoding.UTF8.GetBytes(text));
}
