using System;
using System.Diagnostics;
using System.Linq;
using VmStateGen.Runtime.Postcopy;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.Tests.Postcopy;

/// <summary>What the pager is made of, without a kernel.</summary>
public sealed class PartsTests
{
    [Fact]
    public void Every_time_is_in_the_bucket_whose_end_is_next()
    {
        var last = -1;
        for (var nanoseconds = 0L; nanoseconds < 1L << 40; nanoseconds = Math.Max(nanoseconds + 1, (long)(nanoseconds * 1.03)))
        {
            var bucket = LatencyCounter.BucketOf(nanoseconds);
            Assert.True(bucket >= last);
            Assert.True(nanoseconds < LatencyCounter.EndOf(bucket), $"{nanoseconds}");
            Assert.True(bucket == 0 || nanoseconds >= LatencyCounter.EndOf(bucket - 1), $"{nanoseconds}");
            Assert.True(LatencyCounter.EndOf(bucket) <= nanoseconds * 1.07 + 1, $"{nanoseconds}");
            last = bucket;
        }
    }

    [Fact]
    public void Percentiles_are_those_of_what_was_counted()
    {
        var counter = new LatencyCounter();
        Assert.Equal((0, TimeSpan.Zero, TimeSpan.Zero), (counter.Snapshot().Count, counter.Snapshot().Percentile(0.5), counter.Snapshot().Max));
        for (var i = 1; i <= 1000; i++)
            counter.Add((long)(i * 1e-5 * Stopwatch.Frequency));
        var histogram = counter.Snapshot();
        Assert.Equal(1000, histogram.Count);
        Assert.InRange(histogram.Percentile(0.5).TotalMilliseconds, 5, 5 * 1.07);
        Assert.InRange(histogram.Percentile(0.99).TotalMilliseconds, 9.9, 10);
        Assert.InRange(histogram.Max.TotalMilliseconds, 9.999, 10.001);
        Assert.Equal(histogram.Max, histogram.Percentile(1));
        Assert.Contains("1000: p50", histogram.ToString(), StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => histogram.Percentile(1.1));
    }

    [Fact]
    public void A_received_bitmap_has_a_bit_for_each_page_lowest_first_in_whole_words()
    {
        using var memory = new GuestMemory();
        using var map = new PageMap(memory.AddBlock("ram", 70 * 4096), 4096);
        Assert.Equal(new byte[16], map.ToWireBitmap());
        foreach (var page in new[] { 0, 9, 10, 63, 64, 69 })
            map.Received.Set(page);
        Assert.Equal([1, 6, 0, 0, 0, 0, 0, 0x80, 0x21, 0, 0, 0, 0, 0, 0, 0], map.ToWireBitmap());
        Assert.Equal(64, map.MissingUnits);
        map.Received.SetRange(3, 40);
        Assert.Equal([0xF9, .. Enumerable.Repeat((byte)0xFF, 4), 0x07, 0, 0x80, 0x21, 0, 0, 0, 0, 0, 0, 0], map.ToWireBitmap());
    }

    [Fact]
    public void What_came_before_is_taken_over_as_it_is()
    {
        using var memory = new GuestMemory(16384);
        using var wide = new PageMap(memory.AddBlock("ram", 16 * 16384), 16384);
        Assert.Equal((16384, 16), (wide.Unit, wide.Received.PageCount));

        using var map = new PageMap(memory.Blocks[0], 4096);
        Assert.Equal(4096, map.Unit);
        var before = new DirtyBitmap(64);
        before.SetRange(0, 9);
        before.SetRange(60, 4);
        map.SetReceived(before);
        Assert.Equal([(0L, 9L), (60L, 4L)], Extents(map.Received));
        Assert.Equal(Extents(map.Received), Extents(map.Claimed));
    }

    private static (long, long)[] Extents(DirtyBitmap bitmap)
    {
        var extents = new PageExtent[16];
        var from = 0L;
        return [.. extents.Take(bitmap.ReadExtents(ref from, extents)).Select(extent => (extent.First, extent.Count))];
    }
}
