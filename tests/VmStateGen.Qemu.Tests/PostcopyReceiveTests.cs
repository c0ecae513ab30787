using System.Text.Json.Nodes;
using System.Threading.Tasks;
using VmStateGen.Tool.Tests;

namespace VmStateGen.Qemu.Tests;

/// <summary>A stock QEMU's postcopy, of a guest that runs, received into a file, which is loaded and served.</summary>
public sealed class PostcopyReceiveTests : FolderTest
{
    private const string OldMachine = "pc-i440fx-7.2";

    private static readonly CountingGuest Guest = new(pages: 8192, delay: 40);

    private static readonly QemuOptions Options = new() { Guest = Guest };

    [SkippableTheory]
    [InlineData("7.2", "unix", OldMachine, false, 0)]
    [InlineData("7.2", "tcp", OldMachine, true, 0)]
    [InlineData("10.0", "tcp", "pc", false, 0)]
    [InlineData("10.0", "unix", "pc", true, 0)]
    [InlineData("10.0", "unix", OldMachine, true, 0)]
    [InlineData("7.2", "unix", OldMachine, false, 10)]
    [InlineData("7.2", "unix", OldMachine, true, 10)]
    [InlineData("10.0", "unix", "pc", false, 10)]
    [InlineData("10.0", "unix", "pc", true, 10)]
    public async Task A_running_guest_is_received_by_postcopy_and_goes_on_from_the_file(string version, string transport, string machine, bool preempt, int cuts)
    {
        QemuInstallation qemu = TestQemu.Require(version);
        QemuOptions options = Options with { Machine = machine };
        ulong count;
        await using (QemuProcess source = await QemuProcess.StartAsync(qemu, options))
        {
            count = await CountingGuest.WaitForCountAsync(source, (ulong)Guest.Pages);
            await source.EnableMigrationCapabilitiesAsync(preempt ? ["postcopy-ram", "postcopy-preempt"] : ["postcopy-ram"]);
            // Precopy comes to some of it and never to its end; postcopy is slow enough to be cut.
            await source.SetMigrationParametersAsync(new JsonObject { ["max-bandwidth"] = 20L << 20, ["max-postcopy-bandwidth"] = cuts > 0 ? 1L << 20 : 0 });
            var receive = LiveCli.Start("receive", transport == "tcp" ? "tcp:127.0.0.1:0" : $"unix:{PathOf("in")}", "-o", PathOf("guest"), "--postcopy");
            string uri = receive.Address();
            await source.MigrateAsync(uri);
            await source.WaitForMigrationStatusAsync(["active"]);
            await Task.Delay(300);
            await source.ExecuteAsync("migrate-start-postcopy");
            for (int cut = 0; cut < cuts; cut++)
            {
                await source.WaitForMigrationStatusAsync(["postcopy-active"]);
                await Task.Delay(100);
                await source.Qmp.ExecuteOutOfBandAsync("migrate-pause");
                await source.WaitForMigrationStatusAsync(["postcopy-paused"]);
                await source.ExecuteAsync("migrate", new JsonObject { ["uri"] = uri, ["resume"] = true });
            }
            if (cuts > 0)
                await source.SetMigrationParametersAsync(new JsonObject { ["max-postcopy-bandwidth"] = 0 });
            await receive.DoneAsync();
            await source.WaitForMigrationAsync();
            Assert.Equal(cuts, receive.Output.Split("the link was lost").Length - 1);
        }

        // As it is, where QEMU takes such a file; everywhere by send; and by serve.
        if (qemu.HasFileTransport)
        {
            await using QemuProcess loaded = await QemuProcess.StartAsync(qemu, options with { Incoming = true });
            await loaded.EnableMigrationCapabilitiesAsync(["mapped-ram"]);
            await loaded.LoadAsync(PathOf("guest"));
            await GoesOnAsync(loaded, count);
        }
        foreach (string command in (string[])["send", "serve"])
        {
            await using QemuProcess destination = await QemuProcess.StartAsync(qemu, options with { Incoming = true });
            if (command == "serve")
                await destination.EnableMigrationCapabilitiesAsync(["postcopy-ram"]);
            await destination.MigrateIncomingAsync($"unix:{PathOf("out")}");
            await LiveCli.Start(command, PathOf("guest"), $"unix:{PathOf("out")}", "--wait", "20").DoneAsync();
            await destination.WaitForMigrationAsync();
            await GoesOnAsync(destination, count);
        }
    }

    [SkippableTheory]
    [QemuVersions]
    public async Task A_source_that_never_switches_is_received_as_ever(string version)
    {
        QemuInstallation qemu = TestQemu.Require(version);
        await using QemuProcess source = await QemuProcess.StartAsync(qemu, Options);
        ulong count = await CountingGuest.WaitForCountAsync(source, (ulong)Guest.Pages);
        await source.EnableMigrationCapabilitiesAsync(["postcopy-ram"]);
        await source.SetMigrationParametersAsync(new JsonObject { ["max-bandwidth"] = 1L << 40, ["downtime-limit"] = 10_000 });
        var receive = LiveCli.Start("receive", $"unix:{PathOf("in")}", "-o", PathOf("guest"), "--postcopy");
        await source.MigrateAsync(receive.Address());
        await receive.DoneAsync();
        await source.WaitForMigrationAsync();
        await using QemuProcess destination = await QemuProcess.StartAsync(qemu, Options with { Incoming = true });
        await destination.MigrateIncomingAsync($"unix:{PathOf("out")}");
        await LiveCli.Start("send", PathOf("guest"), $"unix:{PathOf("out")}", "--wait", "20").DoneAsync();
        await destination.WaitForMigrationAsync();
        await GoesOnAsync(destination, count);
    }

    private static async Task GoesOnAsync(QemuProcess destination, ulong count)
    {
        await destination.WaitForRunStateAsync("running");
        AssertGuest.IsWhole(await Guest.FindDamageAsync(destination));
        ulong now = await CountingGuest.WaitForCountAsync(destination, count);
        await CountingGuest.WaitForCountAsync(destination, now + 1000);
        AssertGuest.IsWhole(await Guest.FindDamageAsync(destination));
    }
}
