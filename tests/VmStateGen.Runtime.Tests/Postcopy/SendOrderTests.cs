using System;
using System.Collections.Generic;
using System.Linq;
using VmStateGen.Runtime.Postcopy;
using VmStateGen.Runtime.Ram;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Tests.Postcopy;

/// <summary>Requests first, then what lies around the last one, then the rest.</summary>
public sealed class SendOrderTests
{
    private const int Page = 4096;

    public static TheoryData<int> Seeds => new(Enumerable.Range(0, 30));

    private readonly UnsentPages unsent = new([new PostcopyBlock("ram", 1000L * Page), new PostcopyBlock("rom", 10L * Page)], Page);
    private readonly SendOrder order;

    public SendOrderTests()
    {
        unsent.AddAll();
        order = new SendOrder(unsent);
    }

    [Fact]
    public void Without_requests_all_goes_from_start_to_end()
    {
        var sent = new List<(int, long)>();
        while (order.TryTakeNext(16 * Page, out var run))
        {
            Assert.InRange(run.Count, 1, 16);
            sent.AddRange(Units(run));
        }
        Assert.Equal(Enumerable.Range(0, 1000).Select(u => (0, (long)u)).Concat(Enumerable.Range(0, 10).Select(u => (1, (long)u))), sent);
    }

    [Fact]
    public void Requests_go_in_their_order()
    {
        Request("ram", 500, 1);
        Request(null, 7, 1);
        Request("rom", 3, 1);
        Assert.Equal([(0, 500), (0, 7), (1, 3)], Enumerable.Range(0, 3).Select(_ => Requested()));
        Assert.False(order.TryTakeRequested(Page, out _, out _));
    }

    [Fact]
    public void What_lies_behind_a_request_comes_next_then_what_lies_before_it_then_the_rest()
    {
        Assert.True(order.TryTakeNext(Page, out var first));
        Assert.Equal(0, first.First);
        Request("ram", 500, 1);
        Requested();
        var near = new List<long>();
        for (var i = 0; i < 64 + 32; i++)
        {
            Assert.True(order.TryTakeNext(Page, out var run));
            near.Add(run.First);
        }
        Assert.Equal([.. Enumerable.Range(501, 64).Select(u => (long)u), .. Enumerable.Range(468, 32).Select(u => (long)u)], near);
        Assert.True(order.TryTakeNext(Page, out var rest));
        Assert.Equal(1, rest.First);
    }

    [Fact]
    public void A_page_that_was_sent_is_not_sent_for_a_request_that_crossed_it()
    {
        Assert.True(order.TryTakeNext(16 * Page, out _));
        Request("ram", 3, 1);
        Assert.False(order.TryTakeRequested(Page, out _, out _));
        Request("ram", 14, 4);
        Assert.True(order.TryTakeRequested(16 * Page, out var run, out _));
        Assert.Equal(new UnitRun(0, 16, 2), run);
    }

    [Fact]
    public void A_long_request_is_answered_in_pieces()
    {
        Request("ram", 0, 100);
        var units = new List<(int, long)>();
        while (order.TryTakeRequested(16 * Page, out var run, out _))
            units.AddRange(Units(run));
        Assert.Equal(Enumerable.Range(0, 100).Select(u => (0, (long)u)), units);
    }

    [Fact]
    public void A_request_for_zeros_is_answered_though_they_are_not_pushed()
    {
        var contents = new DirtyBitmap(1000, Page);
        contents.SetRange(0, 10);
        unsent.SetContents(0, contents);
        unsent.AddAll();
        Request("ram", 8, 4);
        var runs = new List<UnitRun>();
        while (order.TryTakeRequested(16 * Page, out var run, out _))
            runs.Add(run);

        // What has contents is read, what has none is not: no run has both.
        Assert.Equal([new UnitRun(0, 8, 2), new UnitRun(0, 10, 1), new UnitRun(0, 11, 1)], runs);
    }

    [Theory]
    [InlineData("disk", 0, 1, "a block of this machine, found \"disk\"")]
    [InlineData("ram", 1000, 1, "a range within its 4096000 bytes")]
    [InlineData("ram", 999, 2, "a range within its 4096000 bytes")]
    [InlineData("rom", 0, 0, "a range within its 40960 bytes")]
    [InlineData(null, 0, 1, "the name of a block in the first request")]
    public void A_request_for_what_is_not_there_is_refused(string? block, long unit, int count, string expected)
    {
        var error = Assert.Throws<VmStateException>(() => Request(block, unit, count));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void On_a_new_connection_the_first_request_names_its_block_again()
    {
        Request("ram", 1, 1);
        order.Restart();
        Assert.False(order.TryTakeRequested(Page, out _, out _));
        Assert.Throws<VmStateException>(() => Request(null, 1, 1));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Whatever_is_asked_for_every_page_goes_once(int seed)
    {
        var random = new Random(seed);
        var sent = new HashSet<(int, long)>();
        while (true)
        {
            if (random.Next(3) == 0)
                Request("ram", random.Next(990), random.Next(1, 10));
            if (order.TryTakeRequested(random.Next(1, 20) * Page, out var run, out _) || order.TryTakeNext(random.Next(1, 20) * Page, out run))
                Assert.All(Units(run), unit => Assert.True(sent.Add(unit)));
            else
                break;
        }
        Assert.Equal((1010, 0L), (sent.Count, unsent.Left));
    }

    private static IEnumerable<(int, long)> Units(UnitRun run) => Enumerable.Range(0, run.Count).Select(i => (run.Block, run.First + i));

    private void Request(string? block, long unit, int count) => order.Add(new PageRequest(block, (ulong)(unit * Page), (uint)(count * Page)));

    private (int, long) Requested()
    {
        Assert.True(order.TryTakeRequested(Page, out var run, out _));
        Assert.Equal(1, run.Count);
        return (run.Block, run.First);
    }
}
