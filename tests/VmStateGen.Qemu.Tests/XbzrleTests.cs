using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using VmStateGen.Runtime;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Migration;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Qemu.Tests;

/// <summary>Pages that change a little while they leave us for a QEMU, and are sent as differences.</summary>
public sealed class XbzrleTests : IDisposable
{
    private const int Page = 4096;
    private const long FirstPage = (16 << 20) / Page;
    private const int Pages = 2048;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private static readonly QemuOptions Options = new() { Machine = "pc", Paused = true, Arguments = ["-nodefaults", "-net", "none", "-cpu", "qemu64"] };

    private readonly string folder = Directory.CreateTempSubdirectory("vmsg-x-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [SkippableTheory]
    [QemuVersions]
    public async Task Differences_of_ours_make_the_same_memory_in_QEMU(string version)
    {
        QemuInstallation installation = TestQemu.Require(version);
        string template = Path.Combine(folder, "template");
        await using (QemuProcess qemu = await QemuProcess.StartAsync(installation, Options))
            await qemu.SaveToFileAsync(template);
        using TwinMachine twin = TwinMachine.Of(template);
        RamBlock ram = twin.Memory.FindBlock("pc.ram")!;
        twin.Memory.Fill(ram, FirstPage * Page, Pages * (long)Page, 0x5A);
        Start(twin, ram);

        await using QemuProcess destination = await QemuProcess.StartAsync(installation, Options with { Incoming = true });
        string socket = $"unix:{Path.Combine(folder, "out")}";
        await destination.MigrateIncomingAsync(socket);
        var options = new MigrationSourceOptions
        {
            Features = new MigrationFeatures { Xbzrle = true },
            Dialect = version == "7.2" ? VmDescriptionDialect.Qemu72 : VmDescriptionDialect.Qemu100,
            DowntimeLimit = TimeSpan.Zero,
            MaxRounds = 12,
            MaxBandwidth = 40 << 20,
            Connect = new ConnectOptions { Retry = true, Timeout = TimeSpan.FromSeconds(30) },
        };
        Task<MigrationResult> sending = new MigrationSource(twin.Machine, options).MigrateAsync(ChannelAddress.Parse(socket));

        // First, for it knows best why it would not.
        await destination.WaitForMigrationAsync();
        MigrationResult sent = await sending.WaitAsync(Limit);
        XbzrleTraffic xbzrle = sent.Progress.Xbzrle!;
        Assert.True(xbzrle.Pages > Pages && xbzrle.EncodingRate > 20, $"{xbzrle}");

        // Above the first MiB, where firmware has its own memory behind the same addresses.
        var expected = new byte[ram.UsedLength - (1 << 20)];
        twin.Memory.Read(ram, 1 << 20, expected);
        byte[] found = await destination.PhysicalMemoryReadAsync(1 << 20, expected.Length);
        int same = expected.AsSpan().CommonPrefixLength(found);
        Assert.True(same == expected.Length, $"page {(same + (1 << 20)) / Page}, byte {same % Page}");
    }

    /// <summary>In place of a CPU.</summary>
    private static void Start(TwinMachine twin, RamBlock ram)
    {
        bool isStopping = false;
        var thread = new Thread(() =>
        {
            var random = new Random(1);
            while (!Volatile.Read(ref isStopping))
            {
                for (int i = 0; i < 200; i++)
                {
                    // Mostly a word; now and then all of a page, or zeros.
                    long page = (FirstPage + random.Next(Pages)) * Page;
                    if (random.Next(100) == 0)
                        twin.Memory.Fill(ram, page, Page, (byte)random.Next(3));
                    else
                        twin.Memory.Write(ram, page + random.Next(Page - 8), BitConverter.GetBytes(random.NextInt64()));
                }
                Thread.Sleep(1);
            }
        });
        thread.Start();
        twin.IsRunning = true;
        twin.OnPause = () =>
        {
            Volatile.Write(ref isStopping, true);
            thread.Join();
        };
    }
}
