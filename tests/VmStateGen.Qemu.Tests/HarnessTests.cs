using System;
using System.Buffers.Binary;
using System.IO;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Tasks;

namespace VmStateGen.Qemu.Tests;

/// <summary>The harness that every other test with a real QEMU stands on.</summary>
public sealed class HarnessTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("vmsg-test-");

    public void Dispose() => _folder.Delete(recursive: true);

    [SkippableTheory, QemuVersions("pc", "q35")]
    public async Task Guest_goes_on_counting_in_a_second_process_from_a_file(string version, string machine)
    {
        QemuInstallation installation = TestQemu.Require(version);
        var guest = new CountingGuest();
        string file = Path.Combine(_folder.FullName, "it's a machine.mig");

        ulong saved;
        await using (QemuProcess source = await QemuProcess.StartAsync(installation, new() { Machine = machine, Guest = guest }))
        {
            ulong first = await CountingGuest.WaitForCountAsync(source, 0);
            await CountingGuest.WaitForCountAsync(source, first + (ulong)guest.Pages);
            AssertGuest.IsWhole(await guest.FindDamageAsync(source));

            await source.SaveToFileAsync(file);
            await source.WaitForRunStateAsync("postmigrate");
            saved = await CountingGuest.ReadCounterAsync(source) ?? 0;
            Assert.True(saved > first);
            AssertGuest.IsWhole(await guest.FindDamageAsync(source));
        }

        byte[] stream = await File.ReadAllBytesAsync(file);
        Assert.Equal(0x5145564Du, BinaryPrimitives.ReadUInt32BigEndian(stream));
        Assert.Equal(3u, BinaryPrimitives.ReadUInt32BigEndian(stream.AsSpan(4)));

        var incoming = new QemuOptions { Machine = machine, Guest = guest, Incoming = true };
        await using (QemuProcess destination = await QemuProcess.StartAsync(installation, incoming with { Paused = true }))
        {
            await destination.LoadAsync(file);
            Assert.Equal(saved, await CountingGuest.ReadCounterAsync(destination));
            AssertGuest.IsWhole(await guest.FindDamageAsync(destination));
        }

        await using (QemuProcess destination = await QemuProcess.StartAsync(installation, incoming))
        {
            await destination.LoadAsync(file);
            ulong later = await CountingGuest.WaitForCountAsync(destination, saved);
            await CountingGuest.WaitForCountAsync(destination, later + (ulong)guest.Pages);
            AssertGuest.IsWhole(await guest.FindDamageAsync(destination));
        }
    }

    [SkippableTheory]
    [InlineData("7.2", "10.0")]
    [InlineData("10.0", "7.2")]
    public async Task Running_guest_moves_between_versions_over_a_socket(string from, string to)
    {
        QemuInstallation fromInstallation = TestQemu.Require(from);
        QemuInstallation toInstallation = TestQemu.Require(to);
        var guest = new CountingGuest();
        var options = new QemuOptions { Machine = "pc-i440fx-7.2", Guest = guest };
        await using QemuProcess source = await QemuProcess.StartAsync(fromInstallation, options);
        await using QemuProcess destination = await QemuProcess.StartAsync(toInstallation, options with { Incoming = true });
        await CountingGuest.WaitForCountAsync(source, 0);

        string uri = $"unix:{Path.Combine(destination.Folder, "migration")}";
        await destination.MigrateIncomingAsync(uri);
        await source.MigrateAsync(uri);
        JsonElement info = await source.WaitForMigrationAsync();
        Assert.True(info.GetProperty("ram").GetProperty("transferred").GetInt64() > 0);
        await destination.WaitForMigrationAsync();
        await destination.WaitForRunStateAsync("running");

        ulong left = await CountingGuest.ReadCounterAsync(source) ?? 0;
        await CountingGuest.WaitForCountAsync(destination, left + (ulong)guest.Pages);
        AssertGuest.IsWhole(await guest.FindDamageAsync(destination));
    }

    [SkippableTheory, QemuVersions]
    public async Task Load_of_a_cut_stream_says_what_QEMU_said(string version)
    {
        QemuInstallation installation = TestQemu.Require(version);
        string file = Path.Combine(_folder.FullName, "cut.mig");
        await using (QemuProcess source = await QemuProcess.StartAsync(installation, new() { Paused = true }))
            await source.SaveToFileAsync(file);
        using (FileStream stream = File.OpenWrite(file))
            stream.SetLength(stream.Length / 2);

        await using QemuProcess destination = await QemuProcess.StartAsync(installation, new() { Incoming = true });
        QemuMigrationException e = await Assert.ThrowsAsync<QemuMigrationException>(() => destination.LoadAsync(file));
        Assert.Contains("load of migration failed", e.Message + destination.Output, StringComparison.OrdinalIgnoreCase);
    }

    [SkippableTheory, QemuVersions]
    public async Task Command_that_is_refused_is_named(string version)
    {
        QemuInstallation installation = TestQemu.Require(version);
        await using QemuProcess qemu = await QemuProcess.StartAsync(installation, new() { Paused = true });
        QmpException e = await Assert.ThrowsAsync<QmpException>(
            () => qemu.ExecuteAsync("device_del", new JsonObject { ["id"] = "nobody" }));
        Assert.Equal("device_del", e.Command);
        Assert.Equal("DeviceNotFound", e.ErrorClass);
        Assert.Contains("'device_del'", e.Message, StringComparison.Ordinal);
    }

    [SkippableTheory, QemuVersions]
    public async Task Event_is_kept_until_somebody_waits_for_it(string version)
    {
        QemuInstallation installation = TestQemu.Require(version);
        await using QemuProcess qemu = await QemuProcess.StartAsync(installation, new());
        await qemu.ExecuteAsync("stop");
        JsonElement status = await qemu.ExecuteAsync("query-status");
        Assert.False(status.GetProperty("running").GetBoolean());
        Assert.Equal("STOP", (await qemu.Qmp.WaitForEventAsync("STOP")).Name);

        await Assert.ThrowsAsync<QemuException>(() => qemu.Qmp.WaitForEventAsync("STOP", timeout: TimeSpan.FromMilliseconds(50)));
    }

    [SkippableTheory, QemuVersions]
    public async Task QEMU_that_ends_at_once_is_quoted(string version)
    {
        QemuInstallation installation = TestQemu.Require(version);
        QemuException e = await Assert.ThrowsAsync<QemuException>(
            () => QemuProcess.StartAsync(installation, new() { Arguments = ["-device", "no-such-device"] }));
        Assert.Contains("ended with code 1", e.Message, StringComparison.Ordinal);
        Assert.Contains("no-such-device", e.Message, StringComparison.Ordinal);
    }

    [SkippableTheory, QemuVersions]
    public async Task Command_to_a_QEMU_that_has_ended_says_so(string version)
    {
        QemuInstallation installation = TestQemu.Require(version);
        await using QemuProcess qemu = await QemuProcess.StartAsync(installation, new() { Paused = true });
        await qemu.ExecuteAsync("quit");
        Assert.Equal(0, await qemu.WaitForExitAsync(TimeSpan.FromMinutes(1)));
        QmpException e = await Assert.ThrowsAsync<QmpException>(async () =>
        {
            // The first may still meet the old connection half closed; either way it is this error.
            await qemu.ExecuteAsync("query-status");
        });
        Assert.Null(e.ErrorClass);
        Assert.Contains("ended with code 0", e.Message, StringComparison.Ordinal);
    }

    [SkippableTheory, QemuVersions]
    public async Task Nothing_is_left_of_a_disposed_process(string version)
    {
        QemuInstallation installation = TestQemu.Require(version);
        QemuProcess qemu = await QemuProcess.StartAsync(installation, new() { Guest = new CountingGuest() });
        string folder = qemu.Folder;
        int id = qemu.ProcessId;
        Assert.True(Directory.Exists(folder));
        Assert.True(Directory.Exists($"/proc/{id}"));
        await qemu.DisposeAsync();
        Assert.False(Directory.Exists(folder));
        Assert.False(Directory.Exists($"/proc/{id}"));
    }
}
