using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;

using System.Threading.Tasks;
using VmStateGen.Qemu;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Migration;

namespace VmStateGen.Benchmarks;

/// <summary>
/// How long a guest that dirties memory stands still when it is moved: from QEMU to QEMU, and between two processes of ours with the same load, the
/// same devices, the same limits, in turns. Both guests say that they live by a byte to this process.
/// </summary>
internal static class SwitchoverGap
{
    private static readonly DirtyingLoad Load = new(256, 16384, 24_414);

    /// <summary>Beats before it is moved: two seconds of them, so that what is compiled while it runs has been.</summary>
    private static readonly int BeatsBefore = 2 * Load.PagesPerSecond / DirtyingLoad.PagesPerBeat;

    /// <summary>And after.</summary>
    private static readonly int BeatsAfter = Load.PagesPerSecond / DirtyingLoad.PagesPerBeat;

    public static async Task RunAsync(TextWriter output, string version, int turns, long bandwidth, int limit)
    {
        QemuInstallation qemu = QemuInstallation.Obtain(version, out string reason) ?? throw new InvalidOperationException(reason);
        string folder = Directory.CreateTempSubdirectory("vmsg-gap-").FullName;
        try
        {
            string devices = Path.Combine(folder, "pc");
            await PcDevices.SaveAsync(qemu, devices);
            double ticks = await DirtyingGuest.CalibrateAsync(qemu, Load, folder);
            DirtyingGuest.WriteDisk(Path.Combine(folder, "disk"), Load, ticks);
            await output.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"QEMU {version}, {Load.MemoryMiB} MiB, {Load.PagesPerSecond * 4096 / 1e6:0} MB/s dirtied of {Load.Pages / 256} MiB, link of {bandwidth / 1e6:0} MB/s, limit {limit} ms; ms: last beat to first beat, longest gap around it (downtime as it is reported)"));
            var ours = new List<Turn>();
            var theirs = new List<Turn>();
            for (int i = 0; i < turns; i++)
            {
                // Whoever comes second finds the machine as the other has left it.
                if (i % 2 == 0)
                    theirs.Add(await QemusAsync(qemu, folder, bandwidth, limit));
                ours.Add(await OursAsync(folder, devices, bandwidth, limit));
                if (i % 2 != 0)
                    theirs.Add(await QemusAsync(qemu, folder, bandwidth, limit));
                await output.WriteLineAsync($"turn {i + 1}: ours {ours[^1]}; QEMU {theirs[^1]}");
            }
            await output.WriteLineAsync($"last beat to first beat: {Compare(ours, theirs, static turn => turn.Gap)}");
            await output.WriteLineAsync($"longest gap: {Compare(ours, theirs, static turn => turn.Longest)}");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The other process of ours that has the guest first.</summary>
    public static async Task SourceAsync(string address, string console, string devices, long bandwidth, int limit)
    {
        using DirtyingMachine guest = Open(console, devices, isLoaded: true);
        guest.Fill();

        // As an embedder does who wants the downtime to be known.
        guest.Machine.MeasureDeviceState();
        guest.Resume();
        Console.ReadLine();
        var options = new MigrationSourceOptions { MaxBandwidth = bandwidth, DowntimeLimit = TimeSpan.FromMilliseconds(limit) };
        MigrationProgress end = (await new MigrationSource(guest.Machine, options).MigrateAsync(ChannelAddress.Parse(address))).Progress;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{end.Downtime!.Value.TotalMilliseconds:0.0} ms, {end.Ram.DowntimeBytes / 1e6:0.0} MB, {end.Retreats} retreats, {end.TotalTime.TotalSeconds:0.0} s"));
        Console.ReadLine();
    }

    /// <summary>And the one that has it then.</summary>
    public static async Task DestinationAsync(string address, string console, string devices)
    {
        using DirtyingMachine guest = Open(console, devices, isLoaded: false);
        Task<MigrationResult> coming = new MigrationDestination(guest.Machine).ReceiveAsync(ChannelAddress.Parse(address));
        Console.WriteLine("waiting");
        await coming;
        Console.ReadLine();
    }

