namespace VmStateGen.Runtime.Linux;

/// <summary>Error numbers that code here tells apart or gives advice on, and their names.</summary>
internal static class Errno
{
    public const int Perm = 1;
    public const int NoEnt = 2;
    public const int Srch = 3;
    public const int Intr = 4;
    public const int Io = 5;
    public const int NxIo = 6;
    public const int BadF = 9;
    public const int Child = 10;
    public const int Again = 11;
    public const int NoMem = 12;
    public const int Acces = 13;
    public const int Fault = 14;
    public const int Busy = 16;
    public const int Exist = 17;
    public const int NoDev = 19;
    public const int NotDir = 20;
    public const int IsDir = 21;
    public const int Inval = 22;
    public const int NFile = 23;
    public const int MFile = 24;
    public const int FBig = 27;
    public const int NoSpc = 28;
    public const int SPipe = 29;
    public const int RoFs = 30;
    public const int Pipe = 32;
    public const int NoSys = 38;
    public const int NotSock = 88;
    public const int OpNotSupp = 95;
    public const int AddrInUse = 98;
    public const int NetUnreach = 101;
    public const int ConnAborted = 103;
    public const int ConnReset = 104;
    public const int NotConn = 107;
    public const int TimedOut = 110;
    public const int ConnRefused = 111;
    public const int HostUnreach = 113;
    public const int InProgress = 115;
    public const int HwPoison = 133;

    /// <summary>The number's name in errno.h, or the number itself.</summary>
    public static string Name(int errno) => errno switch
    {
        Perm => "EPERM",
        NoEnt => "ENOENT",
        Srch => "ESRCH",
        Intr => "EINTR",
        Io => "EIO",
        NxIo => "ENXIO",
        BadF => "EBADF",
        Child => "ECHILD",
        Again => "EAGAIN",
        NoMem => "ENOMEM",
        Acces => "EACCES",
        Fault => "EFAULT",
        Busy => "EBUSY",
        Exist => "EEXIST",
        NoDev => "ENODEV",
        NotDir => "ENOTDIR",
        IsDir => "EISDIR",
        Inval => "EINVAL",
        NFile => "ENFILE",
        MFile => "EMFILE",
        FBig => "EFBIG",
        NoSpc => "ENOSPC",
        SPipe => "ESPIPE",
        RoFs => "EROFS",
        Pipe => "EPIPE",
        NoSys => "ENOSYS",
        NotSock => "ENOTSOCK",
        OpNotSupp => "EOPNOTSUPP",
        AddrInUse => "EADDRINUSE",
        NetUnreach => "ENETUNREACH",
        ConnAborted => "ECONNABORTED",
        ConnReset => "ECONNRESET",
        NotConn => "ENOTCONN",
        TimedOut => "ETIMEDOUT",
        ConnRefused => "ECONNREFUSED",
        HostUnreach => "EHOSTUNREACH",
        InProgress => "EINPROGRESS",
        HwPoison => "EHWPOISON",
        _ => $"errno {errno}",
    };
}
