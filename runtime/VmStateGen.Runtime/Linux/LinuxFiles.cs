using System;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace VmStateGen.Runtime.Linux;

/// <summary>What a path or descriptor is.</summary>
internal enum FileKind
{
    Regular,
    Directory,
    Pipe,
    Socket,
    CharacterDevice,
    BlockDevice,
    Link,
    Other,
}

/// <summary>What statx(2) says.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Length">Bytes.</param>
/// <param name="AllocatedBytes">Bytes of storage that it takes up.</param>
/// <param name="DeviceMajor">Of the file system's device.</param>
/// <param name="DeviceMinor">Of the file system's device.</param>
/// <param name="Inode">Number of the file in its file system.</param>
internal readonly record struct FileIdentity(FileKind Kind, long Length, long AllocatedBytes, uint DeviceMajor, uint DeviceMinor, ulong Inode);

/// <summary>Calls on files and pipes. As in <see cref="LinuxSockets"/>, an error is a negative number where waiting may be all it takes.</summary>
internal static unsafe class LinuxFiles
{
    public const int ReadOnly = 0;
    public const int WriteOnly = 1;
    public const int ReadWrite = 2;
    public const int AccessMask = 3;
    public const int Create = 0x40;
    public const int Exclusive = 0x80;
    public const int NonBlock = 0x800;
    public const int CloseOnExec = 0x80000;

    // The unit of stx_blocks, whatever the file system's is.
    private const int StatxBlock = 512;

    /// <returns>The file, or <see langword="null"/> and the error.</returns>
    public static SafeFileHandle? Open(string path, int flags, out int errno)
    {
        while (true)
        {
            // What a machine's memory holds is nobody else's business: 0600.
            int descriptor = Libc.Open(path, flags | CloseOnExec, 0b110_000_000);
            errno = descriptor >= 0 ? 0 : Marshal.GetLastPInvokeError();
            if (descriptor >= 0)
                return new SafeFileHandle(descriptor, ownsHandle: true);
            if (errno != Errno.Intr)
                return null;
        }
    }

    /// <summary>pipe2(2).</summary>
    public static (SafeFileHandle Reader, SafeFileHandle Writer) CreatePipe()
    {
        int* pair = stackalloc int[2];
        if (Libc.Pipe(pair, CloseOnExec) != 0)
            throw LinuxError.Last("pipe2");
        return (new SafeFileHandle(pair[0], ownsHandle: true), new SafeFileHandle(pair[1], ownsHandle: true));
    }

    /// <summary>Of a descriptor.</summary>
    /// <returns><see langword="null"/> and the error if there is no such descriptor.</returns>
    public static FileIdentity? Identify(SafeHandle handle, out int errno)
    {
        bool held = false;
        try
        {
            handle.DangerousAddRef(ref held);
            return Identify((int)handle.DangerousGetHandle(), "", Libc.AtEmptyPath, out errno);
        }
        finally
        {
            if (held)
                handle.DangerousRelease();
        }
    }

    /// <summary>Of what a path names.</summary>
    /// <returns><see langword="null"/> and the error if there is nothing.</returns>
    public static FileIdentity? Identify(string path, bool followLink, out int errno)
        => Identify(Libc.AtCurrentDirectory, path, followLink ? 0 : Libc.AtNoFollow, out errno);

    /// <summary>The flags of the open file, the mode of access among them; negative: the error.</summary>
    public static int Flags(SafeHandle handle) => (int)LinuxError.Result(Libc.FileControl(handle, Libc.GetFlags, 0));

    /// <summary>Sets the flags of the open file, which all who have it share.</summary>
    /// <returns>0, or the error.</returns>
    public static int SetFlags(SafeHandle handle, int flags)
        => (int)LinuxError.Result(Libc.FileControl(handle, Libc.SetFlags, flags));

    /// <summary>A descriptor that was handed over is not for the processes that are started from here.</summary>
    public static void SetCloseOnExec(SafeHandle handle) => _ = Libc.FileControl(handle, Libc.SetDescriptorFlags, 1);

    public static nint Read(SafeHandle handle, Span<byte> buffer)
    {
        fixed (byte* to = buffer)
            return LinuxError.Result(Libc.Read(handle, to, (nuint)buffer.Length));
    }

