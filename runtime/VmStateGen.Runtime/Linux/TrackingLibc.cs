using System.Runtime.InteropServices;

namespace VmStateGen.Runtime.Linux;

/// <summary>
/// What dirty tracking needs of the kernel as it is: constants and structures of PAGEMAP_SCAN and of KVM's dirty log and ring. The safe methods are in
/// <see cref="PagemapScan"/> and <see cref="KvmCalls"/>.
/// </summary>
/// <remarks>The values are those of every 64-bit architecture with the generic ioctl encoding (x86-64, AArch64, RISC-V 64).</remarks>
internal static unsafe class TrackingLibc
{
    /// <summary>Linux 6.7.</summary>
    public const nuint PagemapScanRequest = 0xC0606610;

    public const ulong ScanWriteProtectMatching = 1 << 0;
    public const ulong ScanCheckAsync = 1 << 1;
    public const ulong PageIsWritten = 1 << 1;
    public const ulong PageIsPresent = 1 << 3;
    public const ulong PageIsSwapped = 1 << 4;

    public const uint KvmMemoryLogDirtyPages = 1 << 0;
    public const uint KvmMemoryReadOnly = 1 << 1;
    public const uint KvmCapManualProtect = 168;
    public const ulong KvmManualProtectEnable = 1 << 0;
    public const nuint KvmCheckExtensionRequest = 0xAE03;
    public const nuint KvmEnableCapRequest = 0x4068AEA3;
    public const nuint KvmSetMemoryRegionRequest = 0x4020AE46;
    public const nuint KvmGetDirtyLogRequest = 0x4010AE42;
    public const nuint KvmClearDirtyLogRequest = 0xC018AEC0;
    public const nuint KvmResetRingsRequest = 0xAEC7;

    /// <summary>KVM_DIRTY_LOG_PAGE_OFFSET of x86 and AArch64.</summary>
    public const int KvmRingPageOffset = 64;

    /// <summary>struct page_region.</summary>
    public struct PageRegion
    {
        public ulong Start;
        public ulong End;
        public ulong Categories;
    }

    /// <summary>struct pm_scan_arg.</summary>
    public struct ScanArgument
    {
        public ulong Size;
        public ulong Flags;
        public ulong Start;
        public ulong End;
        public ulong WalkEnd;
        public PageRegion* Regions;
        public ulong RegionCount;
        public ulong MaxPages;
        public ulong CategoryInverted;
        public ulong CategoryMask;
        public ulong CategoryAnyOf;
        public ulong ReturnMask;
    }

    /// <summary>struct kvm_userspace_memory_region.</summary>
    public struct KvmMemoryRegion
    {
        public uint Slot;
        public uint Flags;
        public ulong GuestAddress;
        public ulong Length;
        public ulong HostAddress;
    }

    /// <summary>struct kvm_enable_cap.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 104)]
    public struct KvmCapability
    {
        [FieldOffset(0)]
        public uint Capability;

        [FieldOffset(8)]
        public ulong FirstArgument;
    }

    /// <summary>struct kvm_dirty_log.</summary>
    public struct KvmDirtyLog
    {
        public uint Slot;
        public uint Padding;
        public ulong* Bitmap;
    }

    /// <summary>struct kvm_clear_dirty_log.</summary>
    public struct KvmClearDirtyLog
    {
        public uint Slot;
        public uint PageCount;
        public ulong FirstPage;
        public ulong* Bitmap;
    }
}
