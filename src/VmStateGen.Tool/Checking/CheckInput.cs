using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using VmStateGen.Schema;
using VmStateGen.Tool.Commands;

namespace VmStateGen.Tool.Checking;

/// <summary>One side of a check: the schemas of baseline files or of an assembly, or a dump of QEMU.</summary>
internal sealed record CheckInput(string Path, string? Release, SchemaSet? Schemas, QemuDump? Dump)
{
    /// <summary>The baseline files, those whose lines take the place of others last.</summary>
    public IReadOnlyList<BaselineFile> Files { get; private init; } = [];

    /// <summary>Reads it; what it is shows in its first bytes.</summary>
    /// <exception cref="InputException">The system does not open or read it.</exception>
    /// <exception cref="CheckInputException">It is none of the three, or damaged.</exception>
    public static CheckInput Read(string path)
    {
        if (Directory.Exists(path))
            return Recorded(path, path);
        byte[] bytes;
        try
        {
            bytes = path == StreamInput.StandardInput ? ReadAll(Console.OpenStandardInput()) : File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new InputException(path, e);
        }
        try
        {
            if (bytes is [(byte)'M', (byte)'Z', ..])
                return new CheckInput(path, null, AssemblySchemas.Read(path, bytes), null);
            string text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes);
            return QemuDump.IsDump(text) ? new CheckInput(path, null, null, QemuDump.Parse(text)) : Baseline(path, text);
        }
        catch (Exception e) when (e is SchemaException or BadImageFormatException or DecoderFallbackException)
        {
            throw new CheckInputException($"{StreamInput.Name(path)}: {e.Message}", e);
        }
    }

    /// <summary>What a project records: VmState.Unshipped.txt over VmState.Shipped.txt.</summary>
    private static CheckInput Recorded(string path, string folder)
    {
        List<BaselineFile> files = [];
        foreach (string name in new[] { BaselineSet.ShippedName, BaselineSet.UnshippedName })
        {
            string file = System.IO.Path.Combine(folder, name);
            try
            {
                if (File.Exists(file))
                    files.Add(BaselineFile.Parse(file, File.ReadAllText(file)));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new InputException(file, e);
            }
        }
        if (files.Count == 0)
            throw new CheckInputException($"{StreamInput.Name(path)}: the folder has neither {BaselineSet.ShippedName} nor {BaselineSet.UnshippedName}", null);
        BaselineSet set = BaselineSet.Combine(files);
        if (set.Problems.Count > 0)
            throw Wrong(set.Problems[0]);
        // With changes it is no release any more.
        string? release = set.Unshipped is { Lines.Count: > 0 } ? null : set.Shipped?.Release;
        return new CheckInput(path, release, set.Recorded, null) { Files = files };
    }

    private static CheckInput Baseline(string path, string text)
    {
        // Its lines alone are half a schema.
        if (path != StreamInput.StandardInput && System.IO.Path.GetFileName(path) == BaselineSet.UnshippedName)
            return Recorded(path, System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!);
        BaselineFile file = BaselineFile.Parse(path, text);
        if (file.Problems.Count > 0)
            throw Wrong(file.Problems[0]);
        return new CheckInput(path, file.Release, SchemaParser.Parse(text), null) { Files = [file] };
    }

    private static CheckInputException Wrong(BaselineProblem problem) =>
        new($"{StreamInput.Name(problem.File)}: {(problem.Line > 0 ? $"line {problem.Line}, column {problem.Column}: " : "")}{problem.Message}", null);

    private static byte[] ReadAll(Stream stream)
    {
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return copy.ToArray();
    }
}

/// <summary>An input that is there, and not what it should be.</summary>
internal sealed class CheckInputException(string message, Exception? reason) : Exception(message, reason);
