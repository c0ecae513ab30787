using System;
using System.Diagnostics;

namespace VmStateGen.Runtime.Migration;

/// <summary>Keeps what <see cref="Convergence"/> and <see cref="Throttling"/> are functions of. For the migration's thread.</summary>
internal sealed class RoundKeeper(Machine machine, MigrationSourceOptions options)
{
    private long start = Stopwatch.GetTimestamp();
    private long roundStart;
    private long sentInRound;
    private int rounds;
    private long all;
    private TimeSpan stopTime;
    private Throttling throttling;

    public BandwidthMeter Meter { get; } = new();

    /// <summary>Of the vCPUs' time.</summary>
    public int Throttle => throttling.Percent;

    /// <summary>The time that a message takes to the destination and back; nothing where it is not known.</summary>
    public TimeSpan RoundTrip { get; set; }

    /// <summary>The first round begins.</summary>
    /// <param name="elapsed">Since the migration began.</param>
    public void Begin(TimeSpan elapsed)
    {
        roundStart = Stopwatch.GetTimestamp();
        start = roundStart - (long)(elapsed.TotalSeconds * Stopwatch.Frequency);
    }

    /// <summary>Takes in one turn of sending.</summary>
    /// <returns>Whether there is a new bandwidth to tell.</returns>
    public bool Sent(TimeSpan time, long bytes, long pages)
    {
        sentInRound += bytes;
        return bytes > 0 && Meter.Add(time, bytes, pages);
    }

    public bool ShouldQuery(in PendingData estimate)
    {
        all = Math.Max(all, estimate.Total);
        return Convergence.ShouldQuery(estimate, Link(), options, all);
    }

    /// <summary>The tracker was asked: a round is over.</summary>
    /// <param name="known">What was known to be left before.</param>
    /// <param name="exact">What is left.</param>
    public SwitchReason EndRound(in PendingData known, in PendingData exact)
    {
        var link = Link();
        var round = new MigrationRound(link.SinceSync, sentInRound, Math.Max(0, exact.Total - known.Total), exact);
        (roundStart, sentInRound) = (Stopwatch.GetTimestamp(), 0);
        rounds++;
        throttling = throttling.After(round, link, options);
        return Convergence.ShouldSwitch(exact, Link(), options, rounds);
    }

    public TimeSpan? ExpectedDowntime(in PendingData exact) => Convergence.ExpectedDowntime(exact.Total, Link());

    /// <summary>Whether the guest, which stands still, is to go on.</summary>
    public bool ShouldGoBack(SwitchReason reason, in PendingData pending, TimeSpan soFar)
    {
        var link = Link();
        if (!Convergence.ShouldGoBack(reason, pending, link with { Overhead = link.Overhead - stopTime }, options.DowntimeLimit, soFar))
            return false;

        // Stopping it took its time too: next time that is counted on, so that a guest is not stopped again and again for nothing.
        stopTime = soFar > stopTime ? soFar : stopTime;
        roundStart = Stopwatch.GetTimestamp();
        return true;
    }

    private LinkState Link()
    {
        // What goes at once before the limiter holds says nothing of the link.
        var bandwidth = options.MaxBandwidth > 0 ? Math.Min(options.MaxBandwidth, Meter.BytesPerSecond) : Meter.BytesPerSecond;
        if (options.AvailableSwitchoverBandwidth > 0)
            bandwidth = options.AvailableSwitchoverBandwidth;
        var overhead = machine.EstimateDeviceTime(bandwidth) + RoundTrip + stopTime;
        return new LinkState(bandwidth, overhead, Stopwatch.GetElapsedTime(start), Stopwatch.GetElapsedTime(roundStart));
    }
}
