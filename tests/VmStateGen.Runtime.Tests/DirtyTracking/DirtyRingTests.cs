using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using VmStateGen.Runtime.DirtyTracking;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.Tests.DirtyTracking;

/// <summary>KVM's dirty ring, with a kernel that is simulated as its header describes it.</summary>
public sealed class DirtyRingTests
{
    private const int Page = WrittenGuest.Page;

    [Fact]
    public void Entries_are_harvested_in_order_and_once()
    {
        var kernel = new SimulatedKernel(4);
        kernel.Dirty(10);
        kernel.Dirty(11);
        Assert.Equal([10UL, 11], kernel.Harvested());
        Assert.Empty(kernel.Harvested());

        // Around the end of the ring; not reset, entries are not reused.
        kernel.Dirty(12);
        kernel.Dirty(13);
        Assert.False(kernel.TryDirty(14));
        kernel.Reset();
        Assert.Equal([12UL, 13], kernel.Harvested());
        Assert.True(kernel.TryDirty(14));
        Assert.True(kernel.TryDirty(15));
        Assert.Equal([14UL, 15], kernel.Harvested());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(20_000)]
    [InlineData(1_000_000)]
    public void Rings_are_reaped_before_a_steady_guest_has_filled_half(int pagesPerMillisecond)
    {
        const int Entries = 65536;
        var policy = new DirtyRingPolicy(Entries);
        for (var i = 0; i < 100; i++)
        {
            var filled = (int)Math.Min(Entries, pagesPerMillisecond * policy.Delay.TotalMilliseconds);
            Assert.True(filled < Entries / 2 || policy.Delay <= TimeSpan.FromMilliseconds(1), $"{filled} after {policy.Delay}");
            policy.Reaped(filled);
        }
        Assert.InRange(policy.Delay, TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(50));
    }

    [Fact]
    public void A_guest_that_starts_to_write_all_at_once_meets_rings_that_are_reaped_often_enough()
    {
        // Any two neighbouring rates up to 1,000 pages a millisecond, twice what was ever measured here.
        foreach (var rate in new[] { 10, 100, 500, 1000 })
        {
            const int Entries = 65536;
            var policy = new DirtyRingPolicy(Entries);
            for (var i = 0; i < 50; i++)
                policy.Reaped(0);
            Assert.True(rate * policy.Delay.TotalMilliseconds < Entries);
        }
    }

    [Fact]
    public void A_ring_that_is_full_again_and_again_with_nothing_in_it_is_the_end()
    {
        var policy = new DirtyRingPolicy(4096);
        policy.Full(0, 0);
        policy.Full(0, 0);
        Assert.False(policy.HasGivenUp);

        // It has got something since; others have their own count.
        policy.Full(0, 17);
        policy.Full(0, 17);
        policy.Full(1, 5);
        policy.Full(1, 6);
        policy.Full(1, 6);
        Assert.False(policy.HasGivenUp);
        policy.Full(0, 17);
        Assert.True(policy.HasGivenUp);
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(64)] // full all the time: vCPUs wait, and nothing is lost
    public void No_write_is_lost(int entries)
    {
        using var kernel = new SimulatedKernel(entries, 2);
        KvmRingTracker.Tracking? tracking = null;
        using var guest = new ThreadGuest(new RamBlockOptions(), (block, _, offset, value) =>
        {
            System.Runtime.InteropServices.Marshal.WriteInt64(block.HostAddress + (nint)offset, (long)value);
            var page = offset / Page;
            while (!kernel.TryDirty((ulong)page, (int)(page & 1)))
                tracking!.HandleFull((int)(page & 1));
        });
        using (tracking = Start(kernel, guest, entries))
            guest.Follow(tracking, 200);
        Assert.False(tracking.HasFallenBack);
    }

    [Fact]
    public void A_ring_that_is_full_for_ever_is_left_with_every_page_dirty()
    {
        using var kernel = new SimulatedKernel(256) { IsStuckOnceFull = true };
        KvmRingTracker.Tracking? tracking = null;
        using var guest = new ThreadGuest(new RamBlockOptions(), (block, memory, offset, value) =>
        {
            // The fallback sees what goes through the runtime.
            memory.Write(block, offset, BitConverter.GetBytes(value));
            if (!kernel.TryDirty((ulong)(offset / Page)))
                tracking!.HandleFull(0);
        });
        kernel.Fill();
        using (tracking = Start(kernel, guest, 256))
        {
            guest.Follow(tracking, 100);
            Assert.True(tracking.HasFallenBack);
        }
    }

