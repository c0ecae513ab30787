using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using VmStateGen.Qemu;

namespace VmStateGen.Benchmarks;

/// <summary>
/// How long a guest waits at its first touch of a page while it moves to a stock QEMU by postcopy, the background push on and without a limit:
/// from <c>vmstate serve</c> and from a QEMU, each without and with a preempt channel, in turns. The guest measures.
/// </summary>
internal static class PostcopyLatency
{
    private static readonly Case[] Cases = [new(false, false), new(true, false), new(false, true), new(true, true)];

    public static async Task RunAsync(TextWriter output, string tool, string version, int rounds)
    {
        QemuInstallation qemu = QemuInstallation.Obtain(version, out string reason) ?? throw new InvalidOperationException(reason);
        string folder = Directory.CreateTempSubdirectory("vmsg-latency-").FullName;
        try
        {
            FirstTouchGuest.WriteDisk(Path.Combine(folder, "disk"));
            double ticks = await SaveAsync(qemu, folder);
            await output.WriteLineAsync($"QEMU {version} as destination, {FirstTouchGuest.MemoryMiB} MiB, {FirstTouchGuest.Touches} first touches, µs: p50 / p99 (touches over 10 µs)");
            var runs = Cases.ToDictionary(static which => which, static _ => new List<Result>());
            for (int round = 0; round < rounds; round++)
            {
                // Whoever comes later finds the machine as the others have left it.
                for (int i = 0; i < Cases.Length; i++)
                {
                    Case which = Cases[(i + round) % Cases.Length];
                    runs[which].Add(Summarise(await MoveAsync(qemu, folder, tool, which), ticks));
                }
                await output.WriteLineAsync($"round {round + 1}: {string.Join("; ", Cases.Select(which => $"{which} {runs[which][^1]}"))}");
            }
            foreach (Case which in Cases)
            {
                await output.WriteLineAsync(string.Create(
                    CultureInfo.InvariantCulture, $"{which}: p50 {Median(runs[which].Select(static run => run.Half)):0.0} µs, p99 {Median(runs[which].Select(static run => run.Most)):0.0} µs"));
            }
            foreach (bool preempt in new[] { false, true })
            {
                List<Result> ours = runs[new(true, preempt)], theirs = runs[new(false, preempt)];
                await output.WriteLineAsync(string.Create(
                    CultureInfo.InvariantCulture,
                    $"ours of QEMU's{(preempt ? " with preempt" : "")}, median of {rounds} turns: p50 {Ratios(ours, theirs, static run => run.Half)}, p99 {Ratios(ours, theirs, static run => run.Most)}"));
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Saves the guest when its RAM is full.</summary>
    /// <returns>Ticks of its clock in a microsecond.</returns>
    private static async Task<double> SaveAsync(QemuInstallation qemu, string folder)
    {
        await using QemuProcess source = await QemuProcess.StartAsync(qemu, Options(folder, isDestination: false));
        byte[] state;
        do
        {
            await Task.Delay(100);
            state = await StateAsync(source);
        }
        while (!FirstTouchGuest.IsReady(state));
        long from = Stopwatch.GetTimestamp();
        await Task.Delay(TimeSpan.FromSeconds(2));
        ulong passed = FirstTouchGuest.Clock(await StateAsync(source)) - FirstTouchGuest.Clock(state);
        double ticks = passed / Stopwatch.GetElapsedTime(from).TotalMicroseconds;
        await source.EnableMigrationCapabilitiesAsync(["mapped-ram"]);
        await source.SaveToFileAsync(Path.Combine(folder, "guest"));
        return ticks;
    }

    private static async Task<uint[]> MoveAsync(QemuInstallation qemu, string folder, string tool, Case which)
    {
        string address = $"unix:{Path.Combine(folder, "in")}";
        await using QemuProcess destination = await QemuProcess.StartAsync(qemu, Options(folder, isDestination: true) with { Incoming = true });
        await destination.EnableMigrationCapabilitiesAsync(which.Capabilities);
        await destination.MigrateIncomingAsync(address);
        if (which.IsOurs)
            await ServeAsync(folder, tool, address, which);
        else
            await MigrateAsync(qemu, folder, address, which);
        await destination.WaitForMigrationAsync();
        byte[] state;
        while (!FirstTouchGuest.IsDone(state = await StateAsync(destination)))
            await Task.Delay(100);
        return FirstTouchGuest.Ticks(state);
    }

    private static async Task ServeAsync(string folder, string tool, string address, Case which)
    {
        using Process serve = Process.Start(
            new ProcessStartInfo(tool, ["serve", Path.Combine(folder, "guest"), address, .. which.Preempt ? ["--preempt"] : Array.Empty<string>()]) { RedirectStandardOutput = true })!;
        await serve.StandardOutput.ReadToEndAsync();
        await serve.WaitForExitAsync();
        if (serve.ExitCode != 0)
            throw new InvalidOperationException($"vmstate serve has ended with {serve.ExitCode}.");
    }

    /// <summary>From a QEMU that has loaded the same file: hardly anything goes before the switch.</summary>
    private static async Task MigrateAsync(QemuInstallation qemu, string folder, string address, Case which)
    {
        await using QemuProcess source = await QemuProcess.StartAsync(qemu, Options(folder, isDestination: false) with { Incoming = true });
        await source.EnableMigrationCapabilitiesAsync(["mapped-ram"]);
        await source.LoadAsync(Path.Combine(folder, "guest"));
        var capabilities = new JsonArray(new JsonObject { ["capability"] = "mapped-ram", ["state"] = false });
        await source.ExecuteAsync("migrate-set-capabilities", new JsonObject { ["capabilities"] = capabilities });
        await source.EnableMigrationCapabilitiesAsync(which.Capabilities);
        await source.SetMigrationParametersAsync(new JsonObject { ["max-bandwidth"] = 1 << 20, ["max-postcopy-bandwidth"] = 0 });
        await source.MigrateAsync(address);
        await source.ExecuteAsync("migrate-start-postcopy");
        await source.WaitForMigrationAsync();
    }

    private static QemuOptions Options(string folder, bool isDestination) => new()
    {
        MemoryMiB = FirstTouchGuest.MemoryMiB,
        Arguments = FirstTouchGuest.Arguments(Path.Combine(folder, "disk"), isDestination),
    };

    private static Task<byte[]> StateAsync(QemuProcess qemu) => qemu.PhysicalMemoryReadAsync(FirstTouchGuest.State, FirstTouchGuest.StateLength);

    private static Result Summarise(uint[] ticks, double ticksPerMicrosecond)
    {
        double[] times = [.. ticks.Order().Select(count => count / ticksPerMicrosecond)];
        return new Result(times[times.Length / 2], times[times.Length * 99 / 100], times.Count(static time => time > 10));
    }

    private static string Ratios(List<Result> ours, List<Result> theirs, Func<Result, double> of)
    {
        double[] ratios = [.. ours.Zip(theirs, (our, their) => of(our) / of(their))];
        return string.Create(CultureInfo.InvariantCulture, $"{Median(ratios):0.00} ({ratios.Min():0.00} to {ratios.Max():0.00})");
    }

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(values.Count() / 2);

    private sealed record Case(bool IsOurs, bool Preempt)
    {
        public string[] Capabilities => Preempt ? ["postcopy-ram", "postcopy-preempt"] : ["postcopy-ram"];

        public override string ToString() => (IsOurs ? "ours" : "QEMU's") + (Preempt ? " with preempt" : "");
    }

    private sealed record Result(double Half, double Most, int Waited)
    {
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Half:0.0} / {Most:0.0} ({Waited})");
    }
}
