using System;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using VmStateGen.Tool.Tests;

namespace VmStateGen.Qemu.Tests;

/// <summary>The tool as one end of a live migration, and in the middle of one, with real QEMUs whose guest writes every page meanwhile.</summary>
public sealed class LiveMigrationTests : FolderTest
{
    private const string OldMachine = "pc-i440fx-7.2";
    private const long Unlimited = 1L << 40;

    /// <summary>MiB that the guest writes again and again, a power of two. VMSTATEGEN_LIVE_MIB=512 takes minutes.</summary>
    private static readonly int LiveMiB = int.TryParse(Environment.GetEnvironmentVariable("VMSTATEGEN_LIVE_MIB"), out int mib) ? mib : 64;

    private static readonly CountingGuest Guest = new(pages: LiveMiB * 256, delay: 40);

    /// <summary>Beside what the guest writes there are firmware and zeros.</summary>
    private static readonly QemuOptions Options = new() { Guest = Guest, MemoryMiB = LiveMiB + 32, Machine = OldMachine };

    /// <summary>Each source over each transport, with and without return path; each release is the destination of every other one.</summary>
    public static TheoryData<string, string, string, bool> Journeys => new()
    {
        { "7.2", "7.2", "unix", false },
        { "7.2", "10.0", "unix", true },
        { "7.2", "7.2", "tcp", true },
        { "7.2", "10.0", "tcp", false },
        { "10.0", "7.2", "unix", true },
        { "10.0", "10.0", "unix", false },
        { "10.0", "7.2", "tcp", false },
        { "10.0", "10.0", "tcp", true },
    };

    [SkippableTheory]
    [MemberData(nameof(Journeys))]
    public async Task A_running_guest_is_received_into_a_file_and_sent_on(string from, string to, string transport, bool hasReturnPath)
    {
        QemuInstallation loader = TestQemu.Require(to);
        ulong count = await ReceiveAsync(TestQemu.Require(from), Options, transport, hasReturnPath ? ["return-path"] : [], "guest");

        string uri = Uri(transport, "out");
        await using QemuProcess destination = await QemuProcess.StartAsync(loader, Options with { Incoming = true });
        await destination.MigrateIncomingAsync(uri);
        var send = LiveCli.Start("send", PathOf("guest"), transport == "tcp" ? await BoundAsync(destination) : uri, "--wait", "20");
        await send.DoneAsync();
        await destination.WaitForMigrationAsync();
        await GoesOnAsync(destination, count);
    }

    [SkippableTheory]
    [InlineData("7.2", OldMachine)]
    [InlineData("10.0", "pc")]
    [InlineData("10.0", "q35")]
    public async Task The_file_is_loaded_as_it_is(string from, string machine)
    {
        QemuInstallation loader = TestQemu.Require("10.0");
        QemuOptions options = Options with { Machine = machine };
        ulong count = await ReceiveAsync(TestQemu.Require(from), options, "unix", ["return-path"], "guest");
        await using QemuProcess destination = await QemuProcess.StartAsync(loader, options with { Incoming = true });
        await destination.EnableMigrationCapabilitiesAsync(["mapped-ram"]);
        await destination.LoadAsync(PathOf("guest"));
        await GoesOnAsync(destination, count);
    }

    [SkippableTheory]
    [QemuVersions]
    public async Task Differences_are_applied_to_what_the_file_has(string version)
    {
        QemuInstallation qemu = TestQemu.Require(version);
        // Fewer pages: what is left is measured by pages, and what goes by differences of a few bytes.
        var guest = new CountingGuest(pages: 2048, delay: 40);
        QemuOptions options = Options with { Guest = guest };
        ulong count = await ReceiveAsync(qemu, options, "unix", ["xbzrle", "return-path"], "guest");
        await using QemuProcess destination = await QemuProcess.StartAsync(qemu, options with { Incoming = true });
        await destination.MigrateIncomingAsync(Uri("unix", "out"));
        await LiveCli.Start("send", PathOf("guest"), Uri("unix", "out"), "--wait", "20").DoneAsync();
        await GoesOnAsync(destination, count);
    }

