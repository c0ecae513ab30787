using System;
using System.Linq;
using System.Threading;
using VmStateGen.Runtime.Linux;
using VmStateGen.Runtime.Postcopy;
using VmStateGen.Runtime.Ram;
using VmStateGen.Runtime.Tests.Channels;
using VmStateGen.Runtime.Tests.Linux;
using VmStateGen.Runtime.Tests.Migration;

namespace VmStateGen.Runtime.Tests.Postcopy;

/// <summary>The pager against the kernel, in every kind of memory: one rule at a time.</summary>
public sealed class PagerTests
{
    public static TheoryData<string> Kinds => ["anonymous", "private file", "shared", "shared, minor", "huge", "huge, shared", "huge, minor"];

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public void A_page_is_brought_when_it_is_touched_and_others_are_not(string kind)
    {
        using var blocks = new Blocks(kind, 8);
        using var watchdog = new Watchdog();
        var source = new LocalSource();
        using var pager = new Pager(blocks.Memory, [blocks.Ram], source, blocks.Options);
        source.Pager = pager;
        Assert.Equal(blocks.Unit, pager.UnitOf(blocks.Ram));
        pager.Start();
        var bytes = new byte[8];
        blocks.Memory.Read(blocks.Ram, blocks.Unit, bytes);
        Assert.Equal(blocks.Expected(blocks.Unit)[..8], bytes);
        blocks.Memory.Read(blocks.Ram, 2 * blocks.Unit - 8, bytes);
        blocks.Memory.Read(blocks.Ram, 4 * blocks.Unit, bytes);
        Assert.Equal(new byte[8], bytes);
        Vms.WaitFor(() => pager.Statistics.Served == 2); // who waits is woken before it is counted
        var statistics = pager.Statistics;
        Assert.Equal((2, 2, 2, 0, 1, 6), (statistics.Faults, statistics.Requests, statistics.Served, statistics.Prefetched, statistics.ZeroPages, statistics.Missing));
        Assert.Equal([new MissingPages(blocks.Ram, 6, blocks.Unit)], pager.Missing);
        Assert.Equal((2, 2), (statistics.FaultLatency.Count, statistics.RequestLatency.Count));
        Assert.False(pager.IsResident);
        Assert.Null(statistics.TimeToResident);

        for (var i = 0; i < blocks.Units; i++)
            blocks.Memory.Read(blocks.Ram, (long)i * blocks.Unit, bytes);
        Assert.True(pager.WaitUntilResident(ChannelFixture.Long));
        Assert.NotNull(pager.Statistics.TimeToResident);
        Assert.Empty(pager.Missing);
        pager.Dispose();
        Assert.Null(blocks.FindDamage());
        Assert.Equal(1, blocks.Memory.Access(blocks.Ram, 0, 1, 0, static (lent, _) => lent.Length));
    }

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public void Any_number_of_channels_place_while_devices_and_CPUs_touch_and_the_collector_runs(string kind)
    {
        using var blocks = new Blocks(kind, kind.StartsWith("huge", StringComparison.Ordinal) ? 16 : 2048);
        using var watchdog = new Watchdog();
        using var collector = new Collector();
        using var source = new ThreadedSource();
        using var pager = new Pager(blocks.Memory, [blocks.Ram], source, blocks.Options);
        pager.Start();
        source.Answer(pager, channels: 3);

        // Each in an order of its own; what they read must be whole, and what they write must stay.
        var guests = Enumerable.Range(0, 4).Select(number => ChannelFixture.Run(() =>
        {
            var random = new Random(number);
            var order = Enumerable.Range(0, blocks.Units).ToArray();
            random.Shuffle(order);
            var head = new byte[8];
            foreach (var unit in order)
            {
                var page = (long)unit * blocks.Unit + random.Next(blocks.Unit / Blocks.Page) * Blocks.Page;
                if (number % 2 == 0)
                    blocks.Memory.Write(blocks.Ram, page + 16, BitConverter.GetBytes(page));
                blocks.Memory.Read(blocks.Ram, page, head);
                Assert.Equal(blocks.Expected((long)unit * blocks.Unit).AsSpan((int)(page % blocks.Unit), 8).ToArray(), head);
            }
        })).ToArray();
        Vms.WaitFor(() => pager.Statistics.Served > blocks.Units / 8);
        source.Push(pager, blocks.Ram, 0, 2);
        source.Push(pager, blocks.Ram, 1, 2);
        foreach (var guest in guests)
            Assert.True(guest.Wait(ChannelFixture.Long), "a guest hangs");
        Assert.True(pager.WaitUntilResident(ChannelFixture.Long));
        Assert.Null(pager.Failure);
        Assert.Null(blocks.FindDamage());

        var statistics = pager.Statistics;
        Assert.Equal((blocks.Units, 0L), (statistics.Served + statistics.Prefetched, statistics.Missing));
        Assert.Equal(blocks.Units / 5, statistics.ZeroPages);
        Assert.InRange(statistics.Requests, statistics.Served, blocks.Units);
        Assert.True(statistics.Faults >= statistics.Requests);
        Assert.Equal(statistics.Faults, statistics.FaultLatency.Count);
        Assert.Equal(statistics.Faults, statistics.BlockedThreads.Sum(thread => thread.Faults));
        Assert.True(statistics.BlockedThreads.Count >= 4 && statistics.BlockedThreads.All(thread => thread.ThreadId != 0 && thread.Time > TimeSpan.Zero));
    }

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public void Two_who_wait_for_a_page_are_one_request(string kind)
    {
        using var blocks = new Blocks(kind, 4);
        using var watchdog = new Watchdog();
        var source = new SilentSource();
        using var pager = new Pager(blocks.Memory, [blocks.Ram], source, blocks.Options);
        pager.Start();
        var offset = 2L * blocks.Unit;
        var guests = new[] { 0, blocks.Unit / 2, blocks.Unit - 8 }
            .Select(at => ChannelFixture.Run(() => blocks.Memory.Read(blocks.Ram, offset + at, new byte[8]))).ToArray();
        Vms.WaitFor(() => pager.Statistics.Faults == 3);
        Assert.Equal([(blocks.Ram, offset, blocks.Unit)], source.Requests);

        // After a broken link it is asked for again, and only it.
        Assert.Equal(1, pager.RequestAgain());
        Assert.Equal([(blocks.Ram, offset, blocks.Unit), (blocks.Ram, offset, blocks.Unit)], source.Requests);
        Assert.All(guests, guest => Assert.False(guest.IsCompleted));
        Assert.True(pager.TryPlace(blocks.Ram, offset, blocks.Expected(offset)));
        Assert.All(guests, guest => Assert.True(guest.Wait(ChannelFixture.Long)));
        Assert.Equal(0, pager.RequestAgain());
        Assert.Equal((3, 1), (pager.Statistics.FaultLatency.Count, pager.Statistics.RequestLatency.Count));
    }

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public void A_second_copy_is_noticed_and_changes_nothing(string kind)
    {
        using var blocks = new Blocks(kind, 4);
        using var pager = new Pager(blocks.Memory, [blocks.Ram], new SilentSource(), blocks.Options);
        pager.Start();
        Assert.True(pager.TryPlace(blocks.Ram, blocks.Unit, blocks.Expected(blocks.Unit)));
        blocks.Memory.Write(blocks.Ram, blocks.Unit + 16, [1]);
        Assert.False(pager.TryPlace(blocks.Ram, blocks.Unit, blocks.Expected(0)));
        Assert.False(pager.TryPlaceZero(blocks.Ram, blocks.Unit));
        var found = new byte[17];
        blocks.Memory.Read(blocks.Ram, blocks.Unit, found);
        Assert.Equal([.. blocks.Expected(blocks.Unit)[..16], 1], found);
        Assert.Equal(3, pager.Statistics.Missing);
    }

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public void What_came_before_stays_and_all_else_is_emptied(string kind)
    {
        using var blocks = new Blocks(kind, 4);
        using var watchdog = new Watchdog();
        for (var i = 0; i < 4; i++)
            blocks.Memory.Write(blocks.Ram, (long)i * blocks.Unit, [7]);
        var each = blocks.Unit / Blocks.Page;
        var before = new DirtyBitmap(4 * each);

        // Unit 1 as it is, unit 3 as zeros that were never written; of unit 2, if it has several pages, only a part.
        before.SetRange(each, each);
        before.SetRange(3 * each, each);
        if (each > 1)
            before.Set(2 * each);
        blocks.Memory.Discard(blocks.Ram, 3 * blocks.Unit, blocks.Unit);
        var source = new SilentSource();
        using var pager = new Pager(blocks.Memory, [blocks.Ram], source, blocks.Options);
        pager.MarkReceived(blocks.Ram, before);
        pager.Start();
        Assert.Equal(2, pager.Statistics.Missing);
        var found = new byte[1];
        blocks.Memory.Read(blocks.Ram, blocks.Unit, found);
        Assert.Equal(7, found[0]);
        blocks.Memory.Read(blocks.Ram, 3 * blocks.Unit, found);
        Assert.Equal(0, found[0]);
        Assert.Empty(source.Requests);
        Assert.False(pager.TryPlaceZero(blocks.Ram, 3 * blocks.Unit));
        foreach (var unit in new[] { 0, 2 })
        {
            var reading = ChannelFixture.Run(() => blocks.Memory.Read(blocks.Ram, (long)unit * blocks.Unit, found));
            Vms.WaitFor(() => source.Requests.Any(request => request.Offset == (long)unit * blocks.Unit));
            pager.TryPlaceZero(blocks.Ram, (long)unit * blocks.Unit);
            Assert.True(reading.Wait(ChannelFixture.Long));
            Assert.Equal(0, found[0]);
        }
        Assert.True(pager.IsResident);
    }

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public void What_a_balloon_gives_back_reads_as_zeros(string kind)
    {
        using var blocks = new Blocks(kind, 8);
        using var watchdog = new Watchdog();
        using var collector = new Collector();
        var source = new SilentSource();
        using var pager = new Pager(blocks.Memory, [blocks.Ram], source, blocks.Options);
        pager.Start();
        for (var i = 0; i < 4; i++)
            Assert.True(pager.TryPlace(blocks.Ram, (long)i * blocks.Unit, blocks.Expected((long)i * blocks.Unit)));

        // Two that have come, two that have not, one of which somebody waits for.
        var waiting = ChannelFixture.Run(() => blocks.Memory.Read(blocks.Ram, 5 * blocks.Unit, new byte[8]));
        Vms.WaitFor(() => source.Requests.Count == 1);
        blocks.Memory.Discard(blocks.Ram, 2 * blocks.Unit, 4 * blocks.Unit);
        Assert.True(waiting.Wait(ChannelFixture.Long));
        Assert.Equal((2, 2), (pager.Statistics.Removed, pager.Statistics.Missing));
        Assert.True(blocks.Memory.IsZero(blocks.Ram, 2 * blocks.Unit, 4 * blocks.Unit));

        // Their one copy that may be under way is thrown away; another is one too many, as it is of those that had come.
        Assert.True(pager.TryPlace(blocks.Ram, 4 * blocks.Unit, blocks.Expected(blocks.Unit)));
        Assert.False(pager.TryPlace(blocks.Ram, 4 * blocks.Unit, blocks.Expected(blocks.Unit)));
        Assert.False(pager.TryPlace(blocks.Ram, 2 * blocks.Unit, blocks.Expected(blocks.Unit)));
        Assert.True(blocks.Memory.IsZero(blocks.Ram, 2 * blocks.Unit, 4 * blocks.Unit));

        // Used again, it is memory like any other.
        blocks.Memory.Write(blocks.Ram, 2 * blocks.Unit, [9]);
        Assert.False(blocks.Memory.IsZero(blocks.Ram, 2 * blocks.Unit, blocks.Unit));
        Assert.Single(source.Requests);
        pager.TryPlaceZero(blocks.Ram, 6 * blocks.Unit);
        pager.TryPlaceZero(blocks.Ram, 7 * blocks.Unit);
        Assert.True(pager.IsResident);
    }

