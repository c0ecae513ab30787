using System.IO;
using System.Runtime.InteropServices;

namespace VmStateGen.Runtime.Linux;

/// <summary>A call to the operating system failed. Names the call, its arguments, the error and, where there is something to do, what.</summary>
public sealed class SystemCallException : IOException
{
    internal SystemCallException(string call, string arguments, int errno, string? advice = null)
        : base(Compose(call, arguments, errno, advice))
    {
        Call = call;
        Arguments = arguments;
        Errno = errno;
        Advice = advice;
        HResult = errno;
    }

    /// <summary>Name of the call, as in its manual page: <c>mmap</c>.</summary>
    public string Call { get; }

    /// <summary>Its arguments, for a reader.</summary>
    public string Arguments { get; }

    /// <summary>The error number as of errno.h: 12 is ENOMEM.</summary>
    public int Errno { get; }

    /// <summary>The error number's name: ENOMEM.</summary>
    public string ErrorName => Linux.Errno.Name(Errno);

    /// <summary>What may help; <see langword="null"/> if nothing is known to.</summary>
    public string? Advice { get; }

    /// <summary>Of the call that this thread made last.</summary>
    internal static SystemCallException Last(string call, string arguments, string? advice = null)
    {
        var errno = Marshal.GetLastPInvokeError();
        return new SystemCallException(call, arguments, errno, advice ?? GeneralAdvice(call, errno));
    }

    private static string Compose(string call, string arguments, int errno, string? advice)
    {
        var message = $"{call}({arguments}) failed: {Linux.Errno.Name(errno)}, {Marshal.GetPInvokeErrorMessage(errno)}.";
        return advice is null ? message : $"{message} {advice}";
    }

    private static string? GeneralAdvice(string call, int errno) => (call, errno) switch
    {
        (_, Linux.Errno.MFile) => "The process has too many open files: raise its limit (ulimit -n).",
        (_, Linux.Errno.NFile) => "The system has too many open files: raise /proc/sys/fs/file-max.",
        (_, Linux.Errno.HwPoison) => "The memory has a hardware error: see the kernel's log.",
        ("mmap", Linux.Errno.NoMem) => "Too little memory or address space, or too many mappings: see ulimit -v, /proc/sys/vm/overcommit_memory and /proc/sys/vm/max_map_count.",
        ("madvise", Linux.Errno.Inval) => "The kernel may be too old for this advice (MADV_POPULATE_* needs 5.14) or was built without it.",
        ("madvise", Linux.Errno.NoMem) => "There is not memory enough, or part of the range is not mapped.",
        ("ftruncate" or "fallocate", Linux.Errno.NoSpc) => "The file system is full.",
        ("fallocate", Linux.Errno.OpNotSupp) => "The file system cannot do this: use tmpfs, hugetlbfs, ext4 or XFS.",
        ("memfd_create", Linux.Errno.NoSys) => "The kernel is older than 3.17.",
        ("statx", Linux.Errno.NoSys) => "The kernel is older than 4.11.",
        _ => null,
    };
}
