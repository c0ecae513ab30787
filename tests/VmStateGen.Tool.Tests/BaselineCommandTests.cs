using System;
using System.IO;
using System.Linq;

namespace VmStateGen.Tool.Tests;

/// <summary><c>vmstate schema</c> and <c>vmstate baseline</c>, over this repository's own library of states.</summary>
public sealed class BaselineCommandTests : IDisposable
{
    private static readonly string Assembly = Path.Combine(AppContext.BaseDirectory, "VmStateGen.Tests.Library.dll");
    private readonly string folder = Directory.CreateTempSubdirectory("vmstate-baseline").FullName;

    [Fact]
    public void Schema_is_printed_without_running_the_assembly()
    {
        (int code, string output, _) = Run("schema", Assembly);
        Assert.Equal(0, code);
        Assert.StartsWith("#vmstate-baseline 1\n", output, StringComparison.Ordinal);
        Assert.Contains(" @state ", output, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_assembly_cannot_be_opened()
    {
        string text = Path.Combine(folder, "text.dll");
        File.WriteAllText(text, "not an assembly");
        Assert.Equal(3, Run("schema", text).Code);
        Assert.Equal(3, Run("schema", Path.Combine(folder, "missing.dll")).Code);
        Assert.Equal(1, Run("schema", typeof(BaselineCommandTests).Assembly.Location.Replace("VmStateGen.Tool.Tests.dll", "xunit.core.dll", StringComparison.Ordinal)).Code);
        Assert.Equal(2, Run("baseline", "accept").Code);
    }

    [Fact]
    public void A_baseline_begins_is_shipped_and_stays()
    {
        Assert.Equal(1, Run("baseline", "init", "--assembly", Assembly, "--project", folder).Code);
        Assert.Empty(Directory.GetFiles(folder));
        Assert.Equal(0, Run("baseline", "init", "--assembly", Assembly, "--project", folder, "--write").Code);
        Assert.Equal([".gitattributes", "VmState.Shipped.txt", "VmState.Unshipped.txt"], Names());
        Assert.Equal(1, Run("baseline", "init", "--assembly", Assembly, "--project", folder, "--write").Code);
        Assert.Equal((0, ""), Run("baseline", "accept", "--assembly", Assembly, "--project", folder) is var (code, output, _) ? (code, output) : default);

        Assert.Equal(0, Run("baseline", "ship", "1.0", "--assembly", Assembly, "--project", folder, "--write").Code);
        Assert.Equal("#vmstate-baseline 1\n", Read("VmState.Unshipped.txt"));
        Assert.StartsWith("#vmstate-baseline 1\n#release 1.0\n", Read("VmState.Shipped.txt"), StringComparison.Ordinal);
        // Nothing changed; a release is not shipped twice, and not below the last.
        Assert.Equal(2, Run("baseline", "ship", "0.9", "--assembly", Assembly, "--project", folder, "--write").Code);
        Assert.Equal(0, Run("baseline", "ship", "1.1", "--assembly", Assembly, "--project", folder, "--write").Code);
        Assert.Equal([".gitattributes", "VmState.Shipped.1.0.txt", "VmState.Shipped.txt", "VmState.Unshipped.txt"], Names());
        Assert.Equal(0, Run("baseline", "accept", "--assembly", Assembly, "--project", folder).Code);
    }

    [Fact]
    public void A_broken_file_stops_everything()
    {
        File.WriteAllText(Path.Combine(folder, "VmState.Unshipped.txt"), "#vmstate-baseline 1\n<<<<<<< mine\n");
        (int code, _, string errors) = Run("baseline", "accept", "--assembly", Assembly, "--project", folder, "--write");
        Assert.Equal(1, code);
        Assert.Contains("VmState.Unshipped.txt(2,1): conflict marker", errors, StringComparison.Ordinal);
        Assert.Equal("#vmstate-baseline 1\n<<<<<<< mine\n", Read("VmState.Unshipped.txt"));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string[] Names() => [.. Directory.GetFiles(folder).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];

    private string Read(string name) => File.ReadAllText(Path.Combine(folder, name));

    private static (int Code, string Output, string Errors) Run(params string[] arguments)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        int code = Program.Run(arguments, output, errors);
        return (code, output.ToString().ReplaceLineEndings("\n"), errors.ToString());
    }
}
