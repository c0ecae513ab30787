using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using System.Threading.Tasks;
using VmStateGen.Qemu;

namespace VmStateGen.Benchmarks;

/// <summary>
/// How long it takes from the moment that <c>vmstate serve</c> says that it is ready, before it connects, to the first instruction of the guest: a
/// port that the guest writes to in a loop says when that is.
/// </summary>
internal static class ServeStart
{
    private const int Runs = 10;

    private static readonly int[] Sizes = [64, 2048, 8192];

    /// <summary>Writes a dot to the debug console, counts to 65,536, and again.</summary>
    private static readonly byte[] BootSector =
    [
        0xFA,               // cli
        0xBA, 0xE9, 0x00,   // mov dx, 0xE9
        0xB0, 0x2E,         // again: mov al, '.'
        0xEE,               // out dx, al
        0xB9, 0x00, 0x00,   // mov cx, 0
        0x49,               // wait: dec cx
        0x75, 0xFD,         // jnz wait
        0xEB, 0xF5,         // jmp again
    ];

    public static async Task RunAsync(TextWriter output, string tool, string version)
    {
        QemuInstallation qemu = QemuInstallation.Obtain(version, out string reason) ?? throw new InvalidOperationException(reason);
        string folder = Directory.CreateTempSubdirectory("vmsg-serve-").FullName;
        try
        {
            byte[] disk = new byte[1 << 20];
            BootSector.CopyTo(disk, 0);
            (disk[510], disk[511]) = (0x55, 0xAA);
            await File.WriteAllBytesAsync(Path.Combine(folder, "disk"), disk);
            await output.WriteLineAsync($"QEMU {version}, {Runs} runs each: ms from \"ready\" to the guest's first instruction, and to the last page");
            foreach (int size in Sizes)
            {
                await SaveAsync(qemu, folder, size);
                var first = new List<double>();
                var all = new List<double>();
                for (int i = 0; i < Runs; i++)
                {
                    (double started, double ended) = await StartAsync(qemu, folder, size, tool);
                    first.Add(started);
                    all.Add(ended);
                }
                await output.WriteLineAsync($"{size,5} MiB: median {Median(first):0.0} ({first.Min():0.0} to {first.Max():0.0}); all of it after {Median(all):0}");
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static QemuOptions Options(string folder, int size, string console) => new()
    {
        MemoryMiB = size,
        Arguments =
        [
            "-nodefaults", "-drive", $"file={Path.Combine(folder, "disk")},format=raw,if=ide,snapshot=on",
            "-chardev", $"socket,id=console,path={console}", "-device", "isa-debugcon,iobase=0xe9,chardev=console",
        ],
    };

    private static async Task SaveAsync(QemuInstallation qemu, string folder, int size)
    {
        string console = Path.Combine(folder, "console");
        using Socket listener = Beats.Listen(console);
        await using QemuProcess source = await QemuProcess.StartAsync(qemu, Options(folder, size, console));
        using Socket dots = await listener.AcceptAsync();

        // The firmware writes there too.
        byte[] received = new byte[256];
        int count;
        do
            count = await dots.ReceiveAsync(received);
        while (count > 0 && received.AsSpan(0, count).ContainsAnyExcept((byte)'.'));
        Task reading = Task.Factory.StartNew(() => Read(dots, new TaskCompletionSource<long>()), TaskCreationOptions.LongRunning);
        await source.EnableMigrationCapabilitiesAsync(["mapped-ram"]);
        await source.SaveToFileAsync(Path.Combine(folder, "guest"));
        await source.DisposeAsync();
        await reading;
    }

    private static async Task<(double First, double All)> StartAsync(QemuInstallation qemu, string folder, int size, string tool)
    {
        string console = Path.Combine(folder, "console");
        string address = $"unix:{Path.Combine(folder, "in")}";
        using Socket listener = Beats.Listen(console);
        await using QemuProcess destination = await QemuProcess.StartAsync(qemu, Options(folder, size, console) with { Incoming = true });
        using Socket dots = await listener.AcceptAsync();
        await destination.EnableMigrationCapabilitiesAsync(["postcopy-ram"]);
        await destination.MigrateIncomingAsync(address);

        var first = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        Task reading = Task.Factory.StartNew(() => Read(dots, first), TaskCreationOptions.LongRunning);
        using Process serve = Process.Start(new ProcessStartInfo(tool, ["serve", Path.Combine(folder, "guest"), address, "--json"]) { RedirectStandardOutput = true })!;
        long ready = 0;
        while (await serve.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.Contains("\"event\":\"ready\"", StringComparison.Ordinal))
                ready = Stopwatch.GetTimestamp();
        }
        long ended = Stopwatch.GetTimestamp();
        await serve.WaitForExitAsync();
        long started = await first.Task.WaitAsync(TimeSpan.FromMinutes(1));
        if (serve.ExitCode != 0 || ready == 0 || started == 0)
            throw new InvalidOperationException($"vmstate serve has ended with {serve.ExitCode}.");
        await destination.DisposeAsync();
        await reading;
        return (Stopwatch.GetElapsedTime(ready, started).TotalMilliseconds, Stopwatch.GetElapsedTime(ready, ended).TotalMilliseconds);
    }

    /// <summary>Takes the time of the first byte, and all bytes: a guest that nobody listens to stands still.</summary>
    private static void Read(Socket dots, TaskCompletionSource<long> first)
    {
        var bytes = new byte[4096];
        try
        {
            while (dots.Receive(bytes) > 0)
                first.TrySetResult(Stopwatch.GetTimestamp());
        }
        catch (SocketException)
        {
            // The QEMU has ended.
        }
    }

    private static double Median(List<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[sorted.Length / 2] + sorted[(sorted.Length - 1) / 2]) / 2;
    }
}