    [SkippableTheory]
    [MemberData(nameof(Kinds))]
    public void Memory_is_given_back_all_the_time_while_pages_are_placed(string kind)
    {
        using var blocks = new Blocks(kind, kind.StartsWith("huge", StringComparison.Ordinal) ? 16 : 512);
        using var watchdog = new Watchdog();
        using var source = new ThreadedSource();
        using var pager = new Pager(blocks.Memory, [blocks.Ram], source, blocks.Options);
        pager.Start();
        source.Answer(pager, channels: 2);
        source.Push(pager, blocks.Ram, 0, 2);
        source.Push(pager, blocks.Ram, 1, 2);
        var removed = new bool[blocks.Units];
        var balloon = ChannelFixture.Run(() =>
        {
            var random = new Random(3);
            for (var i = 0; i < blocks.Units / 2; i++)
            {
                var unit = random.Next(blocks.Units);
                blocks.Memory.Discard(blocks.Ram, (long)unit * blocks.Unit, blocks.Unit);
                removed[unit] = true;
            }
        });
        Assert.True(balloon.Wait(ChannelFixture.Long));
        Assert.True(pager.WaitUntilResident(ChannelFixture.Long), $"missing: {string.Join(", ", pager.Missing)}, failure: {pager.Failure}");
        for (var unit = 0; unit < blocks.Units; unit++)
        {
            var expected = removed[unit] ? new byte[blocks.Unit] : blocks.Expected((long)unit * blocks.Unit);
            var found = new byte[blocks.Unit];
            blocks.Memory.Read(blocks.Ram, (long)unit * blocks.Unit, found);
            Assert.True(expected.AsSpan().SequenceEqual(found), $"unit {unit}, {(removed[unit] ? "" : "not ")}removed");
        }
        Assert.Null(pager.Failure);
    }

