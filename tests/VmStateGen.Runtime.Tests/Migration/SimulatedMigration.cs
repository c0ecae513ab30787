using System;
using VmStateGen.Runtime.Migration;

namespace VmStateGen.Runtime.Tests.Migration;

/// <summary>
/// A migration of numbers: a link that moves so many bytes a second and wavers, a guest that dirties a working set. Makes histories of rounds
/// and does what the policy says. No clock.
/// </summary>
internal sealed class SimulatedMigration
{
    public double RamBytes { get; init; }

    /// <summary>Bytes that the guest writes again and again.</summary>
    public double WorkingSet { get; init; }

    /// <summary>Bytes a second.</summary>
    public double DirtyRate { get; init; }

    /// <summary>Bytes a second.</summary>
    public double Bandwidth { get; init; }

    /// <summary>By what share the link is faster or slower from turn to turn.</summary>
    public double Wavering { get; init; }

    public TimeSpan Overhead { get; init; }

    public MigrationSourceOptions Options { get; set; } = new();

    public SwitchReason Reason { get; private set; }

    public TimeSpan Elapsed { get; private set; }

    public TimeSpan Downtime { get; private set; }

    public int Rounds { get; private set; }

    public int MostThrottle { get; private set; }

    public static SimulatedMigration Random(Random random)
    {
        var ram = Math.Pow(2, 24 + 8 * random.NextDouble());
        var bandwidth = Math.Pow(10, 7 + 2.5 * random.NextDouble());
        return new SimulatedMigration
        {
            RamBytes = ram,
            WorkingSet = ram * random.NextDouble(),
            DirtyRate = bandwidth * 3 * random.NextDouble() * random.NextDouble(),
            Bandwidth = bandwidth,
            Wavering = 0.1 * random.NextDouble(),
            Overhead = TimeSpan.FromMilliseconds(10 * random.NextDouble()),
        };
    }

    public void Run(TimeSpan? patience = null)
    {
        var random = new Random(1);
        var meter = new BandwidthMeter();
        var throttling = default(Throttling);
        (double now, double synced, double pending, double dirtied, double sent) = (0, 0, RamBytes, 0, 0);
        (Reason, Rounds, MostThrottle) = (SwitchReason.None, 0, 0);
        while (Reason == SwitchReason.None && !(Seconds(now) > patience))
        {
            var known = new PendingData((long)pending);
            if (Convergence.ShouldQuery(known, Link(), Options, (long)RamBytes))
            {
                // A page that is still to be sent is not dirtied anew.
                var added = Math.Min(dirtied, Math.Max(0, RamBytes - pending)) * (1 - pending / RamBytes);
                pending += added;
                var round = new MigrationRound(Seconds(now - synced), (long)sent, (long)added, new PendingData((long)pending));
                throttling = throttling.After(round, Link(), Options);
                (synced, sent, dirtied) = (now, 0, 0);
                Rounds++;
                MostThrottle = Math.Max(MostThrottle, throttling.Percent);
                Reason = Convergence.ShouldSwitch(round.Pending, Link(), Options, Rounds);
                if (Reason != SwitchReason.None)
                    break;
            }
            var bytes = Math.Min(Convergence.Budget(meter.BytesPerSecond, 0), pending);
            var time = Math.Max(1e-5, bytes / (Bandwidth * (1 + Wavering * (2 * random.NextDouble() - 1))));
            meter.Add(Seconds(time), (long)bytes, 0);
            now += time;
            sent += bytes;
            pending -= bytes;
            dirtied = Math.Min(WorkingSet, dirtied + DirtyRate * (100 - throttling.Percent) / 100 * time);
        }

        // What is certain is the rest at the link's worst within its wavering, which a limit is not asked to bear: its average.
        Downtime = Overhead + Seconds(pending / Bandwidth) * (1 - Wavering);
        Elapsed = Seconds(now) + Overhead + Seconds(pending / Bandwidth);

        LinkState Link() => new(meter.BytesPerSecond, Overhead, Seconds(now), Seconds(now - synced));
    }

    public override string ToString()
        => $"{RamBytes / 1e6:0} MB, {DirtyRate / 1e6:0} MB/s dirtied of {WorkingSet / 1e6:0} MB, {Bandwidth / 1e6:0} MB/s ± {Wavering:0.00}: {Reason} after {Elapsed}, {Rounds} rounds, downtime {Downtime}, {Options.DowntimeLimit}, {Options.Deadline}";

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);
}
