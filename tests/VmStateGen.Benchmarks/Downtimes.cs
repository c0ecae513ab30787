using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Simulated;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Migration;

namespace VmStateGen.Benchmarks;

/// <summary>How often what was promised is kept: the downtime limit over random dirty rates, and a deadline of guests that never converge.</summary>
internal static class Downtimes
{
    private const long Bandwidth = 200_000_000;
    private const int Pages = 16384;
    private static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(100);

    public static void Run(TextWriter output, int migrations)
    {
        var random = new Random(1);
        var kept = 0;
        var reasons = new Dictionary<SwitchReason, int>();
        var longest = TimeSpan.Zero;
        for (int i = 0; i < migrations; i++)
        {
            // From nothing to half as much again as the link moves.
            int rate = random.Next((int)(Bandwidth * 3 / 2 / 4096));
            MigrationProgress end = Migrate(rate, new MigrationSourceOptions { DowntimeLimit = Limit, MaxBandwidth = Bandwidth, Deadline = TimeSpan.FromSeconds(4) });
            bool isKept = end.Downtime <= Limit || end.SwitchReason == SwitchReason.Deadline && end.TotalTime <= TimeSpan.FromSeconds(4);
            kept += isKept ? 1 : 0;
            reasons[end.SwitchReason] = reasons.GetValueOrDefault(end.SwitchReason) + 1;
            if (end.SwitchReason != SwitchReason.Deadline && end.Downtime > longest)
                longest = end.Downtime.Value;
            if (!isKept)
                output.WriteLine($"{rate * 4096L / 1e6:0} MB/s dirtied: {end.SwitchReason}, {end.Downtime!.Value.TotalMilliseconds:0} ms down, {end.TotalTime.TotalSeconds:0.0} s, expected {end.ExpectedDowntime?.TotalMilliseconds:0} ms, {end.Retreats} retreats");
        }
        output.WriteLine($"limit of {Limit.TotalMilliseconds} ms kept (or the deadline, where that was the reason) in {kept} of {migrations}; {string.Join(", ", reasons.Select(pair => $"{pair.Key} {pair.Value}"))}; longest within the limit's rule {longest.TotalMilliseconds:0} ms");

        int deadlines = Math.Max(1, migrations / 5);
        var inTime = 0;
        var latest = TimeSpan.Zero;
        for (int i = 0; i < deadlines; i++)
        {
            TimeSpan deadline = TimeSpan.FromSeconds(1.5 + random.NextDouble());
            MigrationProgress end = Migrate((int)(Bandwidth * (1 + random.NextDouble()) / 4096), new MigrationSourceOptions { DowntimeLimit = TimeSpan.FromMilliseconds(1), MaxBandwidth = Bandwidth, Deadline = deadline });
            inTime += end.TotalTime <= deadline ? 1 : 0;
            latest = end.TotalTime - deadline > latest ? end.TotalTime - deadline : latest;
        }
        output.WriteLine($"deadline kept in {inTime} of {deadlines}; latest by {latest.TotalMilliseconds:0} ms");
    }

    private static MigrationProgress Migrate(int pagesPerSecond, MigrationSourceOptions options)
    {
        var guest = new SimulatedOptions { MiB = 96, Cpus = 1, PagesEach = Pages, Rate = pagesPerSecond };
        using var from = new SimulatedVm(guest);
        using var to = new SimulatedVm(guest);

        // Beyond what the guest writes: something to send while it does.
        var bytes = new byte[(guest.MiB << 20) - Pages * 4096];
        new Random(1).NextBytes(bytes);
        from.Memory.Write(Pages * 4096UL, bytes);
        from.Resume();
        string path = Path.Combine(Path.GetTempPath(), $"vmsg-{Guid.NewGuid():N}");
        ChannelAddress address = ChannelAddress.Parse($"unix:{path}");
        var received = new MigrationDestination(to.Machine).ReceiveAsync(address);
        var sent = new MigrationSource(from.Machine, options with { Connect = new ConnectOptions { Retry = true, Timeout = TimeSpan.FromSeconds(10) } }).MigrateAsync(address).GetAwaiter().GetResult();
        received.GetAwaiter().GetResult();
        to.Pause();
        if (to.FindDamage() is { } damage)
            throw new InvalidOperationException(damage);
        return sent.Progress;
    }
}