    [SkippableFact]
    public void Pages_that_another_process_put_into_the_file_are_requested_and_then_shown()
    {
        using var blocks = new Blocks("shared, minor", 4);
        using var watchdog = new Watchdog();
        var source = new SilentSource();
        using var pager = new Pager(blocks.Memory, [blocks.Ram], source, blocks.Options);
        pager.Start();
        using (var other = SafeMapping.File(blocks.Ram.File!, 0, blocks.Ram.MaxLength, Blocks.Page, isShared: true))
            MemoryCalls.Write(other, Blocks.Page, [5, 5, 5]);
        var found = new byte[3];
        var reading = ChannelFixture.Run(() => blocks.Memory.Read(blocks.Ram, Blocks.Page, found));
        Vms.WaitFor(() => source.Requests.Count == 1);
        Assert.True(pager.TryPlace(blocks.Ram, Blocks.Page, blocks.Expected(Blocks.Page)));
        Assert.True(reading.Wait(ChannelFixture.Long));
        Assert.Equal(blocks.Expected(Blocks.Page)[..3], found);
        Assert.Single(source.Requests);
    }

    [SkippableFact]
    public void A_page_that_is_there_unexpectedly_is_named()
    {
        using var blocks = new Blocks("shared", 4);
        using var pager = new Pager(blocks.Memory, [blocks.Ram], new SilentSource(), blocks.Options);
        pager.Start();
        using (var other = SafeMapping.File(blocks.Ram.File!, 0, blocks.Ram.MaxLength, Blocks.Page, isShared: true))
            MemoryCalls.Write(other, Blocks.Page, [5]);
        var e = Assert.Throws<SystemCallException>(() => pager.TryPlace(blocks.Ram, Blocks.Page, blocks.Expected(0)));
        Assert.Contains("ram, offset 0x1000) failed: EEXIST", e.Message, StringComparison.Ordinal);
        Assert.Equal(4, pager.Statistics.Missing);
    }

