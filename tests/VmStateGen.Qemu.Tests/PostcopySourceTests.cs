using System;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Migration;
using VmStateGen.Tool.Tests;

namespace VmStateGen.Qemu.Tests;

/// <summary>A guest that sleeps in a machine of ours goes on in a stock QEMU before its memory has come there.</summary>
public sealed class PostcopySourceTests : FolderTest
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);
    private static readonly CountingGuest Guest = new(pages: 8192, delay: 40);
    private static readonly CountingGuest SlowGuest = new(pages: 2048, delay: 400_000);

    [SkippableTheory]
    [InlineData("7.2", "unix", false, PostcopyStart.AtOnce)]
    [InlineData("7.2", "tcp", true, PostcopyStart.OnRequest)]
    [InlineData("10.0", "tcp", false, PostcopyStart.OnRequest)]
    [InlineData("10.0", "unix", true, PostcopyStart.AtOnce)]
    public async Task A_guest_goes_on_in_QEMU_before_its_memory_has_come(string version, string transport, bool preempt, PostcopyStart start)
    {
        QemuInstallation installation = TestQemu.Require(version);
        using var watchdog = new Watchdog(2 * Limit);
        QemuOptions options = Options(Guest);
        (TwinMachine twin, ulong counted) = await FillAsync(installation, options);
        using TwinMachine machine = twin;
        await using QemuProcess destination = await QemuProcess.StartAsync(installation, options with { Incoming = true });
        string uri = await ListenAsync(destination, transport, preempt);
        var source = new MigrationSource(machine.Machine, SourceOptions(version, new PostcopySourceOptions { Start = start, Preempt = preempt }) with
        {
            // Precopy comes to some of it, and not to its end.
            MaxBandwidth = start == PostcopyStart.OnRequest ? 20 << 20 : 0,
        });
        Task<MigrationResult> sending = source.MigrateAsync(ChannelAddress.Parse(uri));
        if (start == PostcopyStart.OnRequest)
        {
            await UntilAsync(source, progress => progress.BytesTransferred > 2 << 20, sending);
            source.StartPostcopy();
        }
        MigrationResult result = await sending.WaitAsync(Limit);
        await destination.WaitForMigrationAsync();
        Assert.Equal(MigrationStatus.Completed, result.Status);
        Assert.True(result.Progress.PostcopySource!.Requests > 0);
        Assert.Equal(start == PostcopyStart.OnRequest, result.Progress.Ram.Normal > 0);
        await GoesOnAsync(destination, counted);
    }

    [SkippableTheory]
    [InlineData("7.2", false)]
    [InlineData("7.2", true)]
    [InlineData("10.0", false)]
    [InlineData("10.0", true)]
    public async Task Ten_cuts_in_a_row_are_recovered_from(string version, bool preempt)
    {
        QemuInstallation installation = TestQemu.Require(version);
        using var watchdog = new Watchdog(2 * Limit);
        QemuOptions options = Options(SlowGuest);
        (TwinMachine twin, ulong counted) = await FillAsync(installation, options);
        using TwinMachine machine = twin;
        await using QemuProcess destination = await QemuProcess.StartAsync(installation, options with { Incoming = true });
        string uri = await ListenAsync(destination, "unix", preempt);

        // So slow that ten cuts are over before all pages have come, on a busy machine too.
        var source = new MigrationSource(machine.Machine, SourceOptions(version, new PostcopySourceOptions { Start = PostcopyStart.AtOnce, Preempt = preempt, MaxBandwidth = 256 << 10 }));
        Task<MigrationResult> sending = source.MigrateAsync(ChannelAddress.Parse(uri));
        for (int cut = 0; cut < 10; cut++)
        {
            await destination.WaitForMigrationStatusAsync(["postcopy-active"]);
            await UntilAsync(source, progress => progress.Status == MigrationStatus.PostcopyActive, sending);
            await Task.Delay(30);
            await destination.Qmp.ExecuteOutOfBandAsync("migrate-pause");
            await destination.WaitForMigrationStatusAsync(["postcopy-paused"]);
            await UntilAsync(source, progress => progress.Status == MigrationStatus.PostcopyPaused, sending);
            await destination.Qmp.ExecuteOutOfBandAsync("migrate-recover", new JsonObject { ["uri"] = uri });
            source.Recover(ChannelAddress.Parse(uri));
        }

        // What is left is touched, asked for, and comes at once.
        await destination.WaitForMigrationStatusAsync(["postcopy-active", "completed"]);
        await destination.PhysicalMemoryReadAsync(0, SlowGuest.EndAddress);
        MigrationResult result = await sending.WaitAsync(Limit);
        await destination.WaitForMigrationAsync();
        Assert.Equal(MigrationStatus.Completed, result.Status);
        await GoesOnAsync(destination, counted);
    }

    private static QemuOptions Options(CountingGuest guest) => new() { Guest = guest, Arguments = ["-nodefaults", "-net", "none", "-cpu", "qemu64"] };

    private static MigrationSourceOptions SourceOptions(string version, PostcopySourceOptions postcopy) => new()
    {
        Postcopy = postcopy,
        Dialect = version == "7.2" ? VmDescriptionDialect.Qemu72 : VmDescriptionDialect.Qemu100,
        Connect = new ConnectOptions { Retry = true, Timeout = TimeSpan.FromSeconds(30) },
    };

    private static async Task UntilAsync(MigrationSource source, Func<MigrationProgress, bool> reached, Task<MigrationResult> sending)
    {
        while (!reached(source.Progress))
        {
            Assert.False(sending.IsCompleted, $"{sending.Exception?.InnerException?.Message}");
            await Task.Delay(5);
        }
    }

    /// <summary>A machine of ours with a guest in it that has come from a QEMU.</summary>
    private async Task<(TwinMachine Twin, ulong Counted)> FillAsync(QemuInstallation installation, QemuOptions options)
    {
        string path = PathOf("template");
        await using (QemuProcess template = await QemuProcess.StartAsync(installation, options with { Paused = true }))
            await template.SaveToFileAsync(path);
        TwinMachine twin = TwinMachine.Of(path);
        await using QemuProcess source = await QemuProcess.StartAsync(installation, options);
        ulong counted = await CountingGuest.WaitForCountAsync(source, (ulong)options.Guest!.Pages);
        await source.EnableMigrationCapabilitiesAsync(["return-path"]);
        string uri = $"unix:{PathOf("in")}";
        Task<MigrationResult> received = new MigrationDestination(twin.Machine).ReceiveAsync(ChannelAddress.Parse(uri));
        await source.MigrateAsync(uri);
        await received.WaitAsync(Limit);
        return (twin, counted);
    }

    private async Task<string> ListenAsync(QemuProcess destination, string transport, bool preempt)
    {
        await destination.EnableMigrationCapabilitiesAsync(preempt ? ["postcopy-ram", "postcopy-preempt"] : ["postcopy-ram"]);
        string uri = transport == "tcp" ? "tcp:127.0.0.1:0" : $"unix:{PathOf("out")}";
        await destination.MigrateIncomingAsync(uri);
        if (transport == "unix")
            return uri;
        System.Text.Json.JsonElement info = await destination.ExecuteAsync("query-migrate");
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
