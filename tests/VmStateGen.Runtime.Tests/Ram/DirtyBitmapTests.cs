using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.Tests.Ram;

public sealed class DirtyBitmapTests
{
    private static readonly long[] Sizes = [0, 1, 63, 64, 65, 511, 512, 513, 1000, 4096 + 17];

    [Fact]
    public void It_is_a_set_of_pages()
    {
        // Any sequence of operations against a bool for each page.
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var count = Sizes[seed % Sizes.Length];
            var bitmap = new DirtyBitmap(count);
            var model = new bool[count];
            for (var step = 0; step < 60; step++)
            {
                Change(random, bitmap, model);
                AssertSame(model, bitmap);
            }
        }
    }

    [Fact]
    public void Words_go_in_and_out()
    {
        foreach (var count in Sizes)
        {
            var random = new Random((int)count);
            var words = new ulong[(count + 63) / 64];
            for (var i = 0; i < words.Length; i++)
                words[i] = i % 5 == 0 ? (ulong)random.NextInt64(long.MinValue, long.MaxValue) : i % 5 == 1 ? ulong.MaxValue : 0;
            var bitmap = new DirtyBitmap(count);
            bitmap.SetWords(0, words);
            var model = Enumerable.Range(0, (int)count).Select(page => (words[page / 64] >> page % 64 & 1) != 0).ToArray();
            AssertSame(model, bitmap);

            var copied = new ulong[words.Length];
            bitmap.CopyWords(0, copied);
            var again = new DirtyBitmap(count);
            again.SetWords(0, copied);
            AssertSame(model, again);
            if (count % 64 != 0)
                Assert.Equal(0UL, copied[^1] >> (int)(count % 64));
        }
    }

    [Fact]
    public void Collecting_moves_marks_and_counts_the_new_ones()
    {
        var (from, to) = (new DirtyBitmap(1000), new DirtyBitmap(1000));
        from.SetRange(10, 100);
        to.SetRange(100, 100);
        Assert.Equal(90, from.CollectInto(to));
        Assert.Equal((0, 190), (from.Count(), to.Count()));
        Assert.Equal(0, from.CollectInto(to));
        Assert.Throws<ArgumentException>(() => from.CollectInto(from));
        Assert.Throws<ArgumentException>(() => from.CollectInto(new DirtyBitmap(999)));
    }

    [Fact]
    public void Bounds_are_checked()
    {
        var bitmap = new DirtyBitmap(100);
        Assert.Throws<ArgumentOutOfRangeException>(() => bitmap[100]);
        Assert.Throws<ArgumentOutOfRangeException>(() => bitmap.Set(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => bitmap.Set(100));
        Assert.Throws<ArgumentOutOfRangeException>(() => bitmap.SetRange(99, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => bitmap.SetRange(1, long.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => bitmap.ClearRange(0, 101));
        Assert.Throws<ArgumentOutOfRangeException>(() => bitmap.TestAndClear(100));
        Assert.Throws<ArgumentOutOfRangeException>(() => bitmap.FindNext(101));
        Assert.Throws<ArgumentOutOfRangeException>(() => bitmap.SetWords(1, [0]));
        Assert.Throws<ArgumentOutOfRangeException>(() => bitmap.SetWords(64, [0, 0]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DirtyBitmap(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DirtyBitmap(1, 1000));
        bitmap.SetRange(100, 0);
        Assert.Equal(0, bitmap.Count());
    }

    [Fact]
    public void No_mark_is_lost_between_writers_and_a_collector()
    {
        // Each page has a counter. A writer adds to it, then marks; the collector takes marks, then reads. In the end the collector must have
        // read the last value of every page, and not by chance in a last look at all of them.
        const int Pages = 256;
        const int Rounds = 20_000;
        var values = new long[Pages];
        var seen = new long[Pages];
        var bitmap = new DirtyBitmap(Pages);
        var dirty = new DirtyBitmap(Pages);
        var running = 3;
        var writers = Enumerable.Range(0, 3).Select(seed => new Thread(() =>
        {
            var random = new Random(seed);
            for (var i = 0; i < Rounds; i++)
            {
                // Half of the writes are to four pages, so that marks are often found set.
                var page = random.Next(2) == 0 ? random.Next(4) : random.Next(Pages);
                Interlocked.Increment(ref values[page]);
                bitmap.Set(page);
            }
            Interlocked.Decrement(ref running);
        })).ToArray();
        foreach (var writer in writers)
            writer.Start();

        bool isLast;
        do
        {
            isLast = Volatile.Read(ref running) == 0;
            bitmap.CollectInto(dirty);
            for (var page = dirty.FindNext(0); page >= 0; page = dirty.FindNext(page))
            {
                dirty.TestAndClear(page);
                seen[page] = Volatile.Read(ref values[page]);
            }
        }
        while (!isLast);
        foreach (var writer in writers)
            writer.Join();
        Assert.Equal(3 * Rounds, values.Sum());
        Assert.Equal(values, seen);
    }

    /// <summary>
    /// Two threads mark bits of one word, each of its own half whichever it finds clear, and so at any moment of a collector that never pauses. A mark
    /// that falls between the collector's look and its clearing would be missing from the sum.
    /// </summary>
    [Fact]
    public void Every_mark_is_collected()
    {
        const int Marks = 1_000_000;
        var bitmap = new DirtyBitmap(64);
        var collected = new DirtyBitmap(64);
        var running = 2;
        var marked = 0L;
        var total = 0L;
        foreach (var half in new[] { 0, 32 })
        {
            new Thread(() =>
            {
                var own = 0;
                for (var i = 0; own < Marks; i = (i + 1) % 32)
                {
                    if (bitmap[half + i])
                        continue;
                    bitmap.Set(half + i);
                    own++;
                }
                Interlocked.Add(ref marked, own);
                Interlocked.Decrement(ref running);
            }).Start();
        }
        bool isLast;
        do
        {
            isLast = Volatile.Read(ref running) == 0;
            total += bitmap.CollectInto(collected);
            collected.ClearAll();
        }
        while (!isLast);
        Assert.Equal(marked, total);
    }

    /// <summary>What two collectors say that they have added to one bitmap is what a third takes out of it meanwhile.</summary>
    [Fact]
    public void Collectors_into_one_bitmap_lose_nothing_of_each_other()
    {
        const int Rounds = 5_000_000;
        var shared = new DirtyBitmap(64);
        var taken = new DirtyBitmap(64);
        var running = 2;
        var added = 0L;
        var drained = 0L;
        foreach (var seed in new[] { 1, 2 })
        {
            new Thread(() =>
            {
                var own = new DirtyBitmap(64);
                var random = new Random(seed);
                var sum = 0L;
                for (var i = 0; i < Rounds; i++)
                {
                    own.Set(random.Next(64));
                    sum += own.CollectInto(shared);
                }
                Interlocked.Add(ref added, sum);
                Interlocked.Decrement(ref running);
            }).Start();
        }
        bool isLast;
        do
        {
            isLast = Volatile.Read(ref running) == 0;
            drained += shared.CollectInto(taken);
            taken.ClearAll();
        }
        while (!isLast);
        Assert.Equal(added, drained);
    }

    private static void Change(Random random, DirtyBitmap bitmap, bool[] model)
    {
        var count = model.Length;
        var first = random.Next(count + 1);
        var length = random.Next(3) == 0 ? random.Next(count - first + 1) : Math.Min(count - first, random.Next(5));
        var range = model.AsSpan(first, length);
        switch (random.Next(6))
        {
            case 0 when count > 0:
                bitmap.Set(first % count);
                model[first % count] = true;
                break;
            case 1 when count > 0:
                Assert.Equal(model[first % count], bitmap.TestAndClear(first % count));
                model[first % count] = false;
                break;
            case 2:
                Assert.Equal(range.Count(true), bitmap.ClearRange(first, length));
                range.Clear();
                break;
            case 3 when random.Next(10) == 0:
                Assert.Equal(model.Count(page => page), bitmap.ClearAll());
                model.AsSpan().Clear();
                break;
            case 4 when random.Next(10) == 0:
                bitmap.SetAll();
                model.AsSpan().Fill(true);
                break;
            default:
                bitmap.SetRange(first, length);
                range.Fill(true);
                break;
        }
    }

    private static void AssertSame(bool[] model, DirtyBitmap bitmap)
    {
        Assert.Equal(model.Count(page => page), bitmap.Count());
        var expected = new List<PageExtent>();
        for (var page = 0; page < model.Length; page++)
        {
            if (!model[page])
                continue;
            var first = page;
            while (page < model.Length && model[page])
                page++;
            expected.Add(new PageExtent(first, page - first));
        }

        // Three at a time, so that reading goes on where it stopped.
        var found = new List<PageExtent>();
        var three = new PageExtent[3];
        var from = 0L;
        int got;
        do
        {
            got = bitmap.ReadExtents(ref from, three);
            found.AddRange(three[..got]);
        }
        while (got == 3);
        Assert.Equal(expected, found);

        for (var page = 0; page < model.Length; page += 1 + page / 50)
        {
            Assert.Equal(model[page], bitmap[page]);
            var next = Array.IndexOf(model, true, page);
            Assert.Equal(next, bitmap.FindNext(page));
            var clean = Array.IndexOf(model, false, page);
            Assert.Equal(clean < 0 ? model.Length : clean, bitmap.FindNextClean(page));
        }
    }

    [Fact]
    public void Pages_that_are_written_again_are_told_from_the_others()
    {
        var random = new Random(9);
        foreach (var pages in new[] { 1, 64, 640, 3000 })
        {
            DirtyBitmap written = new(pages), before = new(pages), pending = new(pages), restless = new(pages);
            HashSet<long> wasWritten = [], toSend = [], again = [];
            for (var round = 0; round < 20; round++)
            {
                HashSet<long> now = [.. Enumerable.Range(0, random.Next(pages / 20 + 2)).Select(_ => (long)random.Next(pages))];
                foreach (var page in now)
                    written.Set(page);
                Assert.Equal(now.Count(page => !toSend.Contains(page)), DirtyBitmap.Sort(written, before, pending, restless));
                again.UnionWith(now.Intersect(wasWritten));
                toSend.UnionWith(now);
                wasWritten = now;
                Assert.Equal(toSend.Order(), Pages(pending.FindNext));
                Assert.Equal(again.Order(), Pages(restless.FindNext));
                Assert.Equal(now.Order(), Pages(before.FindNext));
                Assert.Equal(0, written.Count());
                Assert.Equal(toSend.Except(again).Order(), Pages(from => pending.FindNextExcept(from, restless)));

                // Some are sent.
                foreach (var page in toSend.Where(_ => random.Next(2) == 0).ToArray())
                {
                    pending.TestAndClear(page);
                    toSend.Remove(page);
                }
            }

            IEnumerable<long> Pages(Func<long, long> next)
            {
                for (var page = next(0); page >= 0; page = next(page + 1))
                    yield return page;
            }
        }
    }

    [Fact]
    public void A_search_ends_where_it_is_told_to()
    {
        var bitmap = new DirtyBitmap(1000);
        bitmap.SetRange(100, 200);
        bitmap.Set(999);
        var ends = new long[] { 0, 1, 63, 64, 65, 99, 100, 101, 127, 128, 299, 300, 301, 998, 999, 1000 };
        foreach (var from in ends)
        {
            foreach (var before in ends.Where(end => end >= from))
            {
                var next = bitmap.FindNext(from);
                Assert.Equal(next < 0 ? before : Math.Min(before, next), bitmap.FindNextBefore(from, before));
                Assert.Equal(Math.Min(before, bitmap.FindNextClean(from)), bitmap.FindNextCleanBefore(from, before));
            }
        }
    }
}
