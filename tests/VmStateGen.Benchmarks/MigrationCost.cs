using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using VmStateGen.Qemu;
using VmStateGen.Runtime;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Migration;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Benchmarks;

/// <summary>Whole migrations, each between two processes: ours, QEMU's, and the bare transport in C.</summary>
internal static class MigrationCost
{
    private const long Unlimited = 1L << 40;
    private const int Turns = 7;

    /// <summary>Random pages, and memory that was never touched.</summary>
    public static async Task Throughput(TextWriter output, int mebibytes, string transport)
    {
        QemuInstallation? qemu = QemuInstallation.Obtain("10.0", out string reason);
        if (qemu is null)
            output.WriteLine($"no QEMU: {reason}");
        string content = Path.Combine("/dev/shm", $"vmstategen-{Environment.ProcessId}");
        try
        {
            WriteRandom(content, mebibytes);
            var turns = new List<(double Ours, double C, double Qemu)>();
            for (int i = 0; i < Turns; i++)
            {
                turns.Add((await Ours(mebibytes, transport, content), Peers.Stream(mebibytes, transport), qemu is null ? double.NaN : await Qemus(qemu, mebibytes, transport, content)));
                output.WriteLine(Line($"{mebibytes} MiB of random pages, {transport}", mebibytes, turns[^1]));
            }
            Summary(output, "speed", turns);
        }
        finally
        {
            File.Delete(content);
        }
        var untouched = new List<(double Ours, double C, double Qemu)>();
        for (int i = 0; i < Turns; i++)
        {
            untouched.Add((await Ours(4096, transport, null), double.NaN, qemu is null ? double.NaN : await Qemus(qemu, 4096, transport, null)));
            output.WriteLine(Line("untouched 4 GiB", 4096, untouched[^1]));
        }
        Summary(output, "untouched, speed", untouched);
    }

    /// <summary>The other end of <see cref="Ours"/>, in a process of its own.</summary>
    public static async Task Receive(string address, int mebibytes)
    {
        using var memory = new GuestMemory();
        memory.AddBlock("ram", (long)mebibytes << 20);
        await new MigrationDestination(new Machine("bench-1", memory, new Still())).ReceiveAsync(ChannelAddress.Parse(address));
    }

    private static string Line(string what, int mebibytes, (double Ours, double C, double Qemu) times)
        => string.Create(CultureInfo.InvariantCulture, $"{what}: ours {times.Ours:0.000} s ({mebibytes * 1.048576 / times.Ours:0} MB/s), C {times.C:0.000} s, QEMU {times.Qemu:0.000} s");

    private static void Summary(TextWriter output, string what, List<(double Ours, double C, double Qemu)> turns)
        => output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: {turns.Min(turn => turn.C) / turns.Min(turn => turn.Ours):0.00} of C, {turns.Min(turn => turn.Qemu) / turns.Min(turn => turn.Ours):0.00} of QEMU (the best of {turns.Count} turns each: what disturbs a turn only makes it longer)"));

    private static void WriteRandom(string path, int mebibytes)
    {
        var random = new Random(1);
        var piece = new byte[1 << 20];
        using FileStream file = File.Create(path);
        for (int i = 0; i < mebibytes; i++)
        {
            random.NextBytes(piece);
            file.Write(piece);
        }
    }

    private static string Address(string transport) => transport == "tcp"
        ? $"tcp:127.0.0.1:{20000 + Random.Shared.Next(20000)}"
        : $"unix:{Path.Combine(Path.GetTempPath(), $"vmsg-{Guid.NewGuid():N}")}";

    private static async Task<double> Ours(int mebibytes, string transport, string? content)
    {
        using var memory = new GuestMemory();
        RamBlock ram = memory.AddBlock("ram", (long)mebibytes << 20);
        if (content != null)
            Fill(memory, ram, content);
        string address = Address(transport);
        using Process destination = Process.Start(Environment.ProcessPath!, ["migration-destination", address, $"{mebibytes}"]);
        var options = new MigrationSourceOptions { MaxBandwidth = 0, Connect = new ConnectOptions { Retry = true, Timeout = TimeSpan.FromSeconds(30) } };
        MigrationResult result = await new MigrationSource(new Machine("bench-1", memory, new Still()), options).MigrateAsync(ChannelAddress.Parse(address));
        await destination.WaitForExitAsync();
        return (result.Progress.TotalTime - result.Progress.ConnectTime()).TotalSeconds;
    }

    /// <summary>Until the destination has said hello, which takes as long as a process takes to start.</summary>
    private static TimeSpan ConnectTime(this MigrationProgress progress) => progress.SetupTime ?? TimeSpan.Zero;

    private static void Fill(GuestMemory memory, RamBlock ram, string content)
    {
        var piece = new byte[1 << 20];
        using FileStream file = File.OpenRead(content);
        for (long at = 0; at < ram.UsedLength; at += piece.Length)
        {
            file.ReadExactly(piece);
            memory.Write(ram, at, piece);
        }
    }

    private static async Task<double> Qemus(QemuInstallation installation, int mebibytes, string transport, string? content)
    {
        string backend = content is null ? "memory-backend-ram,id=ram" : $"memory-backend-file,id=ram,mem-path={content},share=off";
        QemuOptions options = new()
        {
            Machine = "pc,memory-backend=ram", MemoryMiB = mebibytes, Paused = true, Arguments = ["-nodefaults", "-net", "none", "-object", $"{backend},size={mebibytes}M"],
        };
        QemuOptions fresh = options with { Incoming = true, Arguments = ["-nodefaults", "-net", "none", "-object", $"memory-backend-ram,id=ram,size={mebibytes}M"] };
        await using QemuProcess source = await QemuProcess.StartAsync(installation, options);
        await using QemuProcess destination = await QemuProcess.StartAsync(installation, fresh);
        string address = Address(transport);
        await destination.MigrateIncomingAsync(address);
        await source.SetMigrationParametersAsync(new JsonObject { ["max-bandwidth"] = Unlimited });
        await source.MigrateAsync(address);
        JsonElement info = await source.WaitForMigrationAsync();
        return (info.GetProperty("total-time").GetInt64() - info.GetProperty("setup-time").GetInt64()) / 1e3;
    }

    private sealed class Still : IMachineLifecycle
    {
        public bool IsRunning => false;

        public void Pause()
        {
        }

        public void Resume()
        {
        }

        public void Throttle(int percent)
        {
        }
    }
}