    private static DirtyingMachine Open(string console, string devices, bool isLoaded)
    {
        var beats = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        beats.Connect(new UnixDomainSocketEndPoint(console));
        byte[] beat = [DirtyingLoad.Beat];
        var guest = new DirtyingMachine(Load, () => beats.Send(beat));
        PcDevices.Register(guest.Machine, devices, isLoaded);
        return guest;
    }

    private static async Task<Turn> OursAsync(string folder, string devices, long bandwidth, int limit)
    {
        string address = $"unix:{Path.Combine(folder, "in")}";
        using Socket listener = Beats.Listen(Path.Combine(folder, "beats"));
        using Process source = Start(["gap-source", address, Path.Combine(folder, "beats"), devices, $"{bandwidth}", $"{limit}"]);
        using Beats here = Beats.Accept(listener);
        using Process destination = Start(["gap-destination", address, Path.Combine(folder, "beats"), devices]);
        using Beats there = Beats.Accept(listener);
        await destination.StandardOutput.ReadLineAsync();
        here.WaitFor(BeatsBefore);
        await source.StandardInput.WriteLineAsync();
        string? downtime = await source.StandardOutput.ReadLineAsync();
        there.WaitFor(BeatsAfter);
        source.StandardInput.Close();
        destination.StandardInput.Close();
        await Task.WhenAll(source.WaitForExitAsync(), destination.WaitForExitAsync());
        if (downtime is null || source.ExitCode != 0 || destination.ExitCode != 0)
            throw new InvalidOperationException($"Our ends have ended with {source.ExitCode} and {destination.ExitCode}.");
        return new Turn(Beats.Gap(here, there), Beats.LongestGap(here, there), downtime);
    }

    private static async Task<Turn> QemusAsync(QemuInstallation qemu, string folder, long bandwidth, int limit)
    {
        string address = $"unix:{Path.Combine(folder, "in")}";
        using Socket listener = Beats.Listen(Path.Combine(folder, "beats"));
        await using QemuProcess source = await QemuProcess.StartAsync(qemu, DirtyingGuest.Options(Load, folder));
        using Beats here = Beats.Accept(listener);
        await using QemuProcess destination = await QemuProcess.StartAsync(qemu, DirtyingGuest.Options(Load, folder) with { Incoming = true });
        using Beats there = Beats.Accept(listener);
        await destination.MigrateIncomingAsync(address);
        await source.SetMigrationParametersAsync(new JsonObject { ["max-bandwidth"] = bandwidth, ["downtime-limit"] = limit });
        here.WaitFor(BeatsBefore);
        await source.MigrateAsync(address);
        there.WaitFor(BeatsAfter);
        JsonElement end = await source.WaitForMigrationAsync();
        return new Turn(Beats.Gap(here, there), Beats.LongestGap(here, there), $"{end.GetProperty("downtime")} ms, {end.GetProperty("ram").GetProperty("downtime-bytes").GetInt64() / 1e6:0.0} MB, {end.GetProperty("total-time").GetInt64() / 1e3:0.0} s");
    }

    /// <summary>Without profiles of its code, which has hot code compiled twice, beside a migration that ends before that pays.</summary>
    private static Process Start(string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment["DOTNET_TieredPGO"] = "0";
        return Process.Start(start)!;
    }

    private static string Compare(List<Turn> ours, List<Turn> theirs, Func<Turn, TimeSpan> of)
    {
        double[] ratios = [.. ours.Zip(theirs, (our, their) => of(our) / of(their)).Order()];
        return string.Create(
            CultureInfo.InvariantCulture,
            $"ours median {At(ours, 50):0.0} ms, p90 {At(ours, 90):0.0}; QEMU median {At(theirs, 50):0.0}, p90 {At(theirs, 90):0.0}; of medians {At(ours, 50) / At(theirs, 50):0.00}, median of {ratios.Length} ratios {ratios[ratios.Length / 2]:0.00} ({ratios[0]:0.00} to {ratios[^1]:0.00})");

        double At(List<Turn> turns, int percent) => turns.Select(turn => of(turn).TotalMilliseconds).Order().ElementAt(Math.Min(turns.Count - 1, turns.Count * percent / 100));
    }

    private sealed record Turn(TimeSpan Gap, TimeSpan Longest, string Reported)
    {
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Gap.TotalMilliseconds:0.0}, {Longest.TotalMilliseconds:0.0} ({Reported})");
    }
}
