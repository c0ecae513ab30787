using System;
using System.Collections.Generic;
using System.Diagnostics;
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
            await MigrationRehearsal.Begin();
            using var memory = new GuestMemory();
            Fill(memory, memory.AddBlock("ram", (long)mebibytes << 20), content);
            await Compare(
                output, $"{mebibytes} MiB of random pages, {transport}", mebibytes,
                () => Ours(memory, transport), () => Task.FromResult(Peers.Stream(mebibytes, transport)), qemu is null ? null : () => Qemus(qemu, mebibytes, transport, content));
        }
        finally
        {
            File.Delete(content);
        }
        using var untouched = new GuestMemory();
        untouched.AddBlock("ram", 4L << 30);
        await Compare(output, $"untouched 4 GiB, {transport}", 4096, () => Ours(untouched, transport), null, qemu is null ? null : () => Qemus(qemu, 4096, transport, null));
    }

    /// <summary>The other end of <see cref="Ours"/>, in a process of its own. Says when it waits, as one that was started some time before does.</summary>
    public static async Task Receive(string address, long length)
    {
        using var memory = new GuestMemory();
        memory.AddBlock("ram", length);
        Task<MigrationResult> received = new MigrationDestination(new Machine("bench-1", memory, new Still())).ReceiveAsync(ChannelAddress.Parse(address));
        await MigrationRehearsal.Begin();
        Console.WriteLine("ready");
        await received;
    }

    /// <summary>In turns, each time in another order: who comes after whom matters as much as what he does.</summary>
    private static async Task Compare(TextWriter output, string what, int mebibytes, Func<Task<double>> ours, Func<Task<double>>? c, Func<Task<double>>? qemu)
    {
        (string Name, Func<Task<double>>? Run)[] contenders = [("ours", ours), ("C", c), ("QEMU", qemu)];
        contenders = Array.FindAll(contenders, contender => contender.Run != null);
        var times = new List<double>[contenders.Length];
        for (int i = 0; i < times.Length; i++)
            times[i] = [];
        for (int turn = 0; turn < Turns; turn++)
        {
            for (int i = 0; i < contenders.Length; i++)
            {
                int who = (turn + i) % contenders.Length;
                times[who].Add(await contenders[who].Run!());
            }
            output.WriteLine($"{what}: {string.Join(", ", contenders.Select((contender, i) => Invariant($"{contender.Name} {times[i][turn]:0.000} s")))}");
        }
        output.WriteLine(Invariant($"{what}: {mebibytes * 1.048576 / Median(times[0]):0} MB/s"));
        for (int i = 1; i < contenders.Length; i++)
        {
            double ratio = Median([.. times[0].Zip(times[i], (mine, his) => his / mine)]);
            output.WriteLine(Invariant($"{what}: {ratio:0.00} of the speed of {contenders[i].Name} (median of {Turns} turns; {times[i].Min() / times[0].Min():0.00} best against best)"));
        }
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);

    /// <summary>
    /// Memory that the host of this machine has not given yet costs several times what it costs otherwise, and whoever comes first pays. So
    /// before every turn as much as a receiver takes was in use a moment ago.
    /// </summary>
    private static void WarmHost(long length)
    {
        using var memory = new GuestMemory();
        RamBlock block = memory.AddBlock("ram", length + (512L << 20));
        memory.Fill(block, 0, block.UsedLength, 1);
    }

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

    private static async Task<double> Ours(GuestMemory memory, string transport)
    {
        string address = Address(transport);
        long length = memory.Blocks[0].UsedLength;
        var start = new ProcessStartInfo(Environment.ProcessPath!, ["migration-destination", address, $"{length}"]) { RedirectStandardOutput = true };
        using Process destination = Process.Start(start)!;
        await destination.StandardOutput.ReadLineAsync();
        if (memory.FindTouched(memory.Blocks[0]).Count() > 0)
            WarmHost(length);
        var options = new MigrationSourceOptions { MaxBandwidth = 0, Connect = new ConnectOptions { Retry = true, Timeout = TimeSpan.FromSeconds(30) } };
        MigrationResult result = await new MigrationSource(new Machine("bench-1", memory, new Still()), options).MigrateAsync(ChannelAddress.Parse(address));
        await destination.WaitForExitAsync();
        return (result.Progress.TotalTime - (result.Progress.SetupTime ?? TimeSpan.Zero)).TotalSeconds;
    }

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
        if (content != null)
            WarmHost((long)mebibytes << 20);
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
