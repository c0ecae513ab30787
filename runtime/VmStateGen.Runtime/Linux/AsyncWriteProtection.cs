using System;

namespace VmStateGen.Runtime.Linux;

/// <summary>
/// Memory whose pages can be write-protected so that the first write to each lifts the protection in the kernel and goes on at once
/// (userfaultfd with WP_ASYNC, Linux 6.7): nobody waits for a handler, so managed code may touch such memory.
/// </summary>
/// <remarks>Any thread. What is registered loses its protection when it is disposed of.</remarks>
internal sealed class AsyncWriteProtection : IDisposable
{
    private const UserFaultFeatures Features = UserFaultFeatures.WriteProtectAsync | UserFaultFeatures.WriteProtectHugeTlbFsSharedMemory;

    // Asynchronous faults never reach a handler, so those of the kernel need no privilege either.
    private readonly UserFault faults = UserFault.Open(Features, isUserModeOnly: true);

    /// <summary>Lets pages of a range be protected. None is yet.</summary>
    /// <returns>Whether the kernel can do that with such memory; a file on a disk it cannot.</returns>
    /// <exception cref="SystemCallException">It could, but another userfaultfd has the range.</exception>
    public bool TryRegister(SafeMapping mapping, long offset, long length)
    {
        try
        {
            faults.Register(mapping, offset, length, UserFaultModes.WriteProtect);
            return true;
        }
        catch (SystemCallException e) when (e.Errno == Errno.Inval)
        {
            return false;
        }
    }

    /// <summary>Ends it for a range; a mapping that is gone needs none.</summary>
    public void Unregister(SafeMapping mapping, long offset, long length)
    {
        if (!mapping.IsClosed)
            faults.Unregister(mapping, offset, length);
    }

    /// <inheritdoc/>
    public void Dispose() => faults.Dispose();
}
