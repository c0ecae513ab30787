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

    /// <summary>What is not written reads as zeros: true of a new file, not of a device.</summary>
    public bool HasHoles => part != null;

    /// <summary>
    /// Creates it. Only a new name, or one of a file that has contents, is replaced: what is there and empty may be a device or a FIFO (the
    /// system's classes do not tell them from files), and a renamed file must never take its place. It is written to as it is.
    /// </summary>
    /// <exception cref="IOException">The system does not.</exception>
    public static OutputFile Create(string path)
    {
        if (path == StandardOutput)
            return new OutputFile(path, null, Console.OpenStandardOutput());
        if (Directory.Exists(path))
            throw new IOException($"{path} is a directory.");
        if (File.Exists(path))
        {
            // The file that a link names is replaced, not the link.
            string target = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
            if (!File.Exists(target) || new FileInfo(target).Length == 0)
                return new OutputFile(path, null, new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0));
            path = target;
        }
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
        if (part == null && !isCommitted && path != StandardOutput)
            Empty();
        Stream.Dispose();
        if (part != null && !isCommitted)
            File.Delete(part);
    }

    /// <summary>What was empty is so again, if it is a file.</summary>
    private void Empty()
    {
        try
        {
            if (Stream.CanSeek)
                Stream.SetLength(0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            // A device keeps what it was given.
        }
    }

    private static FileStream NewFile(string path, FileOptions options) =>
        new(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, bufferSize: 0, options);

    private void Interrupt(PosixSignalContext context)
    {
        // The default action follows and ends the process.
        if (part != null && !isCommitted)
            File.Delete(part);
    }
}
