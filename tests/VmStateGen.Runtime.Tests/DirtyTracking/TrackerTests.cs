using System;
using System.Linq;
using System.Runtime.InteropServices;
using VmStateGen.Runtime.DirtyTracking;
using VmStateGen.Runtime.Linux;
using VmStateGen.Runtime.Migration;
using VmStateGen.Runtime.Ram;
using VmStateGen.Runtime.Tests.Migration;

namespace VmStateGen.Runtime.Tests.DirtyTracking;

/// <summary>No write is lost, whatever tracks it; and what a tracker cannot see it does not say it does.</summary>
public sealed class TrackerTests
{
    private const int Page = WrittenGuest.Page;
    private const int Rounds = 300;

    private static readonly Action<RamBlock, GuestMemory, long, ulong> ByRuntime = static (block, memory, offset, value) => memory.Write(block, offset, BitConverter.GetBytes(value));
    private static readonly Action<RamBlock, GuestMemory, long, ulong> ByProcess = static (block, _, offset, value) => Marshal.WriteInt64(block.HostAddress + (nint)offset, (long)value);

    [Fact]
    public void Software_loses_no_write_of_the_runtime()
    {
        using var guest = new ThreadGuest(new RamBlockOptions(), ByRuntime);
        using var tracking = SoftwareTracker.Instance.Start(guest.Memory, [guest.Block]);
        guest.Follow(tracking, Rounds);
    }

    [SkippableTheory]
    [InlineData(RamBacking.Anonymous, false, true)]
    [InlineData(RamBacking.Anonymous, false, false)]
    [InlineData(RamBacking.MemoryFile, true, true)]
    [InlineData(RamBacking.MemoryFile, false, true)]
    [InlineData(RamBacking.HugePages, true, true)]
    public void Pagemap_loses_no_write_of_this_process(RamBacking backing, bool isShared, bool useHugePages)
    {
        Skip.IfNot(PagemapTracker.IsSupported, "PAGEMAP_SCAN needs Linux 6.7.");
        var options = new RamBlockOptions { Backing = backing, IsShared = isShared, UseTransparentHugePages = useHugePages, Writers = RamWriters.Process };
        using var guest = Make(options);
        var tracker = new PagemapTracker();
        Assert.True(tracker.Sees(guest.Block).HasFlag(RamWriters.Process));
        using var tracking = tracker.Start(guest.Memory, [guest.Block]);
        guest.Follow(tracking, Rounds);
    }

    [SkippableFact]
    public void Kvm_log_loses_no_write_of_a_guest()
    {
        using var guest = KvmGuest.Create();
        var tracker = new KvmLogTracker(guest.Machine, guest.Slot);
        Assert.Equal(RamWriters.Kvm, tracker.Sees(guest.Block));
        for (var i = 0; i < 2; i++)
        {
            // A second start finds the log as the first did.
            tracker.Start(guest.Memory, [guest.Block]).Dispose();
        }
        using var tracking = tracker.Start(guest.Memory, [guest.Block]);
        guest.Follow(tracking, Rounds);
    }

    [SkippableFact]
    public void Kvm_ring_loses_no_write_of_a_guest()
    {
        const int Entries = 4096;
        using var guest = KvmGuest.Create(ringEntries: Entries);
        var tracker = new KvmRingTracker(guest.Machine, [guest.Cpu], Entries, new PagemapTracker(), guest.Slot);
        guest.OnRingFull = () => tracker.HandleFull(0);
        using var tracking = tracker.Start(guest.Memory, [guest.Block]);
        guest.Follow(tracking, Rounds);
        Assert.False(tracker.HasFallenBack);
    }

    [SkippableTheory]
    [InlineData(RamBacking.Anonymous)]
    [InlineData(RamBacking.MemoryFile)]
    public void Pagemap_loses_no_write_of_a_guest(RamBacking backing)
    {
        Skip.IfNot(PagemapTracker.IsSupported, "PAGEMAP_SCAN needs Linux 6.7.");
        using var guest = KvmGuest.Create(new RamBlockOptions { Backing = backing, IsShared = backing == RamBacking.MemoryFile, Writers = RamWriters.Kvm });
        using var tracking = new PagemapTracker().Start(guest.Memory, [guest.Block]);
        guest.Follow(tracking, Rounds);
    }

    [SkippableFact]
    public void Combined_trackers_see_what_each_of_them_sees()
    {
        Skip.IfNot(PagemapTracker.IsSupported, "PAGEMAP_SCAN needs Linux 6.7.");
        using var guest = KvmGuest.Create();
        var tracker = new CombinedTracker(SoftwareTracker.Instance, new KvmLogTracker(guest.Machine, guest.Slot), SoftwareTracker.Instance);
        Assert.Equal(RamWriters.Runtime | RamWriters.Kvm, tracker.Sees(guest.Block));
        Assert.Equal("software + KVM dirty log", tracker.Name);
        using var tracking = tracker.Start(guest.Memory, [guest.Block]);
        guest.Memory.Write(guest.Block, 0xA0000, [1]);
        Assert.Equal([0xA0L], Collect(tracking, guest.Block).Where(page => page >= 0x90));
        guest.Follow(tracking, 20);
    }

