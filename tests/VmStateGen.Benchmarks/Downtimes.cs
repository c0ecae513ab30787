using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using Simulated;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Migration;

namespace VmStateGen.Benchmarks;

/// <summary>How often what was promised is kept: the downtime limit over random dirty rates, and a deadline of guests that never converge.</summary>
internal static class Downtimes
{
    /// <summary>So little that a guest writes half as much again even on a busy machine.</summary>
    private const long Bandwidth = 60_000_000;
    private const int Pages = 4096;
    private const int MiB = 24;
    private static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(2.5);

    public static void Run(TextWriter output, int migrations)
    {
        var random = new Random(1);
        var runs = new List<Outcome>();
        for (int i = 0; i < migrations; i++)
        {
            // From nothing to half as much again as the link moves.
            Outcome run = Migrate(random.Next((int)(Bandwidth * 3 / 2 / 4096)), new MigrationSourceOptions { DowntimeLimit = Limit, MaxBandwidth = Bandwidth, Deadline = Deadline });
            runs.Add(run);
            if (!IsKept(run))
                output.WriteLine($"{run}: {run.End.SwitchReason}, {run.End.Downtime!.Value.TotalMilliseconds:0} ms down, {run.End.TotalTime.TotalSeconds:0.00} s, expected {run.End.ExpectedDowntime?.TotalMilliseconds:0} ms, {run.End.Retreats} retreats");
        }
        output.WriteLine($"limit of {Limit.TotalMilliseconds} ms, link of {Bandwidth / 1e6} MB/s: kept (or the deadline of {Deadline.TotalSeconds:0.0} s, where that was the reason) in {runs.Count(IsKept)} of {runs.Count}");
        foreach (var some in runs.GroupBy(run => Math.Min(2, (int)(run.BytesPerSecond * 2 / Bandwidth))).OrderBy(some => some.Key))
        {
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"  {some.Min(run => run.BytesPerSecond) / 1e6:0} to {some.Max(run => run.BytesPerSecond) / 1e6:0} MB/s dirtied: {some.Count(IsKept)} of {some.Count()}; {string.Join(", ", some.GroupBy(run => run.End.SwitchReason).Select(group => $"{group.Key} {group.Count()}, longest {group.Max(run => run.End.Downtime!.Value).TotalMilliseconds:0} ms, latest {group.Max(run => run.End.TotalTime).TotalSeconds:0.00} s"))}; {some.Count(run => run.Throttle > 0)} slowed down, {some.Sum(run => run.End.Retreats)} retreats"));
        }

        int deadlines = Math.Max(1, migrations / 5);
        var inTime = 0;
        var latest = TimeSpan.MinValue;
        for (int i = 0; i < deadlines; i++)
        {
            TimeSpan deadline = TimeSpan.FromSeconds(1.5 + random.NextDouble());
            Outcome run = Migrate((int)(Bandwidth * (1 + random.NextDouble()) / 4096), new MigrationSourceOptions { DowntimeLimit = TimeSpan.FromMilliseconds(1), MaxBandwidth = Bandwidth, Deadline = deadline });
            inTime += run.End.TotalTime <= deadline ? 1 : 0;
            latest = run.End.TotalTime - deadline > latest ? run.End.TotalTime - deadline : latest;
        }
        output.WriteLine($"deadlines of 1.5 to 2.5 s, more dirtied than the link moves: kept in {inTime} of {deadlines}; {(latest > TimeSpan.Zero ? "latest by" : "least to spare")} {latest.Duration().TotalMilliseconds:0} ms");
    }

    private static bool IsKept(Outcome run)
        => run.End.Downtime <= Limit || run.End.SwitchReason == SwitchReason.Deadline && run.End.TotalTime <= Deadline;

    private static Outcome Migrate(int pagesPerSecond, MigrationSourceOptions options)
    {
        var guest = new SimulatedOptions { MiB = MiB, Cpus = 1, PagesEach = Pages, Rate = pagesPerSecond };
        using var from = new SimulatedVm(guest);
        using var to = new SimulatedVm(guest);

        // Beyond what the guest writes: something to send while it does.
        var bytes = new byte[(guest.MiB << 20) - Pages * 4096];
        new Random(1).NextBytes(bytes);
        from.Memory.Write(Pages * 4096UL, bytes);
        from.Resume();
        double rate = Rate(from);
        string path = Path.Combine(Path.GetTempPath(), $"vmsg-{Guid.NewGuid():N}");
        ChannelAddress address = ChannelAddress.Parse($"unix:{path}");
        var received = new MigrationDestination(to.Machine).ReceiveAsync(address);
        var throttle = new MostThrottle();
        var sent = new MigrationSource(from.Machine, options with { Connect = new ConnectOptions { Retry = true, Timeout = TimeSpan.FromSeconds(10) } }).MigrateAsync(address, throttle).GetAwaiter().GetResult();
        received.GetAwaiter().GetResult();
        to.Pause();
        if (to.FindDamage() is { } damage)
            throw new InvalidOperationException(damage);
        return new Outcome(rate, sent.Progress, throttle.Percent);
    }

    /// <summary>Bytes a second that the guest really dirties, before anybody slows it down.</summary>
    private static double Rate(SimulatedVm vm)
    {
        ulong before = vm.Count;
        long from = System.Diagnostics.Stopwatch.GetTimestamp();
        Thread.Sleep(200);
        return (vm.Count - before) * 4096 / System.Diagnostics.Stopwatch.GetElapsedTime(from).TotalSeconds;
    }

    private sealed record Outcome(double BytesPerSecond, MigrationProgress End, int Throttle)
    {
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{BytesPerSecond / 1e6:0} MB/s dirtied");
    }

    private sealed class MostThrottle : IProgress<MigrationProgress>
    {
        public int Percent { get; private set; }

        public void Report(MigrationProgress value) => Percent = Math.Max(Percent, value.CpuThrottlePercentage);
    }
}
