using System;
using VmStateGen.Runtime.Migration;

namespace VmStateGen.Runtime.Tests.Migration;

/// <summary>When a guest is stopped: by examples, and by histories that are made up.</summary>
public sealed class ConvergenceTests
{
    private static readonly MigrationSourceOptions Plain = new();

    [Theory]
    [InlineData(0, 300, 0, 0)]
    [InlineData(1e9, 300, 0, 225_000_000)] // a quarter in reserve
    [InlineData(1e9, 300, 100, 125_000_000)] // device state takes a part of the limit
    [InlineData(1e9, 300, 400, 0)]
    [InlineData(1e6, 0, 0, 0)]
    [InlineData(1e300, 300, 0, 1L << 62)]
    public void Threshold_is_what_the_downtime_has_room_for(double bandwidth, int milliseconds, int overhead, long expected)
        => Assert.Equal(expected, Convergence.Threshold(Link(bandwidth, overhead), TimeSpan.FromMilliseconds(milliseconds)));

    [Theory]
    [InlineData(100, 0, 0, false)] // no bandwidth is known yet
    [InlineData(0, 0, 0, true)]
    [InlineData(225, 0, 1000, true)]
    [InlineData(0, 500, 1000, true)] // only what needs a stopped guest is left: to ask is all there is
    [InlineData(226, 0, 1000, false)]
    public void The_tracker_is_asked_when_what_is_known_fits(long precopy, long stopcopy, double bandwidth, bool expected)
        => Assert.Equal(expected, Convergence.ShouldQuery(new PendingData(precopy, stopcopy), Link(bandwidth), Plain, 0));

    [Theory]
    [InlineData(225, 1, 0, SwitchReason.Fits)]
    [InlineData(226, 1, 0, SwitchReason.None)]
    [InlineData(301, 999, 0, SwitchReason.None)] // 0: no bound
    [InlineData(301, 3, 3, SwitchReason.Rounds)]
    [InlineData(301, 2, 3, SwitchReason.None)]
    public void The_guest_is_stopped_when_the_rest_fits_or_rounds_are_up(long pending, int rounds, int maxRounds, SwitchReason expected)
        => Assert.Equal(expected, Convergence.ShouldSwitch(new PendingData(pending), Link(1000), Plain with { MaxRounds = maxRounds }, rounds));

    [Fact]
    public void What_needs_a_stopped_guest_is_not_waited_for()
        => Assert.Equal(SwitchReason.NothingElse, Convergence.ShouldSwitch(new PendingData(0, 1 << 30), Link(1), Plain, 1));

    [Theory]
    [InlineData(0.0, 1000, SwitchReason.None)]
    [InlineData(7.4, 2000, SwitchReason.None)] // 2 s for the rest, and a quarter of that in reserve
    [InlineData(7.5, 2000, SwitchReason.Deadline)]
    [InlineData(30.0, 301, SwitchReason.Deadline)]
    public void For_a_deadline_the_guest_is_stopped_while_there_is_time_for_the_rest(double elapsed, long pending, SwitchReason expected)
    {
        var options = Plain with { Deadline = TimeSpan.FromSeconds(10) };
        var link = Link(1000) with { Elapsed = TimeSpan.FromSeconds(elapsed) };
        Assert.Equal(expected, Convergence.ShouldSwitch(new PendingData(pending), link, options, 1));
    }

    [Fact]
    public void In_the_middle_of_a_round_a_guest_may_have_dirtied_everything_again()
    {
        var options = Plain with { Deadline = TimeSpan.FromSeconds(10) };
        var link = Link(1000) with { Elapsed = TimeSpan.FromSeconds(5), SinceSync = TimeSpan.FromSeconds(4) };
        Assert.False(Convergence.ShouldQuery(new PendingData(2000), link, options, 3999));
        Assert.True(Convergence.ShouldQuery(new PendingData(2000), link, options, 4000));

        // Not again at once, but ever more often.
        Assert.False(Convergence.ShouldQuery(new PendingData(2000), link with { SinceSync = Milliseconds(99) }, options, 4000));
        Assert.True(Convergence.ShouldQuery(new PendingData(2000), link with { SinceSync = Milliseconds(101) }, options, 4000));
    }

    [Fact]
    public void Without_any_bandwidth_a_deadline_stops_the_guest_half_way()
    {
        var options = Plain with { Deadline = TimeSpan.FromSeconds(10) };
        Assert.Equal(SwitchReason.None, Convergence.ShouldSwitch(new PendingData(1), Link(0) with { Elapsed = TimeSpan.FromSeconds(4.9) }, options, 1));
        Assert.Equal(SwitchReason.Deadline, Convergence.ShouldSwitch(new PendingData(1), Link(0) with { Elapsed = TimeSpan.FromSeconds(5) }, options, 1));
    }

    [Theory]
    [InlineData(SwitchReason.Fits, 200, 50, false)]
    [InlineData(SwitchReason.Fits, 300, 50, true)] // dirtied on the way
    [InlineData(SwitchReason.Fits, 200, 150, true)] // it took long to stop it
    [InlineData(SwitchReason.Fits, 0, 900, false)] // nothing that waiting would make less
    [InlineData(SwitchReason.Rounds, 99999, 900, false)]
    [InlineData(SwitchReason.Deadline, 99999, 900, false)]
    [InlineData(SwitchReason.NothingElse, 99999, 900, false)]
    public void A_guest_whose_downtime_would_be_too_long_goes_on(SwitchReason reason, long pending, int milliseconds, bool expected)
        => Assert.Equal(expected, Convergence.ShouldGoBack(reason, new PendingData(pending), Link(1000, 10), TimeSpan.FromMilliseconds(300), TimeSpan.FromMilliseconds(milliseconds)));

