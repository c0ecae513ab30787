using System.Runtime.InteropServices;

namespace VmStateGen.Runtime.Linux;

/// <summary>
/// The C library as it is: one import a call, the constants and the structures. Only Linux/ calls it. Here are memory, files and descriptors
/// of any kind, whose safe methods are in <see cref="MemoryCalls"/>, <see cref="FileCalls"/>, <see cref="LinuxFiles"/> and <see cref="LinuxPoll"/>;
/// sockets and processes are in files of their own.
/// </summary>
/// <remarks>
/// <para>The values are those of the 64-bit generic ABI (x86-64, AArch64, RISC-V 64). LibcTests and AbiTests assert every one of them against the
/// headers of the machine that runs it. What differs between these architectures (struct stat, O_DIRECT) is not used.</para>
/// <para>No import here suppresses the GC transition. A thread that blocks in one of them, for example because userfaultfd holds a page that
/// the kernel copies, does not hold up a collection; in managed code the same touch would stop the process for good.</para>
/// </remarks>
internal static unsafe partial class Libc
{
    private const string Library = "libc";

    public const int ProtNone = 0;
    public const int ProtRead = 1;
    public const int ProtWrite = 2;

    public const int MapShared = 0x01;
    public const int MapPrivate = 0x02;
    public const int MapFixed = 0x10;
    public const int MapAnonymous = 0x20;
    public const int MapNoReserve = 0x4000;

    public const uint MfdCloseOnExec = 0x1;
    public const uint MfdHugeTlb = 0x4;
    public const int MfdHugeShift = 26;

    public const int FallocKeepSize = 0x1;
    public const int FallocPunchHole = 0x2;

    public const int GetFlags = 3;
    public const int SetFlags = 4;
    public const int SetDescriptorFlags = 2;

    public const int EventNonBlock = 0x800;
    public const int EventCloseOnExec = 0x80000;

    public const nuint BytesReadable = 0x541B;

    public const int SeekCurrent = 1;
    public const int SeekData = 3;
    public const int SeekHole = 4;

    public const int AtCurrentDirectory = -100;
    public const int AtNoFollow = 0x100;
    public const int AtEmptyPath = 0x1000;
    public const uint StatxBasic = 0x7ff;
    public const long HugeTlbFsMagic = 0x958458f6;