    [SkippableTheory]
    [MemberData(nameof(Journeys))]
    public async Task A_migration_passes_through_a_relay_and_is_told_and_recorded(string from, string to, string transport, bool hasReturnPath)
    {
        QemuInstallation loader = TestQemu.Require(to);
        await using QemuProcess source = await QemuProcess.StartAsync(TestQemu.Require(from), Options);
        await using QemuProcess destination = await QemuProcess.StartAsync(loader, Options with { Incoming = true });
        ulong count = await CountingGuest.WaitForCountAsync(source, (ulong)Guest.Pages);
        await destination.MigrateIncomingAsync(Uri(transport, "out"));
        string uri = transport == "tcp" ? await BoundAsync(destination) : Uri(transport, "out");
        var relay = LiveCli.Start("relay", Uri(transport, "in"), uri, "--record", PathOf("record"));
        if (hasReturnPath)
            await source.EnableMigrationCapabilitiesAsync(["return-path"]);
        await MigrateLiveAsync(source, relay.Address(), isXbzrle: false);
        await destination.WaitForMigrationAsync();
        await relay.DoneAsync();
        await GoesOnAsync(destination, count);

        string[] told = ["> machine pc-i440fx-7.2", "> RAM of ", "> round 1:", "> section i8254 full", "> section globalstate full", "> EOF", "> trailer"];
        foreach (string line in hasReturnPath ? [.. told, "> OpenReturnPath", "> PING 1", "< PONG 1", "< SHUT 0"] : told)
            Assert.Contains(line, relay.Output, StringComparison.Ordinal);
        (int code, string output, string errors) = Cli.Run("inspect", PathOf("record"));
        Assert.True(code == 0, errors);
        Assert.Contains("i8254", output, StringComparison.Ordinal);
    }

    /// <summary>Migrates a running guest into a file.</summary>
    /// <returns>A count that the guest had passed before it was stopped for good.</returns>
    private async Task<ulong> ReceiveAsync(QemuInstallation qemu, QemuOptions options, string transport, string[] capabilities, string file)
    {
        await using QemuProcess source = await QemuProcess.StartAsync(qemu, options);
        // Every page has been written once, so that each has its number.
        ulong count = await CountingGuest.WaitForCountAsync(source, (ulong)options.Guest!.Pages);
        var receive = LiveCli.Start("receive", Uri(transport, "in"), "-o", PathOf(file));
        if (capabilities.Length > 0)
            await source.EnableMigrationCapabilitiesAsync(capabilities);
        await MigrateLiveAsync(source, receive.Address(), isXbzrle: Array.IndexOf(capabilities, "xbzrle") >= 0);
        await receive.DoneAsync();
        Assert.Contains("round 2:", receive.Output, StringComparison.Ordinal);
        Assert.Equal(Array.IndexOf(capabilities, "return-path") < 0, receive.Output.Contains("no return path", StringComparison.Ordinal));
        return count;
    }

    private static async Task MigrateLiveAsync(QemuProcess source, string uri, bool isXbzrle)
    {
        // Several rounds, whatever the speed of the machine, and then an end, whatever that speed is.
        await source.SetMigrationParametersAsync(new JsonObject { ["max-bandwidth"] = isXbzrle ? 16L << 20 : Unlimited, ["downtime-limit"] = 20 });
        await source.MigrateAsync(uri);
        await source.WaitForRoundsAsync(least: 3);
        await source.SetMigrationParametersAsync(new JsonObject { ["max-bandwidth"] = Unlimited, ["downtime-limit"] = 10_000 });
        JsonElement info = await source.WaitForMigrationAsync();
        if (isXbzrle)
            Assert.True(info.GetProperty("xbzrle-cache").GetProperty("pages").GetInt64() > 0, "no difference was sent");
        await source.WaitForRunStateAsync("postmigrate");
    }

    private static async Task GoesOnAsync(QemuProcess destination, ulong count)
    {
        CountingGuest guest = destination.Options.Guest!;
        await destination.WaitForRunStateAsync("running");
        AssertGuest.IsWhole(await guest.FindDamageAsync(destination));
        ulong now = await CountingGuest.WaitForCountAsync(destination, count);
        await CountingGuest.WaitForCountAsync(destination, now + 1000);
        AssertGuest.IsWhole(await guest.FindDamageAsync(destination));
    }

    private string Uri(string transport, string name) => transport == "tcp" ? "tcp:127.0.0.1:0" : $"unix:{PathOf(name)}";

    /// <summary>The port that QEMU has chosen.</summary>
    private static async Task<string> BoundAsync(QemuProcess destination)
    {
        JsonElement info = await destination.ExecuteAsync("query-migrate");
        return $"tcp:127.0.0.1:{info.GetProperty("socket-address")[0].GetProperty("port").GetString()}";
    }
}
