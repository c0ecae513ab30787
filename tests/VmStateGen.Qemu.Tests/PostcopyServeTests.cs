using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;
using VmStateGen.Tool.Tests;

namespace VmStateGen.Qemu.Tests;

/// <summary>Guests that <c>vmstate serve</c> starts from a file in stock QEMUs; each says of all its memory whether it is right.</summary>
public sealed class PostcopyServeTests : FolderTest
{
    private const string OldMachine = "pc-i440fx-7.2";

    /// <summary>Walks 32 of 64 MiB, again and again.</summary>
    private static readonly CountingGuest Guest = new(pages: 8192, delay: 40);

    /// <summary>Takes some seconds for 8 MiB: pages are still missing when the link is cut for the tenth time.</summary>
    private static readonly CountingGuest SlowGuest = new(pages: 2048, delay: 400_000);

    private static readonly QemuOptions Options = new() { Guest = Guest, Machine = OldMachine };

    [SkippableTheory]
    [InlineData("7.2", "7.2", "unix", "plain", false)]
    [InlineData("7.2", "7.2", "tcp", "mapped", true)]
    [InlineData("7.2", "10.0", "unix", "plain", true)]
    [InlineData("10.0", "10.0", "tcp", "plain", false)]
    [InlineData("10.0", "10.0", "unix", "mapped", true)]
    [InlineData("10.0", "10.0", "tcp", "mapped", true)]
    [InlineData("10.0", "7.2", "unix", "mapped", false)]
    [InlineData("10.0", "7.2", "tcp", "plain", true)]
    public async Task A_guest_starts_from_a_file_and_its_pages_follow(string from, string to, string transport, string layout, bool preempt)
    {
        QemuInstallation loader = TestQemu.Require(to);
        ulong count = await SaveAsync(TestQemu.Require(from), Options, layout);
        await using QemuProcess destination = await QemuProcess.StartAsync(loader, Options with { Incoming = true });
        string uri = await ListenAsync(destination, transport, "out", preempt);
        var serve = LiveCli.Start(["serve", PathOf("guest"), uri, .. preempt ? ["--preempt"] : Array.Empty<string>()]);
        await serve.DoneAsync();
        await destination.WaitForMigrationAsync();
        await GoesOnAsync(destination, count);
        Assert.Contains("devices loaded after", serve.Output, StringComparison.Ordinal);
        Assert.Equal(layout == "plain", serve.Output.Contains("index kept beside the file", StringComparison.Ordinal));
    }

    [SkippableTheory]
    [InlineData("7.2", false)]
    [InlineData("7.2", true)]
    [InlineData("10.0", false)]
    [InlineData("10.0", true)]
    public async Task Ten_cuts_in_a_row_are_recovered_from(string version, bool preempt)
    {
        QemuInstallation qemu = TestQemu.Require(version);
        QemuOptions options = Options with { Guest = SlowGuest };
        ulong count = await SaveAsync(qemu, options, "mapped");
        await using QemuProcess destination = await QemuProcess.StartAsync(qemu, options with { Incoming = true });
        string uri = await ListenAsync(destination, "unix", "out", preempt);

        // So slow that ten cuts are over before all pages have come, on a busy machine too.
        var serve = LiveCli.Start(["serve", PathOf("guest"), uri, "--bandwidth", "256K", "--json", .. preempt ? ["--preempt"] : Array.Empty<string>()]);
        for (int cut = 0; cut < 10; cut++)
        {
            await destination.WaitForMigrationStatusAsync(["postcopy-active"]);
            await Task.Delay(30);
            await destination.Qmp.ExecuteOutOfBandAsync("migrate-pause");
            await RecoverAsync(destination, uri, serve, recoveries: cut + 1);
        }
        await serve.DoneAsync();
        await destination.WaitForMigrationAsync();
        Assert.Contains("\"recoveries\":10", serve.Output, StringComparison.Ordinal);
        Assert.Contains("pages of pc.ram", serve.Output, StringComparison.Ordinal);
        await GoesOnAsync(destination, count);
    }

    /// <summary>
    /// A stock destination goes on listening where it has listened, and <c>serve</c> connects again of its own accord: whoever is the first
    /// of it and <c>migrate-recover</c>, the guest goes on, and the command that comes too late is refused (qemu-migration.md §14).
    /// </summary>
    private static async Task RecoverAsync(QemuProcess destination, string uri, LiveCli serve, int recoveries)
    {
        int Recovered() => serve.Output.Split("\"event\":\"recovered\"").Length - 1;
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        bool isAsked = false;
        while (Recovered() < recoveries)
        {
            Assert.False(patience.IsCancellationRequested, $"recovery {recoveries} does not come: {serve.Output}{serve.Errors}{destination.Output}");
            if (!isAsked)
                isAsked = await TryRecoverAsync(destination, uri);
            await Task.Delay(20);
        }
    }

    private static async Task<bool> TryRecoverAsync(QemuProcess destination, string uri)
    {
        try
        {
            await destination.Qmp.ExecuteOutOfBandAsync("migrate-recover", new JsonObject { ["uri"] = uri });
            return true;
        }
        catch (QmpException e) when (e.Message.Contains("when postcopy is paused", StringComparison.Ordinal))
        {
            // It is not paused yet, or no longer.
            return false;
        }
    }

