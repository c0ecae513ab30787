using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using VmStateGen.Runtime.Postcopy;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.Tests.Postcopy;

/// <summary>
/// The three promises of a postcopy source: what is missing at the switch and what is discarded, that a missing page goes once within a
/// connection, and when the stream may end.
/// </summary>
public sealed class UnsentPagesTests
{
    private const int Page = 4096;

    public static TheoryData<int> Seeds => new(Enumerable.Range(0, 50));

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Missing_is_what_was_never_sent_or_dirtied_since_in_whole_units(int seed)
    {
        var random = new Random(seed);
        var unit = Page << random.Next(5);
        var block = new PostcopyBlock("ram", random.Next(1, 100) * (long)unit, unit);
        var pages = Random(seed, block.Length / Page);
        var unsent = new UnsentPages([block], Page);
        unsent.Add(0, pages);

        var each = unit / Page;
        var expected = Enumerable.Range(0, (int)block.UnitCount).Where(u => Enumerable.Range(u * each, each).Any(p => pages[p])).Select(u => (long)u).ToArray();
        Assert.Equal(expected.Length, unsent.Left);
        Assert.Equal(expected, UnitsOf(unsent.MissingRanges(0), unit));
        Assert.Equal(expected, TakeAll(unsent, block));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void All_that_is_missing_is_in_a_discard_range_and_nothing_else(int seed)
    {
        var blocks = new[] { new PostcopyBlock("a", (1 + 1000 * seed) * (long)Page), new PostcopyBlock("b", 64L * Page, 2 * Page) };
        var unsent = new UnsentPages(blocks, Page);
        for (var i = 0; i < blocks.Length; i++)
            unsent.Add(i, Random(seed + i, blocks[i].Length / Page));
        var discards = WireFixture.Discards(unsent);
        Assert.NotEmpty(discards);
        for (var i = 0; i < blocks.Length; i++)
        {
            var ranges = discards.Where(one => one.Block == blocks[i].Name && one.Length > 0).Select(one => (one.Start, one.Length));
            Assert.Equal(UnitsOf(unsent.MissingRanges(i), blocks[i].UnitSize), UnitsOf(ranges, blocks[i].UnitSize));
        }
    }

    [Fact]
    public void One_range_is_discarded_even_if_nothing_is_missing()
    {
        var unsent = new UnsentPages([new PostcopyBlock("a", 4 * Page)], Page);
        Assert.Equal([("a", 0L, 0L)], WireFixture.Discards(unsent));
    }

    [Fact]
    public void A_page_is_taken_once_whoever_tries()
    {
        var block = new PostcopyBlock("ram", 4096L * Page);
        var unsent = new UnsentPages([block], Page);
        unsent.AddAll();
        var taken = new int[block.UnitCount];
        Parallel.For(0, 4, worker =>
        {
            var random = new Random(worker);
            for (var i = 0; i < 20_000; i++)
                Take(random.Next(taken.Length));
            for (var unit = 0; unit < taken.Length; unit++)
                Take(unit);
        });
        Assert.All(taken, count => Assert.Equal(1, count));
        Assert.Equal((0L, 0L), (unsent.Left, unsent.Missing));

        void Take(int unit)
        {
            if (unsent.TryTake(0, unit))
                Interlocked.Increment(ref taken[unit]);
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void After_a_cut_missing_is_what_was_not_received_whatever_was_sent(int seed)
    {
        var random = new Random(seed);
        var unit = Page << random.Next(4);
        var block = new PostcopyBlock("ram", random.Next(1, 100) * (long)unit, unit);
        var unsent = new UnsentPages([block], Page);
        unsent.AddAll();
        for (var u = 0L; u < block.UnitCount; u++)
        {
            if (random.Next(2) == 0)
                unsent.TryTake(0, u);
        }

        // Some of what was taken has arrived; what was sent before the switch has, too.
        var each = unit / Page;
        var received = new bool[block.UnitCount];
        for (var u = 0; u < received.Length; u++)
            received[u] = random.Next(2) == 0;
        unsent.Restart(0, WireFixture.Bitmap(received, each));
        Assert.Equal(Enumerable.Range(0, received.Length).Where(u => !received[u]).Select(u => (long)u), TakeAll(unsent, block));
    }

    [Fact]
    public void A_bitmap_of_the_wrong_size_is_refused()
    {
        var unsent = new UnsentPages([new PostcopyBlock("ram", 65 * Page)], Page);
        var error = Assert.Throws<VmStateException>(() => unsent.Restart(0, new byte[8]));
        Assert.Contains("expected a bitmap of 16 bytes for the 65 pages of ram, found 8", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Only_zeros_are_left_out_and_they_stay_missing(int seed)
    {
        var block = new PostcopyBlock("ram", (1 + 7 * seed) * 2L * Page, 2 * Page);
        var contents = Random(seed, block.Length / Page);
        var unsent = new UnsentPages([block], Page);
        unsent.SetContents(0, contents);
        unsent.AddAll();
        var units = Enumerable.Range(0, (int)block.UnitCount).Select(u => (long)u).ToArray();
        var withContents = units.Where(u => contents[2 * u] || contents[2 * u + 1]).ToArray();
        Assert.Equal(withContents.Length, unsent.Left);
        Assert.Equal(units.Length, unsent.Missing);

        // The end is reached when all with contents has gone, and not before.
        foreach (var unit in withContents)
        {
            Assert.NotEqual(0, unsent.Left);
            Assert.True(unsent.TryTake(0, unit));
        }
        Assert.Equal(0, unsent.Left);
        Assert.Equal(-1, unsent.FindToPush(0, 0));
        Assert.All(units.Except(withContents), unit => Assert.True(unsent.TryTake(0, unit)));

        // After a cut the same pages are left out again.
        unsent.Restart(0, new byte[(block.Length / Page + 63) / 64 * 8]);
        Assert.Equal(withContents.Length, unsent.Left);
        Assert.Equal(units.Length, unsent.Missing);
    }

    [Fact]
    public void A_unit_is_no_smaller_than_a_page_and_a_block_has_whole_ones()
    {
        Assert.Throws<ArgumentException>(() => new UnsentPages([new PostcopyBlock("ram", Page)], 2 * Page));
        Assert.Throws<ArgumentException>(() => new PostcopyBlock("ram", 3 * Page, 2 * Page));
        Assert.Throws<ArgumentException>(() => new PostcopyBlock("ram", 3 * Page, 3 * Page));
    }

    [Fact]
    public void What_is_missing_is_told_by_block()
    {
        var unsent = new UnsentPages([new PostcopyBlock("ram", 3 * Page), new PostcopyBlock("rom", Page), new PostcopyBlock("none", 0)], Page);
        Assert.Equal("no page", unsent.Describe());
        unsent.AddAll();
        Assert.Equal("3 pages of ram, 1 page of rom", unsent.Describe());
    }

    private static DirtyBitmap Random(int seed, long pages)
    {
        var random = new Random(seed);
        var bitmap = new DirtyBitmap(pages, Page);
        var density = random.Next(1, 8);
        for (var page = 0L; page < pages; page++)
        {
            if (random.Next(density) == 0)
                bitmap.Set(page);
        }
        return bitmap;
    }

    private static IEnumerable<long> UnitsOf(IEnumerable<(long Start, long Length)> ranges, int unit)
        => ranges.SelectMany(range => Enumerable.Range((int)(range.Start / unit), (int)(range.Length / unit)).Select(u => (long)u)).ToArray();

    private static long[] TakeAll(UnsentPages unsent, PostcopyBlock block)
        => [.. Enumerable.Range(0, (int)block.UnitCount).Select(u => (long)u).Where(u => unsent.TryTake(0, u))];
}
