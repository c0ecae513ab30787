using System;
using VmStateGen.Runtime.Migration;

namespace VmStateGen.Runtime.Tests.Migration;

public sealed class ConvergenceTests
{
    [Theory]
    [InlineData(0, 300, 0)]
    [InlineData(1e9, 300, 300_000_000)]
    [InlineData(1e6, 0, 0)]
    [InlineData(1e300, 300, 1L << 62)]
    public void Threshold_is_what_the_downtime_has_room_for(double bandwidth, int milliseconds, long expected)
        => Assert.Equal(expected, Convergence.Threshold(bandwidth, TimeSpan.FromMilliseconds(milliseconds)));

    [Theory]
    [InlineData(100, 0, 0, false)] // no bandwidth is known yet
    [InlineData(0, 0, 0, true)]
    [InlineData(100, 0, 100, true)]
    [InlineData(0, 500, 100, true)] // only what needs a stopped guest is left: to ask is all there is
    [InlineData(101, 0, 100, false)]
    public void The_tracker_is_asked_when_what_is_known_fits(long precopy, long stopcopy, long threshold, bool expected)
        => Assert.Equal(expected, Convergence.ShouldQuery(new PendingData(precopy, stopcopy), threshold));

    [Theory]
    [InlineData(100, 100, 1, 0, true)]
    [InlineData(101, 100, 1, 0, false)]
    [InlineData(101, 100, 999, 0, false)] // 0: no bound
    [InlineData(101, 100, 3, 3, true)]
    [InlineData(101, 100, 2, 3, false)]
    public void The_guest_is_stopped_when_the_rest_fits_or_rounds_are_up(long pending, long threshold, int rounds, int maxRounds, bool expected)
        => Assert.Equal(expected, Convergence.ShouldSwitch(new PendingData(pending), threshold, rounds, maxRounds));

    [Fact]
    public void What_needs_a_stopped_guest_is_not_waited_for()
        => Assert.True(Convergence.ShouldSwitch(new PendingData(0, 1 << 30), 0, 1, 0));

    [Fact]
    public void Downtime_is_expected_only_where_a_bandwidth_is_known()
    {
        Assert.Null(Convergence.ExpectedDowntime(1000, 0));
        Assert.Equal(TimeSpan.FromSeconds(2), Convergence.ExpectedDowntime(1000, 500));
    }

    [Fact]
    public void Bandwidth_is_that_of_the_last_full_window()
    {
        var meter = new BandwidthMeter();
        meter.Start(TimeSpan.Zero, 1000, 10);
        Assert.False(meter.Update(TimeSpan.FromMilliseconds(99), 5000, 20));
        Assert.Equal(0, meter.BytesPerSecond);
        Assert.True(meter.Update(TimeSpan.FromMilliseconds(200), 2000, 30));
        Assert.Equal(5000, meter.BytesPerSecond, 3);
        Assert.Equal(100, meter.PagesPerSecond, 3);
        Assert.False(meter.Update(TimeSpan.FromMilliseconds(250), 9000, 30));
        Assert.Equal(5000, meter.BytesPerSecond, 3);
    }
}