    /// <summary>struct timespec.</summary>
    public struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }

    /// <summary>struct pollfd.</summary>
    public struct PollFd
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    /// <summary>The part of struct statx that is used. Unlike struct stat it is the same on every architecture.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    public struct Statx
    {
        /// <summary>stx_blksize, bytes.</summary>
        [FieldOffset(4)]
        public uint BlockSize;

        /// <summary>stx_mode: the kind of file and who may do what.</summary>
        [FieldOffset(28)]
        public ushort Mode;

        /// <summary>stx_ino.</summary>
        [FieldOffset(32)]
        public ulong Inode;

        /// <summary>stx_size, bytes.</summary>
        [FieldOffset(40)]
        public ulong Size;

        /// <summary>stx_blocks, in units of 512 bytes.</summary>
        [FieldOffset(48)]
        public ulong Blocks;

        /// <summary>stx_dev_major.</summary>
        [FieldOffset(136)]
        public uint DeviceMajor;

        /// <summary>stx_dev_minor.</summary>
        [FieldOffset(140)]
        public uint DeviceMinor;
    }

    /// <summary>The part of struct statfs that is used.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 120)]
    public struct StatFs
    {
        /// <summary>f_type, a magic number.</summary>
        [FieldOffset(0)]
        public long Type;

        /// <summary>f_bsize, bytes; of hugetlbfs the size of its pages.</summary>
        [FieldOffset(8)]
        public long BlockSize;
    }

    [LibraryImport(Library, EntryPoint = "mmap", SetLastError = true)]
    public static partial nint MemoryMap(nint address, nuint length, int protection, int flags, int descriptor, long offset);

    [LibraryImport(Library, EntryPoint = "munmap", SetLastError = true)]
    public static partial int MemoryUnmap(nint address, nuint length);

    [LibraryImport(Library, EntryPoint = "madvise", SetLastError = true)]
    public static partial int MemoryAdvise(nint address, nuint length, int advice);

    [LibraryImport(Library, EntryPoint = "mincore", SetLastError = true)]
    public static partial int MemoryInCore(nint address, nuint length, byte* vector);

    [LibraryImport(Library, EntryPoint = "memcpy")]
    public static partial nint MemoryCopy(void* destination, void* source, nuint length);

    [LibraryImport(Library, EntryPoint = "memset")]
    public static partial nint MemorySet(void* destination, int value, nuint length);

    [LibraryImport(Library, EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int MemoryFileCreate(string name, uint flags);

    [LibraryImport(Library, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags, uint mode);

    [LibraryImport(Library, EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int Truncate(SafeHandle descriptor, long length);

    [LibraryImport(Library, EntryPoint = "fallocate", SetLastError = true)]
    public static partial int Allocate(SafeHandle descriptor, int mode, long offset, long length);

    [LibraryImport(Library, EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int StatExtended(int directory, string path, int flags, uint mask, Statx* result);

    [LibraryImport(Library, EntryPoint = "fstatfs", SetLastError = true)]
    public static partial int StatFileSystem(SafeHandle descriptor, StatFs* result);

    [LibraryImport(Library, EntryPoint = "lseek", SetLastError = true)]
    public static partial long Seek(SafeHandle descriptor, long offset, int whence);

    [LibraryImport(Library, EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(SafeHandle descriptor, void* buffer, nuint length);

    [LibraryImport(Library, EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(SafeHandle descriptor, void* buffer, nuint length);

    [LibraryImport(Library, EntryPoint = "readv", SetLastError = true)]
    public static partial nint ReadVector(SafeHandle descriptor, IoSlice* vector, int count);

    [LibraryImport(Library, EntryPoint = "writev", SetLastError = true)]
    public static partial nint WriteVector(SafeHandle descriptor, IoSlice* vector, int count);

    [LibraryImport(Library, EntryPoint = "preadv", SetLastError = true)]
    public static partial nint ReadVectorAt(SafeHandle descriptor, IoSlice* vector, int count, long offset);

    [LibraryImport(Library, EntryPoint = "pwritev", SetLastError = true)]
    public static partial nint WriteVectorAt(SafeHandle descriptor, IoSlice* vector, int count, long offset);

    [LibraryImport(Library, EntryPoint = "ppoll", SetLastError = true)]
    public static partial int Poll(PollFd* descriptors, nuint count, TimeSpec* timeout, void* signalMask);

    [LibraryImport(Library, EntryPoint = "fsync", SetLastError = true)]
    public static partial int Synchronize(SafeHandle descriptor);

    [LibraryImport(Library, EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Rename(string from, string to);

    [LibraryImport(Library, EntryPoint = "unlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Unlink(string path);

    [LibraryImport(Library, EntryPoint = "ioctl", SetLastError = true)]
    public static partial int IoControl(SafeHandle descriptor, nuint request, void* argument);

    [LibraryImport(Library, EntryPoint = "ioctl", SetLastError = true)]
    public static partial int IoControl(SafeHandle descriptor, nuint request, nint argument);

    [LibraryImport(Library, EntryPoint = "fcntl", SetLastError = true)]
    public static partial int FileControl(SafeHandle descriptor, int command, nint argument);

    [LibraryImport(Library, EntryPoint = "eventfd", SetLastError = true)]
    public static partial int EventDescriptor(uint value, int flags);

    [LibraryImport(Library, EntryPoint = "pipe2", SetLastError = true)]
    public static partial int Pipe(int* pair, int flags);
}
