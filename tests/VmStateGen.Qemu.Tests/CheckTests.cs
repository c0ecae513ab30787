using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using VmStateGen.Schema;
using VmStateGen.Tool.Tests;

namespace VmStateGen.Qemu.Tests;

/// <summary>
/// <c>vmstate check</c> on dumps of 7.2 and 10.0: what it prints is exactly what docs/qemu-check.md lists, and the migrations there end as it says.
/// </summary>
public sealed class CheckTests : FolderTest
{
    private const string Machine = "pc-i440fx-7.2";

    private static readonly string[] From72To100 =
    [
        "am53c974 esp/drq_state: FieldAdded", "am53c974 esp/esp/pdma: SubsectionRemoved", "pci-qxl: SectionRemoved", "sysbus-ahci: SectionRemoved",
    ];

    private static readonly string[] From100To72 =
    [
        "acpi-ged acpi-ged/cpuhp: SubsectionRemoved", "am53c974 esp/drq_state: FieldRemoved", "igb: SectionRemoved", "kvm-i8259 i8259/ltim: SubsectionRemoved",
        "piix4-isa: SectionRemoved", "ramfb: SectionRemoved", "sd-card-spi sd-card/ext_csd_modes-state: SubsectionRemoved", "uefi-vars-sysbus: SectionRemoved",
        "vhost-user-fs-device: SectionRemoved", "vhost-vdpa-device: SectionRemoved", "virtio-gpu-device virtio-gpu/blob: SubsectionRemoved", "vmclock: SectionRemoved",
        "xen-evtchn: SectionRemoved", "xen-gnttab: SectionRemoved", "xen-overlay: SectionRemoved", "xen-platform: SectionRemoved", "xen-xenstore: SectionRemoved",
    ];

    [SkippableFact]
    public async Task Findings_are_those_that_are_proved()
    {
        QemuInstallation old = TestQemu.Require("7.2"), current = TestQemu.Require("10.0");
        QemuDump left = await DumpAsync(old), right = await DumpAsync(current);
        Assert.Equal(From72To100.Order(StringComparer.Ordinal), Find(left, right));
        Assert.Equal(From100To72.Order(StringComparer.Ordinal), Find(right, left));
        Assert.Empty(Find(left, left));
        Assert.Empty(Find(right, right));
    }

