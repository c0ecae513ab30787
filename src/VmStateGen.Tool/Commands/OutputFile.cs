using System;
using System.IO;
using System.Runtime.InteropServices;

namespace VmStateGen.Tool.Commands;

/// <summary>
/// A file that a command writes: under another name beside it until <see cref="Commit"/>, so that whatever goes wrong, an
/// interrupt too, leaves nothing half-written and an older file as it was.
/// </summary>
internal sealed class OutputFile : IDisposable
{
    public const string StandardOutput = "-";

    private readonly string path;
    private readonly string? part;
    private readonly PosixSignalRegistration[] signals = [];
    private bool isCommitted;

    private OutputFile(string path, string? part, Stream stream)
    {
        this.path = path;
        this.part = part;
        Stream = stream;
        if (part != null)
            signals = [PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt), PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt)];
    }

    /// <summary>What to write to. It seeks unless it is standard output.</summary>
    public Stream Stream { get; }

    /// <summary>Creates it. A name that is no regular file, such as a FIFO or /dev/null, is written to as it is.</summary>
    /// <exception cref="IOException">The system does not.</exception>
    public static OutputFile Create(string path)
    {
        if (path == StandardOutput)
            return new OutputFile(path, null, Console.OpenStandardOutput());
        if (Directory.Exists(path))
            throw new IOException($"{path} is a directory.");
        if (File.Exists(path) && (File.GetAttributes(path) & (FileAttributes.Device | FileAttributes.ReparsePoint)) != 0 && !IsRegular(path))
            return new OutputFile(path, null, new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0));
        string part = $"{path}.{Guid.NewGuid():N}.part";
        return new OutputFile(path, part, NewFile(part, FileOptions.None));
    }

    /// <summary>A file beside <paramref name="path"/> without a name, gone when it is closed or the process ends.</summary>
    public static FileStream Scratch(string path)
    {
        string part = $"{(path == StandardOutput ? Path.Combine(Path.GetTempPath(), "vmstate") : path)}.{Guid.NewGuid():N}.part";
        FileStream file = NewFile(part, FileOptions.DeleteOnClose);
        if (!OperatingSystem.IsWindows())
            File.Delete(part);
        return file;
    }

    /// <summary>All was written: the file gets its name.</summary>
    public void Commit()
    {
        Stream.Flush();
        Stream.Dispose();
        if (part != null)
            File.Move(part, path, overwrite: true);
        isCommitted = true;
    }

    public void Dispose()
    {
        foreach (PosixSignalRegistration signal in signals)
            signal.Dispose();
        Stream.Dispose();
        if (part != null && !isCommitted)
            File.Delete(part);
    }

    private static bool IsRegular(string path) => new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true) is FileInfo { Length: >= 0 } target
        && (target.Attributes & FileAttributes.Device) == 0;

    private static FileStream NewFile(string path, FileOptions options) =>
        new(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, bufferSize: 0, options);

    private void Interrupt(PosixSignalContext context)
    {
        // The default action follows and ends the process.
        if (part != null && !isCommitted)
            File.Delete(part);
    }
}