    [Fact]
    public void What_is_collected_after_the_fall_back_is_everything_once()
    {
        using var kernel = new SimulatedKernel(256) { IsStuckOnceFull = true };
        using var guest = new ThreadGuest(new RamBlockOptions(), static (_, _, _, _) => { });
        using var tracking = Start(kernel, guest, 256);
        var dirty = new DirtyBitmap(guest.Block.UsedLength / Page);
        tracking.HandleFull(0);
        tracking.HandleFull(0);
        tracking.Collect(guest.Block, dirty);
        Assert.Equal(0, dirty.Count());
        tracking.HandleFull(0);
        tracking.Collect(guest.Block, dirty);
        Assert.Equal(dirty.PageCount, dirty.ClearAll());
        guest.Memory.Write(guest.Block, 3 * Page, [1]);
        tracking.Collect(guest.Block, dirty);
        Assert.Equal(1, dirty.Count());
    }

    private static KvmRingTracker.Tracking Start(SimulatedKernel kernel, WrittenGuest guest, int entries)
        => new(kernel, null, () => SoftwareTracker.Instance.Start(guest.Memory, [guest.Block]), entries, [guest.Block], Page, [new KvmSlot(7, 0, guest.Block, 0, guest.Block.UsedLength)]);

    /// <summary>Rings as the kernel fills them: a page stays unprotected, and so is not noted again, until its entry is reset.</summary>
    private sealed class SimulatedKernel(int entries, int vcpus = 1) : IDirtyRings
    {
        private readonly Cpu[] cpus = [.. Enumerable.Range(0, vcpus).Select(_ => new Cpu(entries))];
        private readonly object gate = new();
        private readonly HashSet<ulong> unprotected = [];

        /// <summary>Once full, vCPUs are told so for ever, although nothing is in it.</summary>
        public bool IsStuckOnceFull { get; init; }

        public void Dirty(ulong page) => Assert.True(TryDirty(page));

        public void Fill()
        {
            for (var page = 0UL; TryDirty(page); page++)
            {
                // Until there is no room.
            }
        }

        /// <summary>A vCPU has written a page; false if its ring is full, and it must not go on.</summary>
        public bool TryDirty(ulong page, int vcpu = 0)
        {
            var cpu = cpus[vcpu];
            lock (gate)
            {
                if (cpu.IsStuck)
                    return false;
                if (unprotected.Contains(page))
                    return true;
                if (cpu.Next - cpu.Reset == cpu.Ring.Length)
                {
                    cpu.IsStuck = IsStuckOnceFull;
                    return false;
                }
                ref var entry = ref cpu.Ring[cpu.Next % cpu.Ring.Length];
                (entry.Slot, entry.Page) = (7, page);
                Volatile.Write(ref entry.Flags, KvmDirtyPage.Dirty);
                unprotected.Add(page);
                cpu.Next++;
                return true;
            }
        }

        public void Reset()
        {
            lock (gate)
            {
                foreach (var cpu in cpus)
                {
                    for (; cpu.Reset != cpu.Next && cpu.Ring[cpu.Reset % cpu.Ring.Length].Flags == KvmDirtyPage.Reset; cpu.Reset++)
                    {
                        unprotected.Remove(cpu.Ring[cpu.Reset % cpu.Ring.Length].Page);
                        cpu.Ring[cpu.Reset % cpu.Ring.Length].Flags = 0;
                    }
                }
            }
        }

        public List<ulong> Harvested()
        {
            var pages = new List<ulong>();
            cpus[0].Reader.Harvest(cpus[0].Ring, (_, page) => pages.Add(page));
            return pages;
        }

        public int Reap(Action<uint, ulong> found)
        {
            var most = cpus.Max(cpu => cpu.Reader.Harvest(cpu.Ring, found));
            Reset();
            return most;
        }

        public long Harvested(int vcpu) => cpus[vcpu].Reader.Harvested;

        public void Dispose()
        {
        }

        private sealed class Cpu(int entries)
        {
            public readonly KvmDirtyPage[] Ring = new KvmDirtyPage[entries];
            public readonly DirtyRing Reader = new();
            public uint Next;
            public uint Reset;
            public bool IsStuck;
        }
    }
}