    [SkippableFact]
    public void A_source_that_fails_ends_the_pager_and_says_so()
    {
        using var blocks = new Blocks("anonymous", 4);
        using var watchdog = new Watchdog();
        Exception? told = null;
        using var pager = new Pager(blocks.Memory, [blocks.Ram], new FailingSource(), blocks.Options with { OnFailure = reason => told = reason });
        pager.Start();
        var reading = ChannelFixture.Run(() => blocks.Memory.Read(blocks.Ram, 0, new byte[1]));
        Vms.WaitFor(() => Volatile.Read(ref told) != null);
        Assert.IsType<InvalidTimeZoneException>(pager.Failure);
        Assert.False(reading.IsCompleted);

        // Somebody can still place it.
        Assert.True(pager.TryPlaceZero(blocks.Ram, 0));
        Assert.True(reading.Wait(ChannelFixture.Long));
    }

    [SkippableFact]
    public void Wrong_use_is_refused()
    {
        using var blocks = new Blocks("anonymous", 4);
        using var others = new Blocks("anonymous", 4);
        Assert.Throws<ArgumentException>(() => new Pager(blocks.Memory, [others.Ram], new SilentSource()));
        using var pager = new Pager(blocks.Memory, [blocks.Ram], new SilentSource());
        pager.Start();
        Assert.Throws<InvalidOperationException>(pager.Start);
        Assert.Throws<InvalidOperationException>(() => pager.MarkReceived(blocks.Ram, new DirtyBitmap(4)));
        Assert.Throws<ArgumentException>(() => pager.TryPlaceZero(others.Ram, 0));
        foreach (var (offset, length) in new[] { (-4096L, 4096), (4 * 4096L, 4096), (1L, 4096), (0L, 4095), (0L, 8192) })
        {
            var e = Assert.Throws<ArgumentOutOfRangeException>(() => pager.TryPlace(blocks.Ram, offset, new byte[length]));
            Assert.Contains("ram: what is placed is 0x1000 bytes", e.Message, StringComparison.Ordinal);
        }
        Assert.Throws<InvalidOperationException>(() => blocks.Memory.Access(blocks.Ram, 0, 1, 0, static (_, _) => 0));
        pager.Dispose();
        Assert.Throws<ObjectDisposedException>(() => pager.TryPlaceZero(blocks.Ram, 0));
    }

