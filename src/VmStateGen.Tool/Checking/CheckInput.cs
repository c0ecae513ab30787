using System;
using System.IO;
using System.Text;
using VmStateGen.Schema;
using VmStateGen.Tool.Commands;

namespace VmStateGen.Tool.Checking;

/// <summary>One side of a check: the schemas of a baseline file or of an assembly, or a dump of QEMU.</summary>
internal sealed record CheckInput(string Path, string? Release, SchemaSet? Schemas, QemuDump? Dump)
{
    /// <summary>Reads it; what it is shows in its first bytes.</summary>
    /// <exception cref="InputException">The system does not open or read it.</exception>
    /// <exception cref="CheckInputException">It is none of the three, or damaged.</exception>
    public static CheckInput Read(string path)
    {
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

    private static CheckInput Baseline(string path, string text)
    {
        BaselineFile file = BaselineFile.Parse(path, text);
        if (file.Problems.Count > 0)
        {
            BaselineProblem first = file.Problems[0];
            throw new CheckInputException($"{StreamInput.Name(path)}: line {first.Line}, column {first.Column}: {first.Message}", null);
        }
        return new CheckInput(path, file.Release, SchemaParser.Parse(text), null);
    }

    private static byte[] ReadAll(Stream stream)
    {
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return copy.ToArray();
    }
}

/// <summary>An input that is there, and not what it should be.</summary>
internal sealed class CheckInputException(string message, Exception? reason) : Exception(message, reason);
