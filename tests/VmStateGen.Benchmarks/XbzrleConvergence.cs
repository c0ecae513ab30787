using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;
using VmStateGen.Qemu;
using VmStateGen.Runtime;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Migration;

namespace VmStateGen.Benchmarks;

/// <summary>Four bytes a page, dirtied at twice what the link moves: whether plain pages and XBZRLE come to an end, QEMU's and ours.</summary>
internal static class XbzrleConvergence
{
    private const long Bandwidth = 100_000_000;
    private const long CacheSize = 128 << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(100);
    private static readonly DirtyingLoad Load = new(256, 16384, 48_828);

    public static async Task RunAsync(TextWriter output, string version)
    {
        QemuInstallation qemu = QemuInstallation.Obtain(version, out string reason) ?? throw new InvalidOperationException(reason);
        string folder = Directory.CreateTempSubdirectory("vmsg-xbzrle-").FullName;
        try
        {
            double ticks = await DirtyingGuest.CalibrateAsync(qemu, Load, folder);
            DirtyingGuest.WriteDisk(Path.Combine(folder, "disk"), Load, ticks);
            await output.WriteLineAsync($"4 bytes a page, {Load.Pages / 256} MiB in turn, link of {Bandwidth / 1e6:0} MB/s, limit {Limit.TotalMilliseconds} ms, QEMU {version}");
            foreach (bool isOn in new[] { false, true })
            {
                await output.WriteLineAsync($"{(isOn ? "XBZRLE" : "plain")}: ours {await OursAsync(folder, isOn)}; QEMU {await QemusAsync(qemu, folder, isOn)}");
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<string> OursAsync(string folder, bool isOn)
    {
        using var from = new DirtyingMachine(Load);
        using var to = new DirtyingMachine(Load);
        from.Fill();
        from.Resume();
        ChannelAddress address = ChannelAddress.Parse($"unix:{Path.Combine(folder, "in")}");
        Task<MigrationResult> coming = new MigrationDestination(to.Machine).ReceiveAsync(address);
        using var patience = new CancellationTokenSource(Patience);
        var options = new MigrationSourceOptions { MaxBandwidth = Bandwidth, DowntimeLimit = Limit, Features = new MigrationFeatures { Xbzrle = isOn, XbzrleCacheSize = CacheSize } };
        var source = new MigrationSource(from.Machine, options);
        long start = Stopwatch.GetTimestamp();
        long before = from.Written;
        try
        {
            MigrationProgress end = (await source.MigrateAsync(address, null, patience.Token)).Progress;
            await coming;
            return string.Create(CultureInfo.InvariantCulture, $"has converged after {end.TotalTime.TotalSeconds:0.0} s ({Rate()}, {end.Ram.DirtySyncCount} syncs, {end.Downtime!.Value.TotalMilliseconds:0} ms down)");
        }
        catch (OperationCanceledException)
        {
            await coming.ContinueWith(static _ => { }, TaskScheduler.Default);
            return string.Create(CultureInfo.InvariantCulture, $"has not converged after {Patience.TotalSeconds:0} s ({Rate()}, {source.Progress.Ram.DirtySyncCount} syncs)");
        }

        string Rate() => RateText(from.Written - before, Stopwatch.GetElapsedTime(start));
    }

    private static async Task<string> QemusAsync(QemuInstallation qemu, string folder, bool isOn)
    {
        string address = $"unix:{Path.Combine(folder, "in")}";
        using Socket listener = Beats.Listen(Path.Combine(folder, "beats"));
        await using QemuProcess source = await QemuProcess.StartAsync(qemu, DirtyingGuest.Options(Load, folder));
        using Beats here = Beats.Accept(listener);
        await using QemuProcess destination = await QemuProcess.StartAsync(qemu, DirtyingGuest.Options(Load, folder) with { Incoming = true });
        using Beats there = Beats.Accept(listener);
        if (isOn)
            await source.EnableMigrationCapabilitiesAsync(["xbzrle"]);
        await source.SetMigrationParametersAsync(new JsonObject { ["max-bandwidth"] = Bandwidth, ["downtime-limit"] = (int)Limit.TotalMilliseconds, ["xbzrle-cache-size"] = CacheSize });
        await destination.MigrateIncomingAsync(address);
        here.WaitFor(1000);
        int before = here.Count;
        long start = Stopwatch.GetTimestamp();
        await source.MigrateAsync(address);
        JsonElement info;
        do
        {
            await Task.Delay(100);
            info = await source.ExecuteAsync("query-migrate");
        }
        while (info.GetProperty("status").GetString() is not ("completed" or "failed") && Stopwatch.GetElapsedTime(start) < Patience);
        string rate = RateText((long)(here.Count - before) * DirtyingLoad.PagesPerBeat, Stopwatch.GetElapsedTime(start));
        long syncs = info.GetProperty("ram").GetProperty("dirty-sync-count").GetInt64();
        return info.GetProperty("status").GetString() switch
        {
            "completed" => string.Create(CultureInfo.InvariantCulture, $"has converged after {info.GetProperty("total-time").GetInt64() / 1e3:0.0} s ({rate}, {syncs} syncs, {info.GetProperty("downtime")} ms down)"),
            "active" => string.Create(CultureInfo.InvariantCulture, $"has not converged after {Patience.TotalSeconds:0} s ({rate}, {syncs} syncs)"),
            var other => other!,
        };
    }

    private static string RateText(long pages, TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{pages * 4096 / time.TotalSeconds / 1e6:0} MB/s dirtied");
}
