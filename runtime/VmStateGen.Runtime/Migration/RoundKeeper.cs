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

    // What is left becomes less by it: with XBZRLE a page by a few bytes sent.
    private readonly BandwidthMeter done = new();

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
    /// <param name="time">How long it took.</param>
    /// <param name="bytes">Bytes on the wire.</param>
    /// <param name="pages">Pages.</param>
    /// <param name="less">Bytes by which what is left has become less.</param>
    /// <returns>Whether there is a new bandwidth to tell.</returns>
    public bool Sent(TimeSpan time, long bytes, long pages, long less)
    {
        sentInRound += bytes;
        if (rounds > 0)
            done.Add(time, less, 0);
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
        var reason = Convergence.ShouldSwitch(exact, link, options, rounds);
        options.Recorder?.Invoke(new RecordedRound(round, link, known, all, throttling.Percent, reason));
        return reason;
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
        if (options.Features.Xbzrle)
            bandwidth = Math.Max(bandwidth, done.BytesPerSecond);
        if (options.AvailableSwitchoverBandwidth > 0)
            bandwidth = options.AvailableSwitchoverBandwidth;

        // The first answer includes what starting takes there: it must not use up the limit.
        var roundTrip = RoundTrip < options.DowntimeLimit / 10 ? RoundTrip : options.DowntimeLimit / 10;
        var overhead = machine.EstimateDeviceTime(bandwidth) + roundTrip + stopTime;
        return new LinkState(bandwidth, overhead, Stopwatch.GetElapsedTime(start), Stopwatch.GetElapsedTime(roundStart));
    }
}
