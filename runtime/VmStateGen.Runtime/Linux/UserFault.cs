using System;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace VmStateGen.Runtime.Linux;

/// <summary>What became of a call that places pages.</summary>
internal enum PlaceResult
{
    /// <summary>All of it is there now.</summary>
    Placed,

    /// <summary>A page is there already (EEXIST); what lies before it was placed.</summary>
    Exists,

    /// <summary>The memory is being changed (EAGAIN): whoever reads the messages must do so, then it goes on from where it is.</summary>
    Again,

    /// <summary>Nothing is registered there any more (ENOENT).</summary>
    Gone,
}

/// <summary>A userfaultfd: one typed call for each of its. Ranges are offsets in a <see cref="SafeMapping"/>, and checked.</summary>
/// <remarks>Any thread. What is registered is unregistered when it is disposed of, and whoever waits for a page of it goes on with what is there.</remarks>
internal sealed unsafe class UserFault : IDisposable
{
    private const string Device = "/dev/userfaultfd";

    private UserFault(SafeFileHandle handle, UserFaultFeatures features) => (Handle, Features) = (handle, features);

    /// <summary>For poll(2); it does not block.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>What it was opened with.</summary>
    public UserFaultFeatures Features { get; }

    /// <summary>Opens one: by the device, whose owner says who may, else by the system call.</summary>
    /// <param name="features">All of them are needed.</param>
    /// <param name="isUserModeOnly">Whether faults within system calls need not be seen: then no privilege is needed.</param>
    /// <exception cref="SystemCallException">Neither way is open to this process, or the kernel lacks a feature.</exception>
    public static UserFault Open(UserFaultFeatures features, bool isUserModeOnly = false)
    {
        var lacking = features & ~Supported(isUserModeOnly);
        if (lacking != 0)
            throw new SystemCallException("ioctl", $"UFFDIO_API, {features}", Errno.Inval, $"This kernel's userfaultfd does not have {lacking}: a newer one is needed.");
        var handle = OpenHandle(isUserModeOnly);
        try
        {
            Agree(handle, features);
            return new UserFault(handle, features);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>What the kernel has.</summary>
    /// <exception cref="SystemCallException">Neither way is open to this process.</exception>
    public static UserFaultFeatures Supported(bool isUserModeOnly = false)
    {
        // Only a descriptor's first UFFDIO_API counts, and one that asks for nothing is told everything.
        using var handle = OpenHandle(isUserModeOnly);
        return Agree(handle, UserFaultFeatures.None);
    }

    /// <summary>UFFDIO_REGISTER.</summary>
    /// <returns>The calls that the range takes.</returns>
    /// <exception cref="SystemCallException">It failed: EINVAL if the memory is not of a kind that has these faults.</exception>
    public UserFaultCalls Register(SafeMapping mapping, long offset, long length, UserFaultModes modes)
    {
        var argument = new UserFaultLibc.Register { Range = Range(mapping, offset, length), Mode = modes };
        Check(Control(mapping, UserFaultLibc.IoRegister, &argument), "UFFDIO_REGISTER", offset, length, modes.ToString());
        return argument.Calls;
    }

    /// <summary>UFFDIO_UNREGISTER. Who waits for a page of the range touches it again.</summary>
    /// <exception cref="SystemCallException">It failed.</exception>
    public void Unregister(SafeMapping mapping, long offset, long length)
    {
        var argument = Range(mapping, offset, length);
        Check(Control(mapping, UserFaultLibc.IoUnregister, &argument), "UFFDIO_UNREGISTER", offset, length);
    }

    /// <summary>UFFDIO_COPY: places pages atomically and wakes who waits for them.</summary>
    /// <param name="mapping">Registered memory.</param>
    /// <param name="offset">Bytes, a multiple of the host's page.</param>
    /// <param name="source">Whole pages, in memory that no userfaultfd holds.</param>
    /// <param name="done">Bytes that were placed.</param>
    /// <param name="isProtected">Whether they are placed write-protected.</param>
    /// <exception cref="SystemCallException">It failed otherwise.</exception>
    public PlaceResult Copy(SafeMapping mapping, long offset, ReadOnlySpan<byte> source, out long done, bool isProtected = false)
    {
        fixed (byte* from = source)
        {
            var argument = new UserFaultLibc.Copy
            {
                Destination = Range(mapping, offset, source.Length).Start,
                Source = (ulong)from,
                Length = (ulong)source.Length,
                Mode = isProtected ? UserFaultLibc.CopyWriteProtect : 0,
            };
            var errno = Control(mapping, UserFaultLibc.IoCopy, &argument);
            done = Math.Max(0, argument.Copied);
            return Result(errno, done, "UFFDIO_COPY", offset, source.Length);
        }
    }

    /// <summary>UFFDIO_ZEROPAGE: places pages of zeros. Not for huge pages of hugetlbfs.</summary>
    /// <inheritdoc cref="Copy"/>
    public PlaceResult ZeroPage(SafeMapping mapping, long offset, long length, out long done)
        => Place(mapping, offset, length, UserFaultLibc.IoZeroPage, "UFFDIO_ZEROPAGE", out done);

    /// <summary>UFFDIO_CONTINUE: maps pages that are in the file behind the memory already, after a minor fault or before one.</summary>
    /// <inheritdoc cref="Copy"/>
    public PlaceResult Continue(SafeMapping mapping, long offset, long length, out long done)
        => Place(mapping, offset, length, UserFaultLibc.IoContinue, "UFFDIO_CONTINUE", out done);

    /// <summary>UFFDIO_WAKE: who waits for a page of the range touches it again.</summary>
    /// <exception cref="SystemCallException">It failed.</exception>
    public void Wake(SafeMapping mapping, long offset, long length)
    {
        var argument = Range(mapping, offset, length);
        Check(Control(mapping, UserFaultLibc.IoWake, &argument), "UFFDIO_WAKE", offset, length);
    }

    /// <summary>UFFDIO_WRITEPROTECT: protects pages, or lifts it and wakes who waits for that.</summary>
    /// <returns>Not done if the memory is being changed (EAGAIN): whoever reads the messages must do so before it is tried again.</returns>
    /// <exception cref="SystemCallException">It failed.</exception>
    public bool WriteProtect(SafeMapping mapping, long offset, long length, bool isProtected)
    {
        var argument = new UserFaultLibc.WriteProtect { Range = Range(mapping, offset, length), Mode = isProtected ? UserFaultLibc.WriteProtectSet : 0 };
        var errno = Control(mapping, UserFaultLibc.IoWriteProtect, &argument);
        if (errno == Errno.Again)
            return false;
        Check(errno, "UFFDIO_WRITEPROTECT", offset, length);
        return true;
    }

    /// <summary>Takes messages; does not wait for one.</summary>
    /// <returns>How many; 0 if there is none.</returns>
    /// <exception cref="SystemCallException">It failed.</exception>
    public int Read(Span<UserFaultMessage> messages)
    {
        while (true)
        {
            fixed (UserFaultMessage* to = messages)
            {
                var count = Libc.Read(Handle, to, (nuint)(messages.Length * sizeof(UserFaultMessage)));
                if (count >= 0)
                    return (int)count / sizeof(UserFaultMessage);
            }
            switch (Marshal.GetLastPInvokeError())
            {
                case Errno.Intr:
                    break;
                case Errno.Again:
                    return 0;
                default:
                    throw SystemCallException.Last("read", "userfaultfd");
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Handle.Dispose();

    private static SafeFileHandle OpenHandle(bool isUserModeOnly)
    {
        var flags = LinuxFiles.CloseOnExec | LinuxFiles.NonBlock | (isUserModeOnly ? UserFaultLibc.UserModeOnly : 0);
        var device = TryOpenByDevice(flags, out var deviceError);
        if (device != null)
            return device;
        var number = UserFaultLibc.SystemCallNumber;
        var descriptor = number == 0 ? -1 : (int)Libc.SystemCall(number, flags, 0);
        if (descriptor >= 0)
            return new SafeFileHandle(descriptor, ownsHandle: true);
        var errno = number == 0 ? Errno.NoSys : Marshal.GetLastPInvokeError();
        throw new SystemCallException(
            "userfaultfd",
            isUserModeOnly ? "O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY" : "O_CLOEXEC | O_NONBLOCK",
            errno,
            $"Opening {Device} failed before it ({Errno.Name(deviceError)}). Give this process access to {Device} (Linux 6.1 and newer), or CAP_SYS_PTRACE, or set /proc/sys/vm/unprivileged_userfaultfd to 1; the kernel needs CONFIG_USERFAULTFD.");
    }

    private static SafeFileHandle? TryOpenByDevice(int flags, out int errno)
    {
        using var device = LinuxFiles.Open(Device, LinuxFiles.ReadWrite, out errno);
        if (device is null)
            return null;
        var opened = Libc.IoControl(device, UserFaultLibc.IoNew, flags);
        if (opened >= 0)
            return new SafeFileHandle(opened, ownsHandle: true);
        errno = Marshal.GetLastPInvokeError();
        return null;
    }

    private static UserFaultFeatures Agree(SafeFileHandle handle, UserFaultFeatures features)
    {
        var argument = new UserFaultLibc.Api { Version = UserFaultLibc.ApiVersion, Features = features };
        if (Libc.IoControl(handle, UserFaultLibc.IoApi, &argument) != 0)
            throw SystemCallException.Last("ioctl", $"UFFDIO_API, {features}");
        return argument.Features;
    }

    private static UserFaultLibc.Range Range(SafeMapping mapping, long offset, long length)
    {
        if (offset < 0 || length <= 0 || offset > mapping.Length - length)
            throw new ArgumentOutOfRangeException(nameof(offset), $"0x{length:x} bytes at 0x{offset:x} are not within the 0x{mapping.Length:x} that are mapped.");
        return new UserFaultLibc.Range { Start = (ulong)(mapping.Address + (nint)offset), Length = (ulong)length };
    }

    private static void Check(int errno, string call, long offset, long length, string? more = null)
    {
        if (errno != 0)
            throw Failed(errno, call, offset, length, more);
    }

    private static SystemCallException Failed(int errno, string call, long offset, long length, string? more = null)
        => new("ioctl", $"{call}, offset 0x{offset:x}, 0x{length:x} bytes{(more is null ? "" : ", " + more)}", errno);

    private static PlaceResult Result(int errno, long done, string call, long offset, long length) => errno switch
    {
        0 when done == length => PlaceResult.Placed,
        0 or Errno.Again => PlaceResult.Again,
        Errno.Exist => PlaceResult.Exists,
        Errno.NoEnt => PlaceResult.Gone,
        _ => throw Failed(errno, call, offset, length),
    };

    private PlaceResult Place(SafeMapping mapping, long offset, long length, uint request, string call, out long done)
    {
        var argument = new UserFaultLibc.Place { Range = Range(mapping, offset, length) };
        var errno = Control(mapping, request, &argument);
        done = Math.Max(0, argument.Done);
        return Result(errno, done, call, offset, length);
    }

    /// <summary>The error number; 0 for success.</summary>
    private int Control(SafeMapping mapping, uint request, void* argument)
    {
        var isHeld = false;
        try
        {
            mapping.DangerousAddRef(ref isHeld);
            return Libc.IoControl(Handle, request, argument) == 0 ? 0 : Marshal.GetLastPInvokeError();
        }
        finally
        {
            if (isHeld)
                mapping.DangerousRelease();
        }
    }
}