    [SkippableFact]
    public async Task Four_guests_start_from_one_file_at_once()
    {
        QemuInstallation qemu = TestQemu.Require("10.0");
        ulong count = await SaveAsync(qemu, Options, "mapped");
        QemuProcess[] destinations = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => QemuProcess.StartAsync(qemu, Options with { Incoming = true })));
        try
        {
            string[] uris = await Task.WhenAll(destinations.Select((destination, i) => ListenAsync(destination, "unix", $"out{i}", preempt: false)));
            await LiveCli.Start(["serve", PathOf("guest"), .. uris]).DoneAsync();
            foreach (QemuProcess destination in destinations)
            {
                await destination.WaitForMigrationAsync();
                await GoesOnAsync(destination, count);
            }
        }
        finally
        {
            foreach (QemuProcess destination in destinations)
                await destination.DisposeAsync();
        }
    }

    [SkippableTheory]
    [QemuVersions]
    public async Task A_server_that_was_killed_is_followed_by_another(string version)
    {
        QemuInstallation qemu = TestQemu.Require(version);
        QemuOptions options = Options with { Guest = SlowGuest };
        ulong count = await SaveAsync(qemu, options, "mapped");
        await using QemuProcess destination = await QemuProcess.StartAsync(qemu, options with { Incoming = true });
        string uri = await ListenAsync(destination, "unix", "out", preempt: false);
        var first = LiveCli.Start("serve", PathOf("guest"), uri, "--bandwidth", "256K", "--recover-timeout", "0");
        await destination.WaitForMigrationStatusAsync(["postcopy-active"]);
        await destination.Qmp.ExecuteOutOfBandAsync("migrate-pause");
        Assert.Equal(4, await first.CodeAsync());
        Assert.Contains("the guest there lacks", first.Errors, StringComparison.Ordinal);
        await destination.WaitForMigrationStatusAsync(["postcopy-paused"]);
        await destination.Qmp.ExecuteOutOfBandAsync("migrate-recover", new JsonObject { ["uri"] = uri });
        await LiveCli.Start("serve", PathOf("guest"), uri, "--resume", "--wait", "20").DoneAsync();
        await destination.WaitForMigrationAsync();
        await GoesOnAsync(destination, count);
    }

    [SkippableTheory]
    [QemuVersions]
    public async Task A_destination_that_is_another_machine_refuses_it_before_it_could_run(string version)
    {
        QemuInstallation qemu = TestQemu.Require(version);
        await SaveAsync(qemu, Options with { Arguments = ["-device", "e1000,romfile="] }, "mapped");
        await using QemuProcess destination = await QemuProcess.StartAsync(qemu, Options with { Incoming = true });
        string uri = await ListenAsync(destination, "unix", "out", preempt: false);
        (int code, string _, string errors) = Cli.Run("serve", PathOf("guest"), uri);
        Assert.Equal(4, code);
        Assert.Contains("the guest has not started", errors, StringComparison.Ordinal);
    }

    /// <summary>Saves a running guest whose every page has been written.</summary>
    /// <returns>A count that it had passed.</returns>
    private async Task<ulong> SaveAsync(QemuInstallation qemu, QemuOptions options, string layout)
    {
        await using QemuProcess source = await QemuProcess.StartAsync(qemu, options);
        ulong count = await CountingGuest.WaitForCountAsync(source, (ulong)options.Guest!.Pages);
        bool isMapped = layout == "mapped" && qemu.HasFileTransport;
        if (isMapped)
            await source.EnableMigrationCapabilitiesAsync(["mapped-ram"]);
        await source.SaveToFileAsync(PathOf("guest"));
        if (layout == "mapped" && !isMapped)
        {
            (int code, string _, string errors) = Cli.Run("convert", PathOf("guest"), PathOf("mapped"), "--to", "mapped-ram");
            Assert.True(code == 0, errors);
            File.Move(PathOf("mapped"), PathOf("guest"), overwrite: true);
        }
        return count;
    }

    private async Task<string> ListenAsync(QemuProcess destination, string transport, string name, bool preempt)
    {
        await destination.EnableMigrationCapabilitiesAsync(preempt ? ["postcopy-ram", "postcopy-preempt"] : ["postcopy-ram"]);
        string uri = transport == "tcp" ? "tcp:127.0.0.1:0" : $"unix:{PathOf(name)}";
        await destination.MigrateIncomingAsync(uri);
        if (transport == "unix")
            return uri;
        JsonElement info = await destination.ExecuteAsync("query-migrate");
        return $"tcp:127.0.0.1:{info.GetProperty("socket-address")[0].GetProperty("port").GetString()}";
    }

    private static async Task GoesOnAsync(QemuProcess destination, ulong count)
    {
        CountingGuest guest = destination.Options.Guest!;
        await destination.WaitForRunStateAsync("running");
        AssertGuest.IsWhole(await guest.FindDamageAsync(destination));
        ulong now = await CountingGuest.WaitForCountAsync(destination, count);
        await CountingGuest.WaitForCountAsync(destination, now + 100);
        AssertGuest.IsWhole(await guest.FindDamageAsync(destination));
    }
}
