using System;
using System.IO;

namespace VmStateGen.Tool.Commands;

/// <summary>A STREAM argument: a file, a FIFO, or <c>-</c> for standard input.</summary>
internal static class StreamInput
{
    public const string StandardInput = "-";

    public const string Help = "a stream in a file or a FIFO; - is standard input";

    /// <summary>Opens it for reading from start to end.</summary>
    /// <exception cref="InputException">The system does not open it.</exception>
    public static Stream Open(string path)
    {
        try
        {
            if (path == StandardInput)
                return Console.OpenStandardInput();
            // The cursor reads in pieces of its own; another buffer would only copy.
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0, FileOptions.SequentialScan);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new InputException(path, e);
        }
    }

    /// <summary>How messages call it.</summary>
    public static string Name(string path) => path == StandardInput ? "standard input" : path;
}

/// <summary>An input that the system does not open or read.</summary>
internal sealed class InputException(string path, Exception reason) : Exception($"{StreamInput.Name(path)}: {reason.Message}", reason);
