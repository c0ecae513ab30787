using System;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VmStateGen.Runtime.DirtyTracking;
using VmStateGen.Runtime.Linux;

namespace VmStateGen.Runtime.Tests.Linux;

/// <summary>What is believed of PAGEMAP_SCAN, userfaultfd and KVM, against the headers of this machine where they are new enough.</summary>
public sealed class TrackingLibcTests
{
    private static readonly (string C, string Needs, long Value)[] Expected =
    [
        ("PAGEMAP_SCAN", "PAGEMAP_SCAN", (long)TrackingLibc.PagemapScanRequest),
        ("PM_SCAN_WP_MATCHING", "PAGEMAP_SCAN", (long)TrackingLibc.ScanWriteProtectMatching),
        ("PM_SCAN_CHECK_WPASYNC", "PAGEMAP_SCAN", (long)TrackingLibc.ScanCheckAsync),
        ("PAGE_IS_WRITTEN", "PAGEMAP_SCAN", (long)TrackingLibc.PageIsWritten),
        ("PAGE_IS_PRESENT", "PAGEMAP_SCAN", (long)TrackingLibc.PageIsPresent),
        ("PAGE_IS_SWAPPED", "PAGEMAP_SCAN", (long)TrackingLibc.PageIsSwapped),
        ("sizeof(struct pm_scan_arg)", "PAGEMAP_SCAN", Unsafe.SizeOf<TrackingLibc.ScanArgument>()),
        ("sizeof(struct page_region)", "PAGEMAP_SCAN", Unsafe.SizeOf<TrackingLibc.PageRegion>()),
        ("KVM_MEM_LOG_DIRTY_PAGES", "KVMIO", TrackingLibc.KvmMemoryLogDirtyPages),
        ("KVM_MEM_READONLY", "KVMIO", TrackingLibc.KvmMemoryReadOnly),
        ("KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2", "KVMIO", TrackingLibc.KvmCapManualProtect),
        ("KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE", "KVMIO", (long)TrackingLibc.KvmManualProtectEnable),
        ("KVM_CHECK_EXTENSION", "KVMIO", (long)TrackingLibc.KvmCheckExtensionRequest),
        ("KVM_ENABLE_CAP", "KVMIO", (long)TrackingLibc.KvmEnableCapRequest),
        ("KVM_SET_USER_MEMORY_REGION", "KVMIO", (long)TrackingLibc.KvmSetMemoryRegionRequest),
        ("KVM_GET_DIRTY_LOG", "KVMIO", (long)TrackingLibc.KvmGetDirtyLogRequest),
        ("KVM_CLEAR_DIRTY_LOG", "KVMIO", (long)TrackingLibc.KvmClearDirtyLogRequest),
        ("KVM_RESET_DIRTY_RINGS", "KVM_RESET_DIRTY_RINGS", (long)TrackingLibc.KvmResetRingsRequest),
        ("KVM_DIRTY_LOG_PAGE_OFFSET", "KVM_DIRTY_LOG_PAGE_OFFSET 64", TrackingLibc.KvmRingPageOffset),
        ("KVM_DIRTY_GFN_F_DIRTY", "KVM_RESET_DIRTY_RINGS", KvmDirtyPage.Dirty),
        ("KVM_DIRTY_GFN_F_RESET", "KVM_RESET_DIRTY_RINGS", KvmDirtyPage.Reset),
        ("sizeof(struct kvm_dirty_gfn)", "KVM_RESET_DIRTY_RINGS", Unsafe.SizeOf<KvmDirtyPage>()),
        ("offsetof(struct kvm_dirty_gfn, offset)", "KVM_RESET_DIRTY_RINGS", Marshal.OffsetOf<KvmDirtyPage>(nameof(KvmDirtyPage.Page))),
        ("sizeof(struct kvm_userspace_memory_region)", "KVMIO", Unsafe.SizeOf<TrackingLibc.KvmMemoryRegion>()),
        ("sizeof(struct kvm_enable_cap)", "KVMIO", Unsafe.SizeOf<TrackingLibc.KvmCapability>()),
        ("offsetof(struct kvm_enable_cap, args)", "KVMIO", Marshal.OffsetOf<TrackingLibc.KvmCapability>(nameof(TrackingLibc.KvmCapability.FirstArgument))),
        ("sizeof(struct kvm_dirty_log)", "KVMIO", Unsafe.SizeOf<TrackingLibc.KvmDirtyLog>()),
        ("sizeof(struct kvm_clear_dirty_log)", "KVMIO", Unsafe.SizeOf<TrackingLibc.KvmClearDirtyLog>()),
        ("offsetof(struct kvm_clear_dirty_log, first_page)", "KVMIO", Marshal.OffsetOf<TrackingLibc.KvmClearDirtyLog>(nameof(TrackingLibc.KvmClearDirtyLog.FirstPage))),
    ];

    [Fact]
    public void Structures_have_the_sizes_of_the_documentation()
    {
        Assert.Equal(96, Unsafe.SizeOf<TrackingLibc.ScanArgument>());
        Assert.Equal(24, Unsafe.SizeOf<TrackingLibc.PageRegion>());
        Assert.Equal(16, Unsafe.SizeOf<KvmDirtyPage>());
        Assert.Equal(104, Unsafe.SizeOf<TrackingLibc.KvmCapability>());
    }

    [SkippableFact]
    public void Constants_and_structures_are_those_of_the_headers()
    {
        // What is newer than the headers is left to the running kernel, which refuses a wrong size.
        string[] headers = ["linux/fs.h", "linux/kvm.h", "asm/kvm.h"];
        Skip.IfNot(headers.All(header => FindHeader(header) != null), "There are no kernel headers.");
        var text = string.Concat(headers.Select(header => File.ReadAllText(FindHeader(header)!)));
        var known = Expected.Where(entry => text.Contains(entry.Needs, StringComparison.Ordinal)).ToArray();
        var found = CProgram.Values(["stddef.h", "stdio.h", "sys/ioctl.h", .. headers], [.. known.Select(entry => entry.C)]);
        Assert.Equal(known.Select(entry => $"{entry.C}={entry.Value}"), found);
    }

    private static string? FindHeader(string name)
        => new[] { "/usr/include", $"/usr/include/{(RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "aarch64" : "x86_64")}-linux-gnu" }
            .Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
}
