using System;
using System.IO;
using System.Text.Json;

namespace VmStateGen.Tool.Tests;

/// <summary>Runs the command in this process, as the shell would.</summary>
internal static class Cli
{
    public static (int Code, string Output, string Errors) Run(params string[] args)
    {
        var output = new StringWriter();
        var errors = new StringWriter();
        int code = Program.Run(args, output, errors);
        Assert.DoesNotContain("   at ", errors.ToString(), StringComparison.Ordinal);
        return (code, output.ToString(), errors.ToString());
    }

    public static JsonElement Json(params string[] args) => JsonDocument.Parse(Run(args).Output).RootElement;
}

/// <summary>A folder for one test.</summary>
public abstract class FolderTest : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("vmstate-test-").FullName;

    public void Dispose()
    {
        Directory.Delete(folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    internal string PathOf(string name) => Path.Combine(folder, name);

    internal string Write(string name, byte[] content)
    {
        File.WriteAllBytes(PathOf(name), content);
        return PathOf(name);
    }
}
