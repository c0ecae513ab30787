using System;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VmStateGen.Runtime.Linux;

namespace VmStateGen.Runtime.Tests.Linux;

/// <summary>Constants and structures against the headers of this machine, by its C compiler.</summary>
public sealed class LibcTests
{
    private static readonly (string C, long Value)[] Expected =
    [
        ("PROT_NONE", Libc.ProtNone),
        ("PROT_READ", Libc.ProtRead),
        ("PROT_WRITE", Libc.ProtWrite),
        ("MAP_SHARED", Libc.MapShared),
        ("MAP_PRIVATE", Libc.MapPrivate),
        ("MAP_FIXED", Libc.MapFixed),
        ("MAP_ANONYMOUS", Libc.MapAnonymous),
        ("MAP_NORESERVE", Libc.MapNoReserve),
        ("O_RDONLY", LinuxFiles.ReadOnly),
        ("O_WRONLY", LinuxFiles.WriteOnly),
        ("O_RDWR", LinuxFiles.ReadWrite),
        ("O_ACCMODE", LinuxFiles.AccessMask),
        ("O_CREAT", LinuxFiles.Create),
        ("O_EXCL", LinuxFiles.Exclusive),
        ("O_NONBLOCK", LinuxFiles.NonBlock),
        ("O_CLOEXEC", LinuxFiles.CloseOnExec),
        ("MFD_CLOEXEC", Libc.MfdCloseOnExec),
        ("MFD_HUGETLB", Libc.MfdHugeTlb),
        ("MFD_HUGE_SHIFT", Libc.MfdHugeShift),
        ("FALLOC_FL_KEEP_SIZE", Libc.FallocKeepSize),
        ("FALLOC_FL_PUNCH_HOLE", Libc.FallocPunchHole),
        ("SEEK_CUR", Libc.SeekCurrent),
        ("SEEK_DATA", Libc.SeekData),
        ("SEEK_HOLE", Libc.SeekHole),
        ("AT_EMPTY_PATH", Libc.AtEmptyPath),
        ("STATX_BASIC_STATS", Libc.StatxBasic),
        ("HUGETLBFS_MAGIC", Libc.HugeTlbFsMagic),
        ("UIO_MAXIOV", IoSlice.MostInOneCall),
        ("POLLIN", (long)PollEvents.In),
        ("POLLOUT", (long)PollEvents.Out),
        ("POLLERR", (long)PollEvents.Error),
        ("POLLHUP", (long)PollEvents.HangUp),
        ("POLLNVAL", (long)PollEvents.Invalid),
        ("MADV_DONTNEED", (long)MemoryAdvice.DontNeed),
        ("MADV_REMOVE", (long)MemoryAdvice.Remove),
        ("MADV_DONTFORK", (long)MemoryAdvice.DontFork),
        ("MADV_HUGEPAGE", (long)MemoryAdvice.HugePage),
        ("MADV_NOHUGEPAGE", (long)MemoryAdvice.NoHugePage),
        ("MADV_POPULATE_READ", (long)MemoryAdvice.PopulateRead),
        ("MADV_POPULATE_WRITE", (long)MemoryAdvice.PopulateWrite),
        ("sizeof(struct iovec)", Unsafe.SizeOf<IoSlice>()),
        ("offsetof(struct iovec, iov_base)", Offset<IoSlice>(nameof(IoSlice.Address))),
        ("offsetof(struct iovec, iov_len)", Offset<IoSlice>(nameof(IoSlice.Length))),
        ("sizeof(struct timespec)", Unsafe.SizeOf<Libc.TimeSpec>()),
        ("offsetof(struct timespec, tv_nsec)", Offset<Libc.TimeSpec>(nameof(Libc.TimeSpec.Nanoseconds))),
        ("sizeof(struct pollfd)", Unsafe.SizeOf<Libc.PollFd>()),
        ("offsetof(struct pollfd, fd)", Offset<Libc.PollFd>(nameof(Libc.PollFd.Descriptor))),
        ("offsetof(struct pollfd, events)", Offset<Libc.PollFd>(nameof(Libc.PollFd.Events))),
        ("offsetof(struct pollfd, revents)", Offset<Libc.PollFd>(nameof(Libc.PollFd.Returned))),
        ("sizeof(struct statx)", Unsafe.SizeOf<Libc.Statx>()),
        ("offsetof(struct statx, stx_blksize)", Offset<Libc.Statx>(nameof(Libc.Statx.BlockSize))),
        ("offsetof(struct statx, stx_size)", Offset<Libc.Statx>(nameof(Libc.Statx.Size))),
        ("offsetof(struct statx, stx_blocks)", Offset<Libc.Statx>(nameof(Libc.Statx.Blocks))),
        ("sizeof(struct statfs)", Unsafe.SizeOf<Libc.StatFs>()),
        ("offsetof(struct statfs, f_type)", Offset<Libc.StatFs>(nameof(Libc.StatFs.Type))),
        ("offsetof(struct statfs, f_bsize)", Offset<Libc.StatFs>(nameof(Libc.StatFs.BlockSize))),
        ("sizeof(off_t)", sizeof(long)),
        ("sizeof(size_t)", Unsafe.SizeOf<nuint>()),
        .. typeof(Errno).GetFields().Select(field => (Errno.Name((int)field.GetRawConstantValue()!), (long)(int)field.GetRawConstantValue()!)),
    ];

    [SkippableFact]
    public void Constants_and_structures_are_those_of_the_headers()
    {
        string[] headers = ["stddef.h", "stdio.h", "errno.h", "fcntl.h", "poll.h", "sys/mman.h", "sys/stat.h", "sys/uio.h", "sys/vfs.h", "unistd.h", "linux/magic.h", "linux/falloc.h", "linux/memfd.h"];
        var found = CProgram.Values(headers, [.. Expected.Select(static entry => entry.C)]);
        Assert.Equal(Expected.Select(static entry => $"{entry.C}={entry.Value}"), found);
    }

    [Fact]
    public void A_failed_call_says_what_and_what_to_do()
    {
        var e = Assert.Throws<SystemCallException>(() => FileCalls.OpenReadOnly("/no/such/file"));
        Assert.Equal(("open", "/no/such/file", 2, "ENOENT"), (e.Call, e.Arguments, e.Errno, e.ErrorName));
        Assert.Equal("open(/no/such/file) failed: ENOENT, No such file or directory.", e.Message);

        // Pages of a size that no machine has.
        e = Assert.Throws<SystemCallException>(() => FileCalls.CreateMemoryFile("x", 1L << 50));
        Assert.Equal("memfd_create", e.Call);
        Assert.Contains("/sys/kernel/mm/hugepages", e.Message, StringComparison.Ordinal);
    }

    private static long Offset<T>(string field) => Marshal.OffsetOf<T>(field);
}
