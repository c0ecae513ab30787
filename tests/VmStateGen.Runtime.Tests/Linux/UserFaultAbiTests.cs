using System;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VmStateGen.Runtime.Linux;

namespace VmStateGen.Runtime.Tests.Linux;

/// <summary>Userfaultfd's numbers and structures against linux/userfaultfd.h, and what the calls make of them.</summary>
public sealed class UserFaultAbiTests
{
    private const int Page = 4096;

    private static readonly (string C, ulong Value)[] Expected =
    [
        ("UFFD_API", UserFaultLibc.ApiVersion),
        ("UFFD_USER_MODE_ONLY", UserFaultLibc.UserModeOnly),
        ("USERFAULTFD_IOC_NEW", UserFaultLibc.IoNew),
        ("UFFDIO_API", UserFaultLibc.IoApi),
        ("UFFDIO_REGISTER", UserFaultLibc.IoRegister),
        ("UFFDIO_UNREGISTER", UserFaultLibc.IoUnregister),
        ("UFFDIO_WAKE", UserFaultLibc.IoWake),
        ("UFFDIO_COPY", UserFaultLibc.IoCopy),
        ("UFFDIO_ZEROPAGE", UserFaultLibc.IoZeroPage),
        ("UFFDIO_WRITEPROTECT", UserFaultLibc.IoWriteProtect),
        ("UFFDIO_CONTINUE", UserFaultLibc.IoContinue),
        ("UFFDIO_COPY_MODE_DONTWAKE", UserFaultLibc.CopyDontWake),
        ("UFFDIO_COPY_MODE_WP", UserFaultLibc.CopyWriteProtect),
        ("UFFDIO_ZEROPAGE_MODE_DONTWAKE", UserFaultLibc.ZeroPageDontWake),
        ("UFFDIO_CONTINUE_MODE_DONTWAKE", UserFaultLibc.ContinueDontWake),
        ("UFFDIO_WRITEPROTECT_MODE_WP", UserFaultLibc.WriteProtectSet),
        ("UFFDIO_WRITEPROTECT_MODE_DONTWAKE", UserFaultLibc.WriteProtectDontWake),
        ("UFFDIO_REGISTER_MODE_MISSING", (ulong)UserFaultModes.Missing),
        ("UFFDIO_REGISTER_MODE_WP", (ulong)UserFaultModes.WriteProtect),
        ("UFFDIO_REGISTER_MODE_MINOR", (ulong)UserFaultModes.Minor),
        ("1ull << _UFFDIO_WAKE", (ulong)UserFaultCalls.Wake),
        ("1ull << _UFFDIO_COPY", (ulong)UserFaultCalls.Copy),
        ("1ull << _UFFDIO_ZEROPAGE", (ulong)UserFaultCalls.ZeroPage),
        ("1ull << _UFFDIO_WRITEPROTECT", (ulong)UserFaultCalls.WriteProtect),
        ("1ull << _UFFDIO_CONTINUE", (ulong)UserFaultCalls.Continue),
        ("UFFD_EVENT_PAGEFAULT", (ulong)UserFaultEvent.PageFault),
        ("UFFD_EVENT_FORK", (ulong)UserFaultEvent.Fork),
        ("UFFD_EVENT_REMAP", (ulong)UserFaultEvent.Remap),
        ("UFFD_EVENT_REMOVE", (ulong)UserFaultEvent.Remove),
        ("UFFD_EVENT_UNMAP", (ulong)UserFaultEvent.Unmap),
        ("UFFD_PAGEFAULT_FLAG_WRITE", (ulong)UserFaultFlags.Write),
        ("UFFD_PAGEFAULT_FLAG_WP", (ulong)UserFaultFlags.WriteProtect),
        ("UFFD_PAGEFAULT_FLAG_MINOR", (ulong)UserFaultFlags.Minor),
        ("UFFD_FEATURE_PAGEFAULT_FLAG_WP", (ulong)UserFaultFeatures.PageFaultFlagWriteProtect),
        ("UFFD_FEATURE_EVENT_FORK", (ulong)UserFaultFeatures.EventFork),
        ("UFFD_FEATURE_EVENT_REMAP", (ulong)UserFaultFeatures.EventRemap),
        ("UFFD_FEATURE_EVENT_REMOVE", (ulong)UserFaultFeatures.EventRemove),
        ("UFFD_FEATURE_MISSING_HUGETLBFS", (ulong)UserFaultFeatures.MissingHugeTlbFs),
        ("UFFD_FEATURE_MISSING_SHMEM", (ulong)UserFaultFeatures.MissingSharedMemory),
        ("UFFD_FEATURE_EVENT_UNMAP", (ulong)UserFaultFeatures.EventUnmap),
        ("UFFD_FEATURE_SIGBUS", (ulong)UserFaultFeatures.SigBus),
        ("UFFD_FEATURE_THREAD_ID", (ulong)UserFaultFeatures.ThreadId),
        ("UFFD_FEATURE_MINOR_HUGETLBFS", (ulong)UserFaultFeatures.MinorHugeTlbFs),
        ("UFFD_FEATURE_MINOR_SHMEM", (ulong)UserFaultFeatures.MinorSharedMemory),
        ("UFFD_FEATURE_EXACT_ADDRESS", (ulong)UserFaultFeatures.ExactAddress),
        ("UFFD_FEATURE_WP_HUGETLBFS_SHMEM", (ulong)UserFaultFeatures.WriteProtectHugeTlbFsSharedMemory),
        ("SYS_userfaultfd", (ulong)UserFaultLibc.SystemCallNumber),
        ("sizeof(struct uffdio_api)", (ulong)Unsafe.SizeOf<UserFaultLibc.Api>()),
        ("sizeof(struct uffdio_range)", (ulong)Unsafe.SizeOf<UserFaultLibc.Range>()),
        ("sizeof(struct uffdio_register)", (ulong)Unsafe.SizeOf<UserFaultLibc.Register>()),
        ("sizeof(struct uffdio_copy)", (ulong)Unsafe.SizeOf<UserFaultLibc.Copy>()),
        ("sizeof(struct uffdio_zeropage)", (ulong)Unsafe.SizeOf<UserFaultLibc.Place>()),
        ("sizeof(struct uffdio_continue)", (ulong)Unsafe.SizeOf<UserFaultLibc.Place>()),
        ("sizeof(struct uffdio_writeprotect)", (ulong)Unsafe.SizeOf<UserFaultLibc.WriteProtect>()),
        ("sizeof(struct uffd_msg)", (ulong)Unsafe.SizeOf<UserFaultMessage>()),
        ("offsetof(struct uffd_msg, event)", Offset(nameof(UserFaultMessage.Event))),
        ("offsetof(struct uffd_msg, arg.pagefault.flags)", Offset(nameof(UserFaultMessage.Flags))),
        ("offsetof(struct uffd_msg, arg.pagefault.address)", Offset(nameof(UserFaultMessage.Address))),
        ("offsetof(struct uffd_msg, arg.pagefault.feat.ptid)", Offset(nameof(UserFaultMessage.ThreadId))),
        ("offsetof(struct uffd_msg, arg.remove.start)", Offset(nameof(UserFaultMessage.Start))),
        ("offsetof(struct uffd_msg, arg.remove.end)", Offset(nameof(UserFaultMessage.End))),
        ("offsetof(struct uffdio_copy, copy)", (ulong)Marshal.OffsetOf<UserFaultLibc.Copy>(nameof(UserFaultLibc.Copy.Copied))),
        ("offsetof(struct uffdio_zeropage, zeropage)", (ulong)Marshal.OffsetOf<UserFaultLibc.Place>(nameof(UserFaultLibc.Place.Done))),
        ("offsetof(struct uffdio_register, ioctls)", (ulong)Marshal.OffsetOf<UserFaultLibc.Register>(nameof(UserFaultLibc.Register.Calls))),
    ];