    [Fact]
    public void Downtime_is_expected_only_where_a_bandwidth_is_known()
    {
        Assert.Null(Convergence.ExpectedDowntime(1000, Link(0)));
        Assert.Equal(TimeSpan.FromSeconds(2.5), Convergence.ExpectedDowntime(1000, Link(500, 500)));
    }

    [Fact]
    public void Bandwidth_is_the_average_of_the_last_windows_of_sending()
    {
        var meter = new BandwidthMeter();
        Assert.False(meter.Add(Milliseconds(9), 900, 9));
        Assert.Equal(0, meter.BytesPerSecond);
        Assert.False(meter.Add(Milliseconds(1), 100, 1));
        Assert.Equal(100_000, meter.BytesPerSecond, 3); // nothing better is known yet
        Assert.True(meter.Add(Milliseconds(90), 1000, 10));
        Assert.Equal(20_000, meter.BytesPerSecond, 3);
        Assert.Equal(200, meter.PagesPerSecond, 3);
        Assert.False(meter.Add(Milliseconds(99), 9999, 0));
        Assert.Equal(20_000, meter.BytesPerSecond, 3);
        meter.Add(Milliseconds(1), 1, 0);
        Assert.Equal(60_000, meter.BytesPerSecond, 3);
        for (var i = 0; i < 5; i++)
            meter.Add(Milliseconds(100), 500, 1);
        Assert.Equal(5000, meter.BytesPerSecond, 3);
    }

    [Fact]
    public void Bandwidth_is_that_of_all_time_where_pauses_cannot_be_told()
    {
        var meter = new BandwidthMeter();
        Assert.False(meter.Update(Milliseconds(99), 5000, 20));
        Assert.True(meter.Update(Milliseconds(200), 2000, 30));
        Assert.Equal(10_000, meter.BytesPerSecond, 3);
        Assert.Equal(150, meter.PagesPerSecond, 3);
    }

    [Fact]
    public void A_deadline_is_kept_by_any_guest_that_the_link_could_move_at_all()
    {
        var random = new Random(5);
        for (var i = 0; i < 300; i++)
        {
            var model = SimulatedMigration.Random(random);
            var needed = model.RamBytes / model.Bandwidth;
            model.Options = new MigrationSourceOptions { Deadline = TimeSpan.FromSeconds(needed * (1.6 + 4 * random.NextDouble())), DowntimeLimit = Milliseconds(random.Next(1, 500)) };
            model.Run();
            Assert.True(model.Elapsed <= model.Options.Deadline, $"{i}: {model}");
            Assert.NotEqual(SwitchReason.None, model.Reason);
        }
    }

    [Fact]
    public void Without_a_word_of_the_policy_no_guest_stands_still_longer_than_its_limit()
    {
        var random = new Random(6);
        var converged = 0;
        for (var i = 0; i < 300; i++)
        {
            var model = SimulatedMigration.Random(random);
            model.Options = new MigrationSourceOptions { DowntimeLimit = Milliseconds(random.Next(10, 1000)), AutoConverge = random.Next(2) == 0 };
            model.Run(patience: TimeSpan.FromMinutes(5));
            if (model.Reason == SwitchReason.None)
                continue;
            converged++;
            Assert.True(model.Downtime <= model.Options.DowntimeLimit || model.Reason == SwitchReason.NothingElse, $"{i}: {model}");
        }
        Assert.True(converged > 100, $"{converged}");
    }

    [Fact]
    public void Rounds_are_bounded_where_a_bound_is_set()
    {
        var random = new Random(7);
        for (var i = 0; i < 100; i++)
        {
            var model = SimulatedMigration.Random(random);
            model.Options = new MigrationSourceOptions { MaxRounds = random.Next(1, 20), DowntimeLimit = Milliseconds(10) };
            model.Run();
            Assert.NotEqual(SwitchReason.None, model.Reason);
            Assert.InRange(model.Rounds, 1, model.Options.MaxRounds);
        }
    }

    [Fact]
    public void Auto_converge_ends_what_would_not_end_without()
    {
        var model = new SimulatedMigration { RamBytes = 1L << 30, WorkingSet = 1L << 29, DirtyRate = 300e6, Bandwidth = 100e6, Options = new MigrationSourceOptions() };
        model.Run(patience: TimeSpan.FromMinutes(10));
        Assert.Equal(SwitchReason.None, model.Reason);
        model.Options = model.Options with { AutoConverge = true };
        model.Run(patience: TimeSpan.FromMinutes(10));
        Assert.Equal(SwitchReason.Fits, model.Reason);
        Assert.InRange(model.MostThrottle, 70, 99);

        // A dirty limit below the bandwidth does as well, and takes no more than it needs.
        model.Options = new MigrationSourceOptions { DirtyLimit = 50_000_000 };
        model.Run(patience: TimeSpan.FromMinutes(10));
        Assert.Equal(SwitchReason.Fits, model.Reason);
        Assert.InRange(model.MostThrottle, 80, 90);
    }

    private static LinkState Link(double bandwidth, int overhead = 0) => new(bandwidth, Milliseconds(overhead), TimeSpan.Zero, TimeSpan.Zero);

    private static TimeSpan Milliseconds(double value) => TimeSpan.FromMilliseconds(value);
}