    [SkippableTheory]
    [InlineData("7.2", "10.0", "am53c974", "am53c974", "load of migration failed")]
    [InlineData("7.2", "10.0", "dc390", "dc390", "load of migration failed")]
    [InlineData("7.2", "10.0", "qxl", "", "qxl.vgavram")]
    [InlineData("10.0", "7.2", "igb", "", "/igb")]
    [InlineData("10.0", "7.2", "ramfb,x-migrate=on", "ramfb", "ramfb-dev")]
    [InlineData("10.0", "7.2", "uefi-vars-x64", "", "uefi-vars-sysbus")]
    [InlineData("10.0", "7.2", "vmclock", "", "vmclock")]
    public async Task Migration_fails_as_found(string from, string to, string device, string destination, string reason)
    {
        string file = await SaveAsync(from, Device(device));
        Assert.Contains(reason, await FailAsync(to, file, Device(destination)), StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("7.2", "10.0", "e1000e")]
    [InlineData("10.0", "7.2", "e1000e")]
    [InlineData("7.2", "10.0", "piix4-ide")]
    [InlineData("10.0", "7.2", "piix4-ide")]
    [InlineData("10.0", "7.2", "ramfb")]
    public async Task Migration_succeeds_where_nothing_is_found(string from, string to, string device)
    {
        string file = await SaveAsync(from, Device(device));
        await using QemuProcess destination = await QemuProcess.StartAsync(TestQemu.Require(to), Options(Device(device)) with { Incoming = true });
        await destination.LoadAsync(file);
    }

    [SkippableFact]
    public async Task Interrupt_controller_in_level_mode_is_refused()
    {
        string file = PathOf("ltim.mig");
        await using (QemuProcess source = await QemuProcess.StartAsync(TestQemu.Require("10.0"), Options([])))
        {
            // ICW1 with the level bit.
            await source.ExecuteAsync("human-monitor-command", new JsonObject { ["command-line"] = "o /b 0x20 0x19" });
            await source.SaveToFileAsync(file);
        }
        Assert.Contains("i8259", await FailAsync("7.2", file, []), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Board_with_the_other_south_bridge_is_refused()
    {
        string file = PathOf("piix4.mig");
        await using (QemuProcess source = await QemuProcess.StartAsync(TestQemu.Require("10.0"), Options([]) with { Machine = Machine + ",x-south-bridge=piix4-isa" }))
            await source.SaveToFileAsync(file);
        Assert.Contains("load of migration failed", await FailAsync("7.2", file, []), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task New_byte_of_esp_is_read_as_another_field()
    {
        string file = await SaveAsync("10.0", Device("am53c974"));
        JsonElement request = Field(file, "esp/drq_state");
        byte[] stream = await File.ReadAllBytesAsync(file);
        stream[request.GetProperty("offset").GetInt64()] = 1;
        await File.WriteAllBytesAsync(file, stream);
        string back = PathOf("back.mig");
        await using (QemuProcess destination = await QemuProcess.StartAsync(TestQemu.Require("7.2"), Options(Device("am53c974")) with { Incoming = true }))
        {
            await destination.LoadAsync(file);
            await destination.SaveToFileAsync(back);
        }
        Assert.Equal("1", Field(back, "esp/lun").GetProperty("value").ToString());
    }

    private static JsonElement Field(string file, string path)
    {
        JsonElement root = Cli.Json("inspect", file, "--device", "0000:00:02.0/pciespscsi", "--json");
        return Fields(root).First(field => field.TryGetProperty("path", out JsonElement name) && name.ToString() == path);

        static IEnumerable<JsonElement> Fields(JsonElement element) => element.ValueKind switch
        {
            JsonValueKind.Object => element.EnumerateObject().SelectMany(member => Fields(member.Value)).Prepend(element),
            JsonValueKind.Array => element.EnumerateArray().SelectMany(Fields),
            _ => [],
        };
    }

    private static string[] Device(string device) => device.Length == 0 ? [] : ["-device", device];

    private static QemuOptions Options(string[] arguments) => new() { Machine = Machine, Paused = true, Arguments = ["-nodefaults", .. arguments] };

    private async Task<string> SaveAsync(string version, string[] arguments)
    {
        string file = PathOf("saved.mig");
        await using QemuProcess source = await QemuProcess.StartAsync(TestQemu.Require(version), Options(arguments));
        await source.SaveToFileAsync(file);
        return file;
    }

    private static async Task<string> FailAsync(string version, string file, string[] arguments)
    {
        await using QemuProcess destination = await QemuProcess.StartAsync(TestQemu.Require(version), Options(arguments) with { Incoming = true });
        QemuMigrationException e = await Assert.ThrowsAsync<QemuMigrationException>(() => destination.LoadAsync(file));
        return e.Message + destination.Output;
    }

    private static IEnumerable<string> Find(QemuDump old, QemuDump current) => QemuDumpChecker.Compare(old, current).Findings
        .Select(finding => $"{(finding.Places[0].SectionKey + " " + finding.Places[0].Path).TrimEnd()}: {finding.Rule}").Order(StringComparer.Ordinal);

    private async Task<QemuDump> DumpAsync(QemuInstallation installation)
    {
        string file = PathOf($"{installation.Release}.json");
        using var process = Process.Start(new ProcessStartInfo(installation.Path, ["-M", Machine, "-dump-vmstate", file]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        string errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, errors);
        return QemuDump.Parse(await File.ReadAllTextAsync(file));
    }
}
