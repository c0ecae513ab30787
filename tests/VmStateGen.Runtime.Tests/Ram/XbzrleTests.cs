using System;
using System.Collections.Generic;
using System.Linq;
using VmStateGen.Runtime.DirtyTracking;
using VmStateGen.Runtime.Migration;
using VmStateGen.Runtime.Ram;
using VmStateGen.Runtime.Streams.Qemu;
using VmStateGen.Runtime.Tests.Migration;

namespace VmStateGen.Runtime.Tests.Ram;

/// <summary>Differences as QEMU writes them (qemu-migration.md §5.4), and the cache that they are made against.</summary>
public sealed class XbzrleTests
{
    private const int Page = 4096;

    [Theory]
    [InlineData(64)]
    [InlineData(1024)]
    [InlineData(4096)]
    [InlineData(65536)]
    public void What_is_applied_to_the_old_page_is_the_new_one(int pageSize)
    {
        var random = new Random(pageSize);
        var encoded = 0;
        for (var turn = 0; turn < 1000; turn++)
        {
            var old = new byte[pageSize];
            if (turn % 3 != 0)
                random.NextBytes(old);
            var page = (byte[])old.Clone();
            Change(random, page);
            var output = new byte[pageSize];
            var length = XbzrleEncoder.Encode(old, page, output);
            if (length == XbzrleEncoder.Same)
            {
                Assert.Equal(old, page);
                continue;
            }
            if (length == XbzrleEncoder.Overflow)
                continue;
            encoded++;
            Assert.InRange(length, 3, pageSize);
            var applied = (byte[])old.Clone();
            Xbzrle.Apply(output.AsSpan(0, length), applied, 0);
            Assert.Equal(page, applied);
        }
        Assert.True(encoded > 300, $"{encoded}");
    }

    [Fact]
    public void Runs_are_written_as_QEMU_writes_them()
    {
        // 0 equal, 2 changed; 126 equal, 1 changed; 128 equal, 200 changed; the equal ones at the end are left out.
        var page = new byte[Page];
        page[0] = page[1] = 0xAA;
        page[128] = 0xBB;
        page.AsSpan(257, 200).Fill(0xCC);
        var output = new byte[Page];
        var length = XbzrleEncoder.Encode(new byte[Page], page, output);
        byte[] expected = [0, 2, 0xAA, 0xAA, 126, 1, 0xBB, 0x80, 1, 0xC8, 1, .. Enumerable.Repeat((byte)0xCC, 200)];
        Assert.Equal(expected, output[..length]);
    }

    [Fact]
    public void A_page_that_is_the_same_or_has_changed_too_much_is_not_encoded()
    {
        var random = new Random(1);
        var old = new byte[Page];
        random.NextBytes(old);
        var output = new byte[Page];
        Assert.Equal(XbzrleEncoder.Same, XbzrleEncoder.Encode(old, (byte[])old.Clone(), output));
        Assert.Equal(XbzrleEncoder.Overflow, XbzrleEncoder.Encode(old, [.. old.Select(value => (byte)~value)], output));
        Assert.Equal(XbzrleEncoder.Overflow, XbzrleEncoder.Encode(old, [.. old.Select((value, i) => i % 2 == 0 ? value : (byte)~value)], output));
        Assert.True(output.All(value => value == 0), "it was found out before anything was written");

        // All but the last eight bytes, in one run, is fine.
        var most = old.Select((value, i) => i < Page - 8 ? (byte)~value : value).ToArray();
        Assert.Equal(1 + 2 + Page - 8, XbzrleEncoder.Encode(old, most, output));

        // A run that no length can say.
        var large = new byte[65536];
        large[20_000] = 1;
        Assert.Equal(XbzrleEncoder.Overflow, XbzrleEncoder.Encode(new byte[65536], large, new byte[65536]));
    }

    [Fact]
    public void A_page_in_use_keeps_its_place_for_two_rounds()
    {
        var cache = new XbzrleCache(3 * Page, Page);
        Assert.Equal(2 * Page, cache.Size);
        byte[] a = new byte[Page], b = new byte[Page];
        (a[0], b[0]) = (1, 2);
        Assert.True(cache.Find(0, 1).IsEmpty);
        Assert.True(cache.TryAdd(0, 1, a));
        Assert.False(cache.TryAdd(2, 2, b));
        Assert.Equal(1, cache.Find(0, 2)[0]);
        Assert.False(cache.TryAdd(2, 3, b));
        Assert.True(cache.TryAdd(1, 3, b));
        Assert.True(cache.TryAdd(2, 4, b));
        Assert.True(cache.Find(0, 4).IsEmpty);
        Assert.Equal(2, cache.Find(2, 4)[0]);
    }

