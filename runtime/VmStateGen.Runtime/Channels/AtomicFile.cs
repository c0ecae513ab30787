using System;
using System.IO;
using Microsoft.Win32.SafeHandles;
using VmStateGen.Runtime.Linux;

namespace VmStateGen.Runtime.Channels;

/// <summary>
/// A file that appears under its name when it is complete, and not at all if it never is: it is written beside it, synchronized and
/// renamed. A crash leaves the older file, or the new one, and at worst a <c>.part</c>.
/// </summary>
internal sealed class AtomicFile : IDisposable
{
    private readonly string path;
    private readonly string part;
    private bool isCommitted;

    private AtomicFile(string path, string part)
    {
        this.path = path;
        this.part = part;
    }

    /// <summary>
    /// Opens it. What exists and is no ordinary file (a device, a FIFO) must never be replaced by one: it is for the caller to write to it as
    /// it is.
    /// </summary>
    /// <returns><see langword="null"/> if the path names such a thing.</returns>
    public static AtomicFile? TryCreate(string path, string peer, out SafeFileHandle? handle)
    {
        handle = null;
        string target = Path.GetFullPath(path);
        FileIdentity? there = LinuxFiles.Identify(target, followLink: true, out _);
        if (there is { Kind: not FileKind.Regular })
            return null;

        // The file that a link names is replaced, not the link.
        if (LinuxFiles.Identify(target, followLink: false, out _) is { Kind: FileKind.Link })
            target = File.ResolveLinkTarget(target, returnFinalTarget: true)?.FullName ?? target;
        string part = $"{target}.{Guid.NewGuid():N}.part";
        handle = LinuxFiles.Open(part, LinuxFiles.ReadWrite | LinuxFiles.Create | LinuxFiles.Exclusive, out int errno);
        if (handle is null)
            throw Failed(peer, $"create {part}", errno);
        return new AtomicFile(target, part);
    }

    /// <summary>Gives it its name. Its contents have been synchronized by the caller.</summary>
    public void Commit()
    {
        // What has come to be there meanwhile is looked at once more.
        if (LinuxFiles.Identify(path, followLink: false, out _) is { Kind: not FileKind.Regular } there)
            throw Failed($"file:{path}", $"replace what is there: it has become a {there.Kind}", 0);
        int errno = -LinuxFiles.Rename(part, path);
        if (errno != 0)
            throw Failed($"file:{path}", $"rename {part}", errno);
        isCommitted = true;

        // The name is in the directory, which is written out for itself, if it may be read. Some file systems have nothing to write out, and say so.
        using SafeFileHandle? directory = LinuxFiles.Open(Path.GetDirectoryName(path) is { Length: > 0 } parent ? parent : "/", LinuxFiles.ReadOnly, out _);
        if (directory is not null)
            errno = -LinuxFiles.Synchronize(directory);
        if (errno is 0 or Errno.Inval)
            return;
        _ = LinuxFiles.Unlink(path);
        throw Failed($"file:{path}", "synchronize the directory", errno);
    }

    public void Dispose()
    {
        if (!isCommitted)
            _ = LinuxFiles.Unlink(part);
    }

    private static ChannelException Failed(string peer, string operation, int errno)
        => new($"{peer}: {operation}: {(errno == 0 ? "refused" : LinuxError.Text(errno))}.", ChannelFault.System, peer, operation, errno);
}