    [SkippableFact]
    public void Pagemap_reports_of_fresh_memory_only_what_was_touched()
    {
        Skip.IfNot(PagemapTracker.IsSupported, "PAGEMAP_SCAN needs Linux 6.7.");
        using var memory = new GuestMemory();
        var block = memory.AddBlock("ram", 4 << 20, new RamBlockOptions { UseTransparentHugePages = false });
        memory.Write(block, 5 * Page, [1]);
        using var tracking = new PagemapTracker().Start(memory, [block]);
        Assert.Empty(Collect(tracking, block));
        memory.Write(block, 5 * Page, [2]);
        memory.Write(block, 1000 * Page, [1]);
        Assert.Equal([5L, 1000], Collect(tracking, block));
        Assert.Empty(Collect(tracking, block));
        Assert.Equal(2, memory.FindTouched(block).Count());
    }

    [SkippableFact]
    public void Pagemap_is_blind_to_a_second_mapping_and_says_so()
    {
        Skip.IfNot(PagemapTracker.IsSupported, "PAGEMAP_SCAN needs Linux 6.7.");
        using var vm = new BareVm();
        var block = vm.Memory.AddBlock("vhost.ram", 1 << 20, new RamBlockOptions
        {
            Backing = RamBacking.MemoryFile, IsShared = true, Writers = RamWriters.Process | RamWriters.OtherMappings,
        });
        var tracker = new PagemapTracker();
        vm.Memory.Fill(block, 0, block.UsedLength, 1);
        using (var tracking = tracker.Start(vm.Memory, [block]))
        {
            using var other = SafeMapping.File(block.File!, 0, block.UsedLength, Page, isShared: true);
            MemoryCalls.Write(other, 3 * Page, [2]);
            MemoryCalls.Write(block.Mapping, 7 * Page, [2]);
            Assert.Equal([7L], Collect(tracking, block));
        }
        Assert.Equal(RamWriters.None, tracker.Sees(block) & RamWriters.OtherMappings);

        // So the machine cannot leave with it: by name, before anything is sent.
        vm.Machine.Ram.Tracker = tracker;
        var unseen = Assert.Single(vm.Machine.Ram.UnseenWriters);
        Assert.Equal("dirty tracking: vhost.ram is written by OtherMappings, which software + PAGEMAP_SCAN does not see", unseen);
        using var destination = new BareVm();
        destination.Memory.AddBlock("vhost.ram", 1 << 20);
        var error = Assert.Throws<InvalidOperationException>(() => Vms.Migrate(vm.Machine, destination.Machine, Vms.Hasty));
        Assert.Contains(unseen, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_block_that_vCPUs_write_does_not_leave_by_software_alone()
    {
        using var vm = new BareVm();
        vm.Memory.AddBlock("ram", 1 << 20, new RamBlockOptions { Writers = RamWriters.Kvm | RamWriters.Hardware });
        vm.Memory.AddBlock("rom", 1 << 20, new RamBlockOptions { Writers = RamWriters.Kvm, IsMigratable = false });
        Assert.Equal(["dirty tracking: ram is written by Kvm, Hardware, which software does not see"], vm.Machine.Ram.UnseenWriters);
        Assert.Empty(vm.Machine.BlockedReasons);
    }

    [SkippableFact]
    public void A_guest_under_KVM_is_migrated_while_it_writes()
    {
        using var guest = KvmGuest.Create();
        using var to = new BareVm();
        var machine = new Runtime.Machine("bare-1", guest.Memory, new KvmLifecycle(guest));
        var arrived = to.Memory.AddBlock("ram", guest.Block.UsedLength);
        machine.Ram.Tracker = new KvmLogTracker(guest.Machine, guest.Slot);
        guest.Start();
        Vms.Migrate(machine, to.Machine, new MigrationSourceOptions { MaxRounds = 30 }).Complete();
        var expected = new byte[guest.Block.UsedLength];
        var found = new byte[guest.Block.UsedLength];
        guest.Memory.Read(guest.Block, 0, expected);
        to.Memory.Read(arrived, 0, found);
        Assert.True(expected.AsSpan().SequenceEqual(found));
    }

    private static ThreadGuest Make(RamBlockOptions options)
    {
        try
        {
            return new ThreadGuest(options, ByProcess);
        }
        catch (SystemCallException e) when (options.Backing == RamBacking.HugePages)
        {
            throw new SkipException($"Huge pages are not to be had: {e.Message}");
        }
    }

    private static long[] Collect(IDirtyTracking tracking, RamBlock block)
    {
        var dirty = new DirtyBitmap(block.UsedLength / Page);
        tracking.Collect(block, dirty);
        return [.. Enumerable.Range(0, (int)dirty.PageCount).Select(page => (long)page).Where(page => dirty[page])];
    }

    private sealed class KvmLifecycle(KvmGuest guest) : IMachineLifecycle
    {
        public bool IsRunning { get; private set; } = true;

        public void Pause()
        {
            guest.Stop();
            IsRunning = false;
        }

        public void Resume() => throw new NotSupportedException();

        public void Throttle(int percent)
        {
        }
    }
}