    [Theory]
    [InlineData(64 << 20)]
    [InlineData(64 << 10)] // pages put each other out
    [InlineData(4096)]
    public void A_guest_that_changes_pages_a_little_arrives_whole(long cacheSize)
    {
        using var from = new BareVm();
        using var to = new BareVm();
        var ram = from.Memory.AddBlock("ram", 1 << 20);
        var vram = from.Memory.AddBlock("vram", 1 << 20);
        to.Memory.AddBlock("ram", 1 << 20);
        to.Memory.AddBlock("vram", 1 << 20);
        var random = new Random(3);
        from.Machine.Ram.Tracker = new WritesOnCollect((block, dirty, collections) =>
        {
            for (var i = 0; from.IsRunning && collections < 40 && i < 40; i++)
            {
                // Of one block a few pages again and again; now and then a page becomes zeros, or all of it is new.
                var page = random.Next(block == ram ? 60 : 250);
                if (i == 0)
                    from.Memory.Fill(block, page * Page, Page, (byte)random.Next(2));
                else
                    from.Memory.Write(block, page * Page + random.Next(Page - 8), BitConverter.GetBytes(random.NextInt64()));
                dirty.Set(page);
            }
        });
        var options = new MigrationSourceOptions { Features = new MigrationFeatures { Xbzrle = true, XbzrleCacheSize = cacheSize }, MaxRounds = 15, DowntimeLimit = TimeSpan.Zero };
        from.Resume();
        var ends = Vms.Migrate(from.Machine, to.Machine, options);
        ends.Complete();
        foreach (var block in new[] { ram, vram })
        {
            byte[] sent = new byte[block.UsedLength], arrived = new byte[block.UsedLength];
            from.Memory.Read(block, 0, sent);
            to.Memory.Read(to.Memory.FindBlock(block.Name)!, 0, arrived);
            Assert.True(sent.AsSpan().SequenceEqual(arrived));
        }
        var xbzrle = ends.Sent.Progress.Xbzrle!;
        Assert.Equal(cacheSize, xbzrle.CacheSize);
        Assert.True(xbzrle.CacheMiss > 0);
        Assert.InRange(xbzrle.CacheMissRate, 0.01, 1);
        if (cacheSize > 1 << 20)
        {
            Assert.True(xbzrle.Pages > 100 && xbzrle.Bytes < xbzrle.Pages * 100, $"{xbzrle}");
            Assert.True(xbzrle.EncodingRate > 40 && xbzrle.Overflow > 0, $"{xbzrle}");
        }
    }

    [Fact]
    public void Without_it_there_are_no_numbers_of_it()
    {
        using var from = new BareVm();
        using var to = new BareVm();
        from.Memory.AddBlock("ram", 1 << 20);
        to.Memory.AddBlock("ram", 1 << 20);
        Assert.Null(Vms.Migrate(from.Machine, to.Machine).Sent.Progress.Xbzrle);
    }

    /// <summary>Nothing, single bytes here and there, or stretches.</summary>
    private static void Change(Random random, byte[] page)
    {
        var changes = random.Next(4) == 0 ? random.Next(page.Length) : random.Next(Math.Max(2, page.Length / 50));
        for (var i = 0; i < changes; i++)
        {
            var at = random.Next(page.Length);
            var length = i < 10 && random.Next(20) == 0 ? random.Next(page.Length - at) : 1;
            random.NextBytes(page.AsSpan(at, length));
        }
    }

    /// <summary>A guest that writes whenever its tracker is asked.</summary>
    private sealed class WritesOnCollect(Action<RamBlock, DirtyBitmap, int> write) : IDirtyTracker, IDirtyTracking
    {
        private int collections;

        public string Name => "test";

        public RamWriters Sees(RamBlock block) => RamWriters.None;

        public IDirtyTracking Start(GuestMemory memory, IReadOnlyList<RamBlock> blocks) => this;

        public void Collect(RamBlock block, DirtyBitmap into) => write(block, into, collections++);

        public void Dispose()
        {
        }
    }
}
