using System;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace VmStateGen.Runtime.Linux;

/// <summary>
/// Memory whose pages can be write-protected so that the first write to each lifts the protection in the kernel and goes on at once
/// (userfaultfd with WP_ASYNC, Linux 6.7): nobody waits for a handler, so managed code may touch such memory.
/// </summary>
/// <remarks>Any thread. What is registered loses its protection when it is disposed of.</remarks>
internal sealed unsafe class AsyncWriteProtection : IDisposable
{
    private readonly SafeFileHandle descriptor;

    /// <exception cref="SystemCallException">The kernel has no userfaultfd, is older than 6.7, or does not let this process.</exception>
    public AsyncWriteProtection()
    {
        var number = RuntimeInformation.ProcessArchitecture switch
        {
            Architecture.X64 => 323,
            Architecture.Arm64 or Architecture.RiscV64 => 282,
            _ => throw new PlatformNotSupportedException("The number of the userfaultfd call is not known for this architecture."),
        };

        // Asynchronous faults never reach a handler, so faults of the kernel need no privilege either.
        var result = TrackingLibc.UserFaultOpen(number, TrackingLibc.CloseOnExec | TrackingLibc.UserFaultUserModeOnly);
        if (result < 0)
            throw SystemCallException.Last("userfaultfd", "UFFD_USER_MODE_ONLY", "A seccomp filter or the kernel's build may forbid it.");
        descriptor = new SafeFileHandle((nint)result, ownsHandle: true);
        var api = new TrackingLibc.UserFaultApiArgument
        {
            Api = TrackingLibc.UserFaultApi,
            Features = TrackingLibc.UserFaultFeatureAsync | TrackingLibc.UserFaultFeatureShared,
        };
        if (TrackingLibc.Control(descriptor, TrackingLibc.UserFaultApiRequest, &api) == 0)
            return;
        var error = SystemCallException.Last("ioctl", "UFFDIO_API, WP_ASYNC", "Asynchronous write protection needs Linux 6.7.");
        descriptor.Dispose();
        throw error;
    }

    /// <summary>Lets pages of a range be protected. None is yet.</summary>
    /// <returns>Whether the kernel can do that with such memory; a file on a disk it cannot.</returns>
    /// <exception cref="SystemCallException">It could, but another userfaultfd has the range.</exception>
    public bool TryRegister(SafeMapping mapping, long offset, long length)
    {
        var isHeld = false;
        try
        {
            mapping.DangerousAddRef(ref isHeld);
            var argument = new TrackingLibc.UserFaultRegisterArgument
            {
                Start = (ulong)(mapping.Address + offset),
                Length = (ulong)length,
                Mode = TrackingLibc.UserFaultModeWriteProtect,
            };
            if (TrackingLibc.Control(descriptor, TrackingLibc.UserFaultRegisterRequest, &argument) == 0)
                return true;
            if (Marshal.GetLastPInvokeError() == Errno.Inval)
                return false;
            throw SystemCallException.Last(
                "ioctl", $"UFFDIO_REGISTER, WP, offset 0x{offset:x}, 0x{length:x} bytes", "A range can belong to one userfaultfd only: end what else has registered it.");
        }
        finally
        {
            if (isHeld)
                mapping.DangerousRelease();
        }
    }

    /// <summary>Ends it for a range; a mapping that is gone needs none.</summary>
    public void Unregister(SafeMapping mapping, long offset, long length)
    {
        if (mapping.IsClosed)
            return;
        var range = new TrackingLibc.UserFaultRegisterArgument { Start = (ulong)(mapping.Address + offset), Length = (ulong)length };
        TrackingLibc.Control(descriptor, TrackingLibc.UserFaultUnregisterRequest, &range);
    }

    /// <inheritdoc/>
    public void Dispose() => descriptor.Dispose();
}