    [SkippableFact]
    public void Numbers_and_structures_are_those_of_the_header()
    {
        var found = CProgram.Values(["stdio.h", "stddef.h", "fcntl.h", "sys/ioctl.h", "sys/syscall.h", "linux/userfaultfd.h"], [.. Expected.Select(static entry => entry.C)]);
        Assert.Equal(Expected.Select(static entry => $"{entry.C}={entry.Value}"), found);
    }

    [Theory]
    [InlineData((ulong)UserFaultFeatures.WriteProtectUnpopulated, 13)]
    [InlineData((ulong)UserFaultFeatures.Poison, 14)]
    [InlineData((ulong)UserFaultFeatures.WriteProtectAsync, 15)]
    [InlineData((ulong)UserFaultFeatures.Move, 16)]
    public void Features_newer_than_the_header_of_a_stable_distribution_are_the_kernels_bits(ulong feature, int bit) => Assert.Equal(1UL << bit, feature);

    [SkippableFact]
    public void Pages_are_placed_protected_and_removed()
    {
        SkipWithout(UserFaultFeatures.EventRemove | UserFaultFeatures.PageFaultFlagWriteProtect);
        using var fault = UserFault.Open(UserFaultFeatures.EventRemove | UserFaultFeatures.PageFaultFlagWriteProtect);
        using var memory = SafeMapping.Anonymous(8 * Page, Page);
        var calls = fault.Register(memory, 0, 8 * Page, UserFaultModes.Missing | UserFaultModes.WriteProtect);
        Assert.Equal(UserFaultCalls.Wake | UserFaultCalls.Copy | UserFaultCalls.ZeroPage | UserFaultCalls.WriteProtect, calls & ~(UserFaultCalls.Move | UserFaultCalls.Poison));

        var pages = Enumerable.Repeat((byte)7, 2 * Page).ToArray();
        Assert.Equal((PlaceResult.Placed, 2L * Page), (fault.Copy(memory, Page, pages, out var done), done));
        Assert.Equal((PlaceResult.Placed, (long)Page), (fault.ZeroPage(memory, 0, Page, out done), done));
        Assert.Equal((PlaceResult.Exists, 0L), (fault.Copy(memory, Page, pages, out done), done));
        Assert.Equal(PlaceResult.Exists, fault.ZeroPage(memory, 2 * Page, Page, out done));

        var read = new byte[3 * Page];
        MemoryCalls.Read(memory, 0, read);
        Assert.Equal([.. new byte[Page], .. pages], read);

        Assert.True(fault.WriteProtect(memory, 0, Page, isProtected: true));
        Assert.True(fault.WriteProtect(memory, 0, Page, isProtected: false));
        MemoryCalls.Write(memory, 0, [1]);

        var messages = new UserFaultMessage[4];
        Assert.Equal(0, fault.Read(messages));
        fault.Unregister(memory, 0, 8 * Page);
        Assert.Equal(PlaceResult.Gone, fault.Copy(memory, 4 * Page, pages, out _));
        MemoryCalls.Read(memory, 0, read);
        Assert.Equal(1, read[0]);
    }

    [SkippableFact]
    public void A_feature_that_no_kernel_has_is_named()
    {
        SkipWithout(UserFaultFeatures.None);
        var e = Assert.Throws<SystemCallException>(() => UserFault.Open((UserFaultFeatures)(1UL << 40)));
        Assert.Contains("UFFDIO_API", e.Message, StringComparison.Ordinal);
        Assert.Contains($"does not have {1UL << 40}", e.Message, StringComparison.Ordinal);
    }

    /// <summary>Skips the test, saying what is missing, where userfaultfd or a feature of it is not to be had.</summary>
    internal static void SkipWithout(UserFaultFeatures features)
    {
        UserFaultFeatures supported;
        try
        {
            supported = UserFault.Supported();
        }
        catch (SystemCallException e)
        {
            throw new SkipException(e.Message);
        }
        if ((supported & features) != features)
            throw new SkipException($"This kernel's userfaultfd does not have {features & ~supported}.");
    }

    private static ulong Offset(string field) => (ulong)Marshal.OffsetOf<UserFaultMessage>(field);
}
