using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Migration;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Qemu.Tests;

/// <summary>A guest leaves one QEMU live, comes into a machine of ours, and from there into another QEMU, where it goes on.</summary>
public sealed class MachineTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private readonly string folder = Directory.CreateTempSubdirectory("vmsg-m-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [SkippableTheory]
    [InlineData("10.0", "pc", true, "unix")]
    [InlineData("10.0", "pc", false, "tcp")]
    [InlineData("10.0", "q35", true, "tcp")]
    [InlineData("7.2", "pc", true, "unix")]
    [InlineData("7.2", "pc", false, "tcp")]
    public async Task Guest_goes_from_QEMU_to_a_machine_of_ours_and_on_to_QEMU(string version, string machine, bool returnPath, string kind)
    {
        QemuInstallation installation = TestQemu.Require(version);
        QemuOptions options = Options(machine);
        using TwinMachine twin = await TwinOf(installation, options);

        // QEMU → ours, live.
        ulong counted;
        await using (QemuProcess source = await QemuProcess.StartAsync(installation, options))
        {
            counted = await CountingGuest.WaitForCountAsync(source, 2000);
            if (returnPath)
                await source.EnableMigrationCapabilitiesAsync(["return-path"]);
            (ChannelAddress address, _) = Address(kind, "in");
            (ChannelAddress there, string uri) = Address(kind, "recorded");
            Task<MigrationResult> received = new MigrationDestination(twin.Machine).ReceiveAsync(address);
            using var link = new RecordedLink(there, address, Recording);
            await source.MigrateAsync(uri);

            // First, for it knows best why it would not.
            MigrationResult result = await received.WaitAsync(Limit);
            await source.WaitForMigrationAsync();
            link.WaitForEnd();
            Assert.Equal(MigrationStatus.Completed, result.Status);
            Assert.Equal(twin.Machine.SaveOrder.Count(section => section.Handler is null || twin.Machine.Ram == section.Handler), result.Sections.Count);
        }
        ulong arrived = CountingGuest.ReadCounter(LowMemory(twin))!.Value;
        Assert.True(arrived >= counted, $"{arrived} after {counted}");
        AssertWholeUnlessQemuSentDamage(options.Guest!, twin);

        // Ours → QEMU.
        await using QemuProcess destination = await QemuProcess.StartAsync(installation, options with { Incoming = true });
        (ChannelAddress to, string incoming) = Address(kind, "out");
        await destination.MigrateIncomingAsync(incoming);
        var sourceOptions = new MigrationSourceOptions
        {
            ReturnPath = returnPath,
            Dialect = version == "7.2" ? VmDescriptionDialect.Qemu72 : VmDescriptionDialect.Qemu100,
            Connect = new ConnectOptions { Retry = true, Timeout = TimeSpan.FromSeconds(30) },
        };
        Task<MigrationResult> sending = new MigrationSource(twin.Machine, sourceOptions).MigrateAsync(to);

        // First, for it knows best why it would not.
        await destination.WaitForMigrationAsync();
        MigrationResult sent = await sending.WaitAsync(Limit);
        Assert.Equal(MigrationStatus.Completed, sent.Status);
        await destination.WaitForRunStateAsync("running");
        await CountingGuest.WaitForCountAsync(destination, arrived + 1000);
        AssertGuest.IsWhole(await options.Guest!.FindDamageAsync(destination));
    }

    /// <summary>A page that a guest writes a little of comes as a difference (XBZRLE), or (7.2) compressed; our loader applies both.</summary>
    [SkippableTheory]
    [InlineData("7.2", "xbzrle")]
    [InlineData("10.0", "xbzrle")]
    [InlineData("7.2", "compress")]
    public async Task Encoded_pages_arrive_in_a_machine_of_ours(string version, string capability)
    {
        QemuInstallation installation = TestQemu.Require(version);
        var guest = new CountingGuest(pages: 2048, delay: 40);
        QemuOptions options = Options("pc") with { Guest = guest };
        using TwinMachine twin = await TwinOf(installation, options);
        await using QemuProcess source = await QemuProcess.StartAsync(installation, options);
        await CountingGuest.WaitForCountAsync(source, (ulong)guest.Pages);
        await source.EnableMigrationCapabilitiesAsync([capability, "return-path"]);
        await source.SetMigrationParametersAsync(new() { ["max-bandwidth"] = 16L << 20, ["downtime-limit"] = 20 });
        (ChannelAddress address, string uri) = Address("unix", "in");
        var destination = new MigrationDestination(twin.Machine);
        Task<MigrationResult> received = destination.ReceiveAsync(address);
        await source.MigrateAsync(uri);
        await source.WaitForRoundsAsync(least: 3);
        await source.SetMigrationParametersAsync(new() { ["max-bandwidth"] = 1L << 40, ["downtime-limit"] = 10_000 });
        MigrationResult result = await received.WaitAsync(Limit);
        JsonElement info = await source.WaitForMigrationAsync();
        (string counters, string count) = capability == "xbzrle" ? ("xbzrle-cache", "pages") : ("compression", "pages");
        Assert.True(info.GetProperty(counters).GetProperty(count).GetInt64() > 0, "no page was encoded");
        Assert.Equal(MigrationStatus.Completed, result.Status);
        await AssertSameMemory(source, twin);
    }

    [SkippableFact]
    public async Task A_file_is_loaded_and_one_in_the_layout_mapped_ram_is_refused_by_name()
    {
        QemuInstallation installation = TestQemu.Require("10.0");
        QemuOptions options = Options("pc");
        string plain = Path.Combine(folder, "plain"), mapped = Path.Combine(folder, "mapped");
        using TwinMachine twin = await TwinOf(installation, options);
        await using (QemuProcess source = await QemuProcess.StartAsync(installation, options))
        {
            await CountingGuest.WaitForCountAsync(source, 2000);
            await source.SaveToFileAsync(plain);
            await source.ExecuteAsync("cont");
            await source.EnableMigrationCapabilitiesAsync(["mapped-ram"]);
            await source.SaveToFileAsync(mapped);
        }
        MigrationResult result = await new MigrationDestination(twin.Machine).ReceiveAsync(new FileAddress(plain)).WaitAsync(Limit);
        Assert.Equal(MigrationStatus.Completed, result.Status);
        AssertGuest.IsWhole(options.Guest!.FindDamage(LowMemory(twin)));

        using TwinMachine other = await TwinOf(installation, options);
        MigrationException error = await Assert.ThrowsAsync<MigrationException>(() => new MigrationDestination(other.Machine).ReceiveAsync(new FileAddress(mapped)).WaitAsync(Limit));
        Assert.Contains("configuration: expected a plain stream (vmstate convert --to plain makes one), found one in the layout mapped-ram", error.Message, StringComparison.Ordinal);
    }

    /// <summary>A bit of what QEMU has written is another: in a header, a device, a footer, RAM's records, the description. Never in a page, which may hold anything.</summary>
    [SkippableTheory]
    [QemuVersions]
    public async Task A_bit_that_is_another_is_refused_with_its_place_or_is_another_value(string version)
    {
        const int Flips = 250;
        string path = Path.Combine(folder, "template");
        (await TwinOf(TestQemu.Require(version), Options("pc"))).Dispose();
        byte[] stream = await File.ReadAllBytesAsync(path);
        (long from, long to)[] ranges = DeviceRanges(path);
        var random = new Random(version.Length);
        int refused = 0;
        for (int i = 0; i < Flips; i++)
        {
            (long from, long to) = ranges[random.Next(ranges.Length)];
            long at = random.NextInt64(from, to);
            byte flip = (byte)(1 << random.Next(8));
            stream[at] ^= flip;
            await File.WriteAllBytesAsync(Path.Combine(folder, "damaged"), stream);
            stream[at] ^= flip;
            using TwinMachine twin = TwinMachine.Of(path);
            try
            {
                await new MigrationDestination(twin.Machine).ReceiveAsync(new FileAddress(Path.Combine(folder, "damaged"))).WaitAsync(Limit);
            }
            catch (MigrationException e)
            {
                refused++;
                Assert.True(e.InnerException is VmStateException { Offset: >= 0 }, $"bit {flip:x} at {at}: {e.InnerException}");
                Assert.Equal(MigrationStatus.Failed, e.Status);
            }
        }
        Assert.InRange(refused, 1, Flips - 1);
    }

    [SkippableFact]
    public async Task QEMU_that_cannot_load_what_we_send_leaves_the_guest_with_us()
    {
        QemuInstallation installation = TestQemu.Require("10.0");
        using TwinMachine twin = await TwinOf(installation, Options("pc"));
        await using QemuProcess destination = await QemuProcess.StartAsync(installation, Options("pc") with { Incoming = true, MemoryMiB = 32 });
        (ChannelAddress to, string incoming) = Address("unix", "out");
        await destination.MigrateIncomingAsync(incoming);
        MigrationException error = await Assert.ThrowsAsync<MigrationException>(() => new MigrationSource(twin.Machine).MigrateAsync(to).WaitAsync(Limit));
        Assert.Equal(MigrationStatus.Failed, error.Status);
        await Assert.ThrowsAsync<QemuMigrationException>(() => destination.WaitForMigrationAsync());
    }

    [SkippableFact]
    public async Task QEMU_whose_guest_does_not_fit_here_keeps_it()
    {
        QemuInstallation installation = TestQemu.Require("10.0");
        using TwinMachine twin = await TwinOf(installation, Options("pc"));
        await using QemuProcess source = await QemuProcess.StartAsync(installation, Options("pc") with { MemoryMiB = 32 });
        await source.EnableMigrationCapabilitiesAsync(["return-path"]);
        (ChannelAddress address, string uri) = Address("unix", "in");
        Task<MigrationResult> received = new MigrationDestination(twin.Machine).ReceiveAsync(address);
        await source.MigrateAsync(uri);
        MigrationException error = await Assert.ThrowsAsync<MigrationException>(() => received.WaitAsync(Limit));
        Assert.Contains("ram › pc.ram: expected 0x4000000 bytes, found 0x2000000", error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<QemuMigrationException>(() => source.WaitForMigrationAsync());
        await source.WaitForRunStateAsync("running");
    }

    /// <summary>
    /// What was sent is here, byte for byte. Damage that is in the stream already is QEMU's: under TCG it now and then does not see what its guest writes
    /// (qemu-migration.md §14).
    /// </summary>
    private void AssertWholeUnlessQemuSentDamage(CountingGuest guest, TwinMachine twin)
    {
        byte[] here = LowMemory(twin), sent = RecordedLink.Replay(Recording, "pc.ram", here.Length);
        string? damage = guest.FindDamage(here), damageSent = guest.FindDamage(sent);
        for (var at = 0; at < here.Length; at += CountingGuest.PageSize)
            Assert.True(here.AsSpan(at, CountingGuest.PageSize).SequenceEqual(sent.AsSpan(at, CountingGuest.PageSize)), $"the page at 0x{at:x} is not what was sent; here: {damage ?? "whole"}; in the stream: {damageSent ?? "whole"}");
        Skip.If(damage is not null, $"QEMU has sent a guest that is not whole, and its stream was loaded as it is: {damage}");
    }

    /// <summary>All of it, page by page, as the source says that it stands still.</summary>
    private static async Task AssertSameMemory(QemuProcess source, TwinMachine twin)
    {
        var ram = twin.Memory.FindBlock("pc.ram")!;

        // What is not at its address (below 1 MiB) is behind other memory of the machine.
        const int Start = 1 << 20;
        byte[] there = await source.PhysicalMemoryReadAsync(Start, ram.UsedLength - Start);
        var here = new byte[there.Length];
        twin.Memory.Read(ram, Start, here);
        for (var at = 0; at < there.Length; at += CountingGuest.PageSize)
            Assert.True(there.AsSpan(at, CountingGuest.PageSize).SequenceEqual(here.AsSpan(at, CountingGuest.PageSize)), $"the page at 0x{Start + at:x} differs");
    }

    private string Recording => Path.Combine(folder, "recording");

    private static QemuOptions Options(string machine) => new()
    {
        Machine = machine,
        Guest = new CountingGuest(),
        Arguments = ["-nodefaults", "-net", "none", "-cpu", "qemu64"],
    };

    private static byte[] LowMemory(TwinMachine twin)
    {
        var bytes = new byte[new CountingGuest().EndAddress];
        twin.Memory.Read(twin.Memory.FindBlock("pc.ram")!, 0, bytes);
        return bytes;
    }

    /// <summary>Where the stream of a file has anything but pages: up to RAM's first PART, and from its END on.</summary>
    private static (long From, long To)[] DeviceRanges(string path)
    {
        using FileStream file = File.OpenRead(path);
        var reader = new QemuStreamReader(file);
        long firstPart = -1, end = -1;
        while (reader.Read())
        {
            if (reader.Current is not { Kind: QemuElementKind.Section, Section.Name: QemuWire.RamName })
                continue;
            if (reader.Section.Kind != SectionKind.Start && firstPart < 0)
                firstPart = reader.Current.Offset;
            if (reader.Section.Kind == SectionKind.End)
                end = reader.Current.Offset + reader.DataLength;
        }

        // Most of it is devices.
        return [(0, firstPart), (end, file.Length), (end, file.Length), (end, file.Length)];
    }

    /// <summary>Built after the stream of a QEMU that was started alike and never ran.</summary>
    private async Task<TwinMachine> TwinOf(QemuInstallation installation, QemuOptions options)
    {
        string path = Path.Combine(folder, "template");
        await using (QemuProcess template = await QemuProcess.StartAsync(installation, options with { Paused = true }))
            await template.SaveToFileAsync(path);
        return TwinMachine.Of(path);
    }

    private (ChannelAddress Address, string Uri) Address(string kind, string name)
    {
        string uri = kind == "unix" ? $"unix:{Path.Combine(folder, name)}" : $"tcp:127.0.0.1:{FreePort()}";
        return (ChannelAddress.Parse(uri), uri);
    }

    private static int FreePort()
    {
        using var probe = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        probe.Start();
        return ((System.Net.IPEndPoint)probe.LocalEndpoint).Port;
    }
}