    [SkippableFact]
    public void Memory_that_cannot_be_paged_is_named()
    {
        UserFaultAbiTests.SkipWithout(UserFaultFeatures.None);
        using var memory = new GuestMemory();
        var path = System.IO.Path.Combine(ChannelFixture.NewFolder(), "disk");
        var ram = memory.AddBlock("rom", 4096, new RamBlockOptions { Backing = RamBacking.File, Path = path });
        using var pager = new Pager(memory, [ram], new SilentSource());
        try
        {
            pager.Start();
        }
        catch (SystemCallException e)
        {
            Assert.Contains("rom: UFFDIO_REGISTER", e.Message, StringComparison.Ordinal);
            Assert.Contains("use anonymous memory", e.Message, StringComparison.Ordinal);
            return;
        }
        throw new SkipException("The folder for temporary files is a tmpfs, whose files can be paged.");
    }

    [Theory]
    [InlineData(false, false, false, FaultAction.Request)]
    [InlineData(true, false, false, FaultAction.Request)]
    [InlineData(false, false, true, FaultAction.Wait)]
    [InlineData(true, false, true, FaultAction.Wait)]
    [InlineData(false, true, false, FaultAction.PlaceZeros)]
    [InlineData(false, true, true, FaultAction.PlaceZeros)]
    [InlineData(true, true, true, FaultAction.Show)]
    [InlineData(true, true, false, FaultAction.Show)]
    internal void What_is_done_about_a_fault(bool isMinor, bool isReceived, bool isRequested, FaultAction expected)
        => Assert.Equal(expected, Pager.Decide(isMinor, isReceived, isRequested));

    private sealed class FailingSource : IPageSource
    {
        public void Request(RamBlock block, long offset, int length) => throw new InvalidTimeZoneException();
    }
}
