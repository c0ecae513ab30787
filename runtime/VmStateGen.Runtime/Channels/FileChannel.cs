using System;
using System.IO;
using System.Threading;
using Microsoft.Win32.SafeHandles;
using VmStateGen.Runtime.Linux;

namespace VmStateGen.Runtime.Channels;

/// <summary>A file or block device, from an offset on. Calls do not wait for anybody, so that a cancel takes effect between two.</summary>
public sealed class FileChannel : Channel
{
    private readonly SafeFileHandle file;
    private readonly AtomicFile? atomic;
    private long position;

    internal FileChannel(SafeFileHandle file, string peer, long position, ChannelOptions options, AtomicFile? atomic = null)
        : base(peer, options)
    {
        this.file = file;
        this.atomic = atomic;
        this.position = position;
        int access = LinuxFiles.Flags(file) & LinuxFiles.AccessMask;
        CanRead = access != LinuxFiles.WriteOnly;
        CanWrite = access != LinuxFiles.ReadOnly;
    }

    /// <summary>Whether the file has its name, and stays, only once <see cref="Close"/> has succeeded.</summary>
    internal bool IsAtomic => atomic is not null;

    /// <inheritdoc/>
    public override bool CanRead { get; }

    /// <inheritdoc/>
    public override bool CanWrite { get; }

    /// <inheritdoc/>
    public override bool CanSeek => true;

    /// <summary>From the start of the file, not from the address's offset: mapped-ram counts so.</summary>
    public long Position
    {
        get => Interlocked.Read(ref position);
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            Interlocked.Exchange(ref position, value);
        }
    }

    /// <summary>Bytes of the file now.</summary>
    public long Length => LinuxFiles.Identify(file, out int errno)?.Length ?? throw Failed("ask for the length", errno);

    /// <summary>Reads from a place, whatever <see cref="Position"/> is; any number of threads may at once.</summary>
    /// <returns>Bytes read: fewer only at the end of the file.</returns>
    public int ReadAt(long offset, Span<byte> buffer)
    {
        int done = 0;
        while (done < buffer.Length)
        {
            ThrowIfUnusable("read");
            nint count = LinuxFiles.ReadAt(file, buffer[done..], offset + done);
            if (count == 0)
                break;
            if (count > 0)
                done += (int)count;
            else if (count != -Errno.Intr)
                throw Failed($"read at offset 0x{offset + done:x}", -(int)count);
        }
        return done;
    }

    /// <summary>Writes to a place, whatever <see cref="Position"/> is; any number of threads may at once.</summary>
    public void WriteAt(long offset, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            ThrowIfUnusable("write");
            nint count = LinuxFiles.WriteAt(file, bytes, offset);
            if (count < 0 && count != -Errno.Intr)
                throw Failed($"write at offset 0x{offset:x}", -(int)count);
            if (count > 0)
            {
                bytes = bytes[(int)count..];
                offset += count;
            }
        }
    }

    /// <summary>Waits until what was written is on the medium.</summary>
    public void Synchronize()
    {
        ThrowIfUnusable("synchronize");

        // Some devices have nothing to synchronize, and say so.
        int errno = -LinuxFiles.Synchronize(file);
        if (errno is not (0 or Errno.Inval))
            throw Failed("synchronize", errno);
    }

    /// <summary>The same as a stream that seeks. Closing it does not close the channel.</summary>
    public Stream AsSeekableStream() => new FileChannelStream(this);

    /// <summary>Nothing: a file ends where its last byte is.</summary>
    public override void ShutdownWrite() => ThrowIfUnusable("shut down");

    /// <summary>Writes out what was written; of an atomic file this is the moment at which it gets its name.</summary>
    public override void Close()
    {
        if (CanWrite)
            Synchronize();
        ThrowIfUnusable("close");
        atomic?.Commit();
        Dispose();
    }

    internal override int ReadSome(Span<byte> buffer, Deadline deadline)
    {
        nint count;
        while ((count = LinuxFiles.ReadAt(file, buffer, Position)) == -Errno.Intr)
            ThrowIfUnusable("read");
        return (int)Moved(count, "read");
    }

    internal override int ReadSome(Span<IoSlice> slices, Deadline deadline)
    {
        nint count;
        while ((count = LinuxFiles.ReadAt(file, slices, Position)) == -Errno.Intr)
            ThrowIfUnusable("read");
        return (int)Moved(count, "read");
    }

    internal override int WriteSome(ReadOnlySpan<byte> bytes, Deadline deadline)
    {
        ThrowIfUnusable("write");
        nint count;
        while ((count = LinuxFiles.WriteAt(file, bytes, Position)) == -Errno.Intr)
            ThrowIfUnusable("write");
        return (int)Moved(count, "write");
    }

    internal override long WriteSome(Span<IoSlice> slices, Deadline deadline)
    {
        ThrowIfUnusable("write");
        nint count;
        while ((count = LinuxFiles.WriteAt(file, slices, Position)) == -Errno.Intr)
            ThrowIfUnusable("write");
        return Moved(count, "write");
    }

    internal override void DisposeCore()
    {
        file.Dispose();
        atomic?.Dispose();
    }

    private long Moved(nint count, string operation)
    {
        if (count < 0)
            throw Failed($"{operation} at offset 0x{Position:x}", -(int)count);
        Interlocked.Add(ref position, count);
        return count;
    }

    private ChannelException Failed(string operation, int errno) => Failure(
        operation,
        ChannelFault.System,
        errno == Errno.NoSpc ? $"{LinuxError.Text(errno)}: make room, or write elsewhere" : LinuxError.Text(errno),
        errno);
}