    public static nint Write(SafeHandle handle, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* from = bytes)
            return LinuxError.Result(Libc.Write(handle, from, (nuint)bytes.Length));
    }

    public static nint Read(SafeHandle handle, ReadOnlySpan<IoSlice> slices)
    {
        fixed (IoSlice* vector = slices)
            return LinuxError.Result(Libc.ReadVector(handle, vector, Math.Min(slices.Length, IoSlice.MostInOneCall)));
    }

    public static nint Write(SafeHandle handle, ReadOnlySpan<IoSlice> slices)
    {
        fixed (IoSlice* vector = slices)
            return LinuxError.Result(Libc.WriteVector(handle, vector, Math.Min(slices.Length, IoSlice.MostInOneCall)));
    }

    public static nint ReadAt(SafeHandle handle, Span<byte> buffer, long offset)
    {
        fixed (byte* to = buffer)
        {
            var slice = new IoSlice((nint)to, buffer.Length);
            return LinuxError.Result(Libc.ReadVectorAt(handle, &slice, 1, offset));
        }
    }

    public static nint WriteAt(SafeHandle handle, ReadOnlySpan<byte> bytes, long offset)
    {
        fixed (byte* from = bytes)
        {
            var slice = new IoSlice((nint)from, bytes.Length);
            return LinuxError.Result(Libc.WriteVectorAt(handle, &slice, 1, offset));
        }
    }

    public static nint ReadAt(SafeHandle handle, ReadOnlySpan<IoSlice> slices, long offset)
    {
        fixed (IoSlice* vector = slices)
            return LinuxError.Result(Libc.ReadVectorAt(handle, vector, Math.Min(slices.Length, IoSlice.MostInOneCall), offset));
    }

    public static nint WriteAt(SafeHandle handle, ReadOnlySpan<IoSlice> slices, long offset)
    {
        fixed (IoSlice* vector = slices)
            return LinuxError.Result(Libc.WriteVectorAt(handle, vector, Math.Min(slices.Length, IoSlice.MostInOneCall), offset));
    }

    /// <summary>Bytes in a pipe that nobody has read; -1 if it cannot be told.</summary>
    public static long Unread(SafeHandle handle)
    {
        int value = 0;
        return Libc.IoControl(handle, Libc.BytesReadable, &value) == 0 ? value : -1;
    }

    /// <summary>The open file's position; negative: the error.</summary>
    public static long Position(SafeHandle handle) => LinuxError.Result((nint)Libc.Seek(handle, 0, Libc.SeekCurrent));

    /// <returns>0, or the error.</returns>
    public static int Synchronize(SafeHandle handle) => (int)LinuxError.Result(Libc.Synchronize(handle));

    /// <returns>0, or the error.</returns>
    public static int SetLength(SafeHandle handle, long length) => (int)LinuxError.Result(Libc.Truncate(handle, length));

    /// <returns>0, or the error.</returns>
    public static int Rename(string from, string to) => (int)LinuxError.Result(Libc.Rename(from, to));

    /// <returns>0, or the error.</returns>
    public static int Unlink(string path) => (int)LinuxError.Result(Libc.Unlink(path));

    private static FileIdentity? Identify(int directory, string path, int flags, out int errno)
    {
        Libc.Statx stat;
        errno = Libc.StatExtended(directory, path, flags, Libc.StatxBasic, &stat) == 0 ? 0 : Marshal.GetLastPInvokeError();
        if (errno != 0)
            return null;
        FileKind kind = (stat.Mode & 0xf000) switch
        {
            0x8000 => FileKind.Regular,
            0x4000 => FileKind.Directory,
            0x1000 => FileKind.Pipe,
            0xc000 => FileKind.Socket,
            0x2000 => FileKind.CharacterDevice,
            0x6000 => FileKind.BlockDevice,
            0xa000 => FileKind.Link,
            _ => FileKind.Other,
        };
        return new FileIdentity(kind, (long)stat.Size, (long)stat.Blocks * StatxBlock, stat.DeviceMajor, stat.DeviceMinor, stat.Inode);
    }
}
