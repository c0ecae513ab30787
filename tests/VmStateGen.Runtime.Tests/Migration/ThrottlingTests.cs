using System;
using System.Linq;
using VmStateGen.Runtime.Migration;

namespace VmStateGen.Runtime.Tests.Migration;

/// <summary>How much time vCPUs lose (qemu-migration.md §5.14).</summary>
public sealed class ThrottlingTests
{
    private static readonly MigrationSourceOptions Auto = new() { AutoConverge = true };

    [Fact]
    public void Auto_converge_starts_after_two_bad_seconds_and_goes_on_by_steps()
    {
        Assert.Equal([0, 20, 20, 30, 30, 40], Percents(Auto, 6, dirtied: 600, bytes: 1000));
        Assert.Equal([0, 5, 5, 99, 99, 99], Percents(Auto with { ThrottleInitial = 5, ThrottleIncrement = 94 }, 6, dirtied: 600, bytes: 1000));
        Assert.Equal([0, 20, 20, 25], Percents(Auto with { MaxThrottle = 25 }, 4, dirtied: 600, bytes: 1000));
    }

    [Fact]
    public void A_guest_that_dirties_less_than_half_of_what_is_sent_is_left_alone()
    {
        Assert.Equal([0, 0, 0, 0], Percents(Auto, 4, dirtied: 500, bytes: 1000));
        Assert.Equal([0, 20], Percents(Auto with { ThrottleTriggerThreshold = 49 }, 2, dirtied: 500, bytes: 1000));
        Assert.Equal([0, 0, 0, 0], Percents(new MigrationSourceOptions(), 4, dirtied: 5000, bytes: 1000));
    }

    [Fact]
    public void Rounds_shorter_than_a_second_are_looked_at_together()
        => Assert.Equal([0, 0, 0, 0, 0, 0, 0, 20], Percents(Auto, 8, dirtied: 600, bytes: 1000, seconds: 0.25));

    [Theory]
    [InlineData(400, 0)]
    [InlineData(1000, 60)] // 400 of 1,000
    [InlineData(100_000, 99)]
    public void A_dirty_limit_takes_what_it_needs_and_no_more(long unthrottled, int expected)
    {
        var options = new MigrationSourceOptions { DirtyLimit = 400 };
        var state = default(Throttling);
        for (var i = 0; i < 5; i++)
        {
            // The guest dirties by the time that it has.
            var dirtied = unthrottled * (100 - state.Percent) / 100;
            state = state.After(Round(1, 100, dirtied), Link(100), options);
        }
        Assert.InRange(state.Percent, expected, Math.Min(99, expected + 1));
    }

    [Fact]
    public void For_a_deadline_a_guest_is_slowed_down_as_it_comes_near()
    {
        var options = new MigrationSourceOptions { Deadline = TimeSpan.FromSeconds(100) };
        int At(int seconds, long dirtied) => default(Throttling).After(Round(1, 1000, dirtied), Link(1000) with { Elapsed = TimeSpan.FromSeconds(seconds) }, options).Percent;
        Assert.Equal([0, 0, 49, 99, 99], new[] { 10, 40, 60, 80, 95 }.Select(seconds => At(seconds, 2000)));

        // Not one that converges anyway.
        Assert.Equal(0, At(95, 499));
    }

    private static int[] Percents(MigrationSourceOptions options, int rounds, long dirtied, long bytes, double seconds = 1)
    {
        var state = default(Throttling);
        return [.. Enumerable.Range(0, rounds).Select(_ => (state = state.After(Round(seconds, bytes, dirtied), Link(bytes), options)).Percent)];
    }

    private static MigrationRound Round(double seconds, long bytes, long dirtied) => new(TimeSpan.FromSeconds(seconds), bytes, dirtied, default);

    private static LinkState Link(double bandwidth) => new(bandwidth, TimeSpan.Zero, TimeSpan.Zero, TimeSpan.Zero);
}
