using System;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace VmStateGen.Runtime.Linux;

/// <summary>What statx(2) and fstatfs(2) say of a file.</summary>
/// <param name="Length">Bytes.</param>
/// <param name="AllocatedBytes">Bytes of storage that it takes up.</param>
/// <param name="HugePageSize">Of a file on hugetlbfs the bytes of its pages, else 0.</param>
internal readonly record struct FileFacts(long Length, long AllocatedBytes, long HugePageSize);

/// <summary>
/// Calls on the files behind guest RAM: as those of <see cref="LinuxFiles"/>, but what fails throws. Descriptors are closed on exec. Calls that
/// a signal interrupts go on.
/// </summary>
internal static unsafe class FileCalls
{
    /// <summary>memfd_create(2): a file that lives in memory and has no path.</summary>
    /// <param name="name">For /proc/self/maps, at most 249 bytes.</param>
    /// <param name="hugePageSize">Bytes of its pages, a power of two; 0 for ordinary pages.</param>
    /// <exception cref="SystemCallException">It failed.</exception>
    public static SafeFileHandle CreateMemoryFile(string name, long hugePageSize = 0)
    {
        var flags = Libc.MfdCloseOnExec;
        if (hugePageSize != 0)
            flags |= Libc.MfdHugeTlb | (uint)long.Log2(hugePageSize) << Libc.MfdHugeShift;
        var descriptor = Libc.MemoryFileCreate(name, flags);
        if (descriptor < 0)
        {
            var advice = hugePageSize == 0 ? null : $"See /sys/kernel/mm/hugepages for the sizes of huge pages that this host has.";
            throw SystemCallException.Last("memfd_create", hugePageSize == 0 ? name : $"{name}, pages of 0x{hugePageSize:x} bytes", advice);
        }
        return new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>open(2) for reading and writing.</summary>
    /// <param name="path">Path.</param>
    /// <param name="create">Makes it, for its owner only, if it is not there.</param>
    /// <exception cref="SystemCallException">It failed.</exception>
    public static SafeFileHandle OpenReadWrite(string path, bool create)
        => Open(path, LinuxFiles.ReadWrite | (create ? LinuxFiles.Create : 0));

    /// <summary>open(2) for reading.</summary>
    /// <exception cref="SystemCallException">It failed.</exception>
    public static SafeFileHandle OpenReadOnly(string path) => Open(path, LinuxFiles.ReadOnly);

    /// <summary>ftruncate(2).</summary>
    /// <exception cref="SystemCallException">It failed.</exception>
    public static void SetLength(SafeHandle file, long length)
    {
        int result;
        while ((result = LinuxFiles.SetLength(file, length)) == -Errno.Intr)
        {
        }
        if (result < 0)
            throw SystemCallException.Last("ftruncate", $"0x{length:x} bytes");
    }

    /// <summary>fallocate(2) with FALLOC_FL_PUNCH_HOLE: storage is given back, the range reads as zeros in every mapping.</summary>
    /// <exception cref="SystemCallException">It failed.</exception>
    public static void PunchHole(SafeHandle file, long offset, long length)
    {
        while (Libc.Allocate(file, Libc.FallocPunchHole | Libc.FallocKeepSize, offset, length) != 0)
        {
            if (Marshal.GetLastPInvokeError() != Errno.Intr)
                throw SystemCallException.Last("fallocate", $"punch hole at 0x{offset:x}, 0x{length:x} bytes");
        }
    }

    /// <summary>statx(2) and fstatfs(2).</summary>
    /// <exception cref="SystemCallException">One of them failed.</exception>
    public static FileFacts Facts(SafeHandle file)
    {
        var identity = LinuxFiles.Identify(file, out _) ?? throw SystemCallException.Last("statx", "");
        Libc.StatFs system;
        if (Libc.StatFileSystem(file, &system) != 0)
            throw SystemCallException.Last("fstatfs", "");
        return new FileFacts(identity.Length, identity.AllocatedBytes, system.Type == Libc.HugeTlbFsMagic ? system.BlockSize : 0);
    }

    /// <summary>
    /// The next range of the file that holds data: what is not in one was never written and reads as zeros (SEEK_DATA, SEEK_HOLE). Moves
    /// the descriptor's position.
    /// </summary>
    /// <param name="file">File.</param>
    /// <param name="from">Bytes from the start of the file.</param>
    /// <param name="start">First byte of data at or after <paramref name="from"/>.</param>
    /// <param name="end">First byte after it that is none.</param>
    /// <returns>Whether there is data.</returns>
    /// <exception cref="SystemCallException">It failed, for example with EINVAL if the file system cannot tell.</exception>
    public static bool FindData(SafeHandle file, long from, out long start, out long end)
    {
        end = 0;
        start = Libc.Seek(file, from, Libc.SeekData);
        if (start < 0)
        {
            // No data from here on, or the end of the file.
            if (Marshal.GetLastPInvokeError() == Errno.NxIo)
                return false;
            throw SystemCallException.Last("lseek", $"0x{from:x}, SEEK_DATA");
        }
        end = Libc.Seek(file, start, Libc.SeekHole);
        if (end >= 0)
            return true;

        // Somebody gave the data back between the two calls.
        if (Marshal.GetLastPInvokeError() == Errno.NxIo)
            return false;
        throw SystemCallException.Last("lseek", $"0x{start:x}, SEEK_HOLE");
    }

    /// <summary>preadv(2) until the buffer is full or the file ends.</summary>
    /// <returns>Bytes read.</returns>
    /// <exception cref="SystemCallException">It failed.</exception>
    public static int ReadAt(SafeHandle file, long offset, Span<byte> destination)
    {
        var done = 0;
        while (done < destination.Length)
        {
            var count = LinuxFiles.ReadAt(file, destination[done..], offset + done);
            if (count == 0)
                break;
            if (count > 0)
                done += (int)count;
            else if (count != -Errno.Intr)
                throw SystemCallException.Last("preadv", $"0x{destination.Length - done:x} bytes at 0x{offset + done:x}");
        }
        return done;
    }

    private static SafeFileHandle Open(string path, int flags)
        => LinuxFiles.Open(path, flags, out _) ?? throw SystemCallException.Last("open", path);
}
