using System;
using System.Runtime.InteropServices;

namespace VmStateGen.Runtime.Linux;

/// <summary>Calls on the descriptor of a KVM machine (Documentation/virt/kvm/api.rst).</summary>
internal static unsafe class KvmCalls
{
    /// <summary>KVM_SET_USER_MEMORY_REGION of a slot that is there, to log what its guest writes or not. The rest must be as it was.</summary>
    /// <exception cref="SystemCallException">It failed: the slot is another.</exception>
    public static void SetLogging(SafeHandle machine, uint slot, ulong guestAddress, SafeMapping mapping, long offset, long length, bool isReadOnly, bool isLogged)
    {
        var region = new TrackingLibc.KvmMemoryRegion
        {
            Slot = slot,
            Flags = (isLogged ? TrackingLibc.KvmMemoryLogDirtyPages : 0) | (isReadOnly ? TrackingLibc.KvmMemoryReadOnly : 0),
            GuestAddress = guestAddress,
            Length = (ulong)length,
            HostAddress = (ulong)(mapping.Address + offset),
        };
        Check(Libc.IoControl(machine, TrackingLibc.KvmSetMemoryRegionRequest, &region), "KVM_SET_USER_MEMORY_REGION", slot, "The slot must be as the machine has it, address and length included.");
    }

    /// <summary>KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2: getting the log no longer clears it.</summary>
    /// <returns>Whether this kernel has it (5.1).</returns>
    public static bool TryEnableManualProtect(SafeHandle machine)
    {
        if (Libc.IoControl(machine, TrackingLibc.KvmCheckExtensionRequest, (nint)TrackingLibc.KvmCapManualProtect) <= 0)
            return false;
        var capability = new TrackingLibc.KvmCapability { Capability = TrackingLibc.KvmCapManualProtect, FirstArgument = TrackingLibc.KvmManualProtectEnable };
        return Libc.IoControl(machine, TrackingLibc.KvmEnableCapRequest, &capability) == 0;
    }

    /// <summary>KVM_GET_DIRTY_LOG.</summary>
    /// <param name="machine">Its descriptor.</param>
    /// <param name="slot">A slot that is logged.</param>
    /// <param name="bitmap">A bit for each page of the slot, in whole words.</param>
    /// <exception cref="SystemCallException">It failed.</exception>
    public static void GetDirtyLog(SafeHandle machine, uint slot, Span<ulong> bitmap)
    {
        fixed (ulong* words = bitmap)
        {
            var argument = new TrackingLibc.KvmDirtyLog { Slot = slot, Bitmap = words };
            Check(Libc.IoControl(machine, TrackingLibc.KvmGetDirtyLogRequest, &argument), "KVM_GET_DIRTY_LOG", slot, "A machine with a dirty ring has no log (ENXIO).");
        }
    }

    /// <summary>KVM_CLEAR_DIRTY_LOG: pages whose bits are set are protected again.</summary>
    /// <param name="machine">Its descriptor.</param>
    /// <param name="slot">A slot that is logged, with manual protection.</param>
    /// <param name="firstPage">A multiple of 64.</param>
    /// <param name="pageCount">A multiple of 64, unless it goes to the slot's end.</param>
    /// <param name="bitmap">Bit 0 is <paramref name="firstPage"/>.</param>
    /// <exception cref="SystemCallException">It failed.</exception>
    public static void ClearDirtyLog(SafeHandle machine, uint slot, long firstPage, int pageCount, ReadOnlySpan<ulong> bitmap)
    {
        fixed (ulong* words = bitmap)
        {
            var argument = new TrackingLibc.KvmClearDirtyLog { Slot = slot, FirstPage = (ulong)firstPage, PageCount = (uint)pageCount, Bitmap = words };
            Check(Libc.IoControl(machine, TrackingLibc.KvmClearDirtyLogRequest, &argument), "KVM_CLEAR_DIRTY_LOG", slot, null);
        }
    }

    /// <summary>KVM_RESET_DIRTY_RINGS: pages of entries that were harvested are protected again.</summary>
    /// <returns>How many entries.</returns>
    /// <exception cref="SystemCallException">It failed.</exception>
    public static int ResetDirtyRings(SafeHandle machine)
    {
        var count = Libc.IoControl(machine, TrackingLibc.KvmResetRingsRequest, 0);
        Check(count, "KVM_RESET_DIRTY_RINGS", null, "The machine has no dirty ring: enable KVM_CAP_DIRTY_LOG_RING before its vCPUs are made.");
        return count;
    }

    private static void Check(int result, string call, uint? slot, string? advice)
    {
        if (result < 0)
            throw SystemCallException.Last("ioctl", slot is null ? call : $"{call}, slot {slot}", advice);
    }
}
