using System;
using System.Linq;
using System.Text.Json;
using QemuDevices;

namespace VmStateGen.QemuDevices.Tests;

/// <summary>Sections of older versions, and what a load of them leaves where they have nothing to say. LiveQemuTests asks QEMU the same.</summary>
public sealed class VersionTests
{
    private const string Qemu = "10.0 ";

    /// <summary>Device, version, bytes more than at the current version, and the field whose value is the default.</summary>
    public static TheoryData<string, int, int, string, string> OlderVersions => new()
    {
        { "pc i8254#0", 2, -4, "channels[0].irq_disabled", "00000000" },
        { "pc ps2kbd#0", 2, -4, "scancode_set", "00000002" },
        { "pc timer#0", 1, -8, "cpu_clock_offset", "0000000000000000" },
        { "pc serial#0", 2, 0, "", "" },
        { "pc 0000:00:03.0/e1000#0", 1, +4, "", "" },
        { "usb 0000:00:03.0/uhci#0", 2, -4, "pending_int_mask", "00000000" },
        { "stock-pc cpu#0", 11, -272, "env.xcr0", "0000000000000001" },
        { "stock-pc fw_cfg#0", 1, -2, "", "" },
        { "stock-pc ioapic#0", 1, -12, "irr", "00000000" },
        { "stock-pc mc146818rtc#0", 1, -48, "", "" },
        { "stock-pc 0000:00:01.0/PIIX3#0", 2, -16, "", "" },
        { "stock-pc 0000:00:01.1/ide#0", 0, -1140, "", "" },
        { "stock-q35 0000:00:1f.2/ich9_ahci#0", 0, 0, "", "" },
    };

    [Theory, MemberData(nameof(OlderVersions))]
    public void Section_of_an_older_version_loads(string name, int version, int difference, string missing, string value)
    {
        DeviceSection section = Fixture.Get(Qemu + name);
        byte[] old = SectionAssert.Save(SectionAssert.Load(section), version);
        Assert.Equal(section.Data.Length + difference, old.Length);

        // Into a device that has another value: the default comes from the load, not from the constructor.
        (int at, int size) = missing.Length > 0 ? Find(section, missing) : (0, 0);
        byte[] other = [.. section.Data];
        other.AsSpan(at, size).Fill(0x55);
        IVmState device = SectionAssert.Create(section);
        VmState.Load(device, other, section.Version);
        VmState.Load(device, old, version);
        Assert.Equal(old, SectionAssert.Save(device, version));
        byte[] now = SectionAssert.Save(device);
        Assert.Equal(section.Data.Length, now.Length);
        Assert.Equal(value, Convert.ToHexString(now, at, size));
        Assert.Equal(section.Data[..at], now[..at]);
        Assert.Equal(section.Data[(at + size)..], now[(at + size)..]);
    }

    [Fact]
    public void Every_device_with_older_versions_is_listed() =>
        Assert.Equal(
            DeviceCatalog.Names.SelectMany(name => DeviceCatalog.Candidates(name)).DistinctBy(device => device.StateType.Name)
                .Where(device => device.StateType.MinimumVersion < device.StateType.Version)
                .Select(device => $"{device.StateType.Name} {device.StateType.MinimumVersion}..{device.StateType.Version}"),
            [
                "PIIX3 2..3", "cpu 11..12", "e1000 1..2", "fw_cfg 1..2", "i8254 2..3", "ich9_ahci 0..1", "ide 0..3", "ioapic 1..3", "mc146818rtc 1..3",
                "ps2kbd 2..3", "serial 2..3", "timer 1..2", "uhci 1..3",
            ]);

    /// <summary>Place of a field of the section itself.</summary>
    private static (int Offset, int Size) Find(DeviceSection section, string name)
    {
        using JsonDocument description = JsonDocument.Parse(section.Description);
        int at = 0;
        foreach (JsonElement field in description.RootElement.GetProperty("fields").EnumerateArray())
        {
            int size = field.GetProperty("size").GetInt32() * (field.TryGetProperty("array_len", out JsonElement count) ? count.GetInt32() : 1);
            if (field.GetProperty("name").GetString() == name)
                return (at, size);
            at += size;
        }
        throw new InvalidOperationException($"{section} has no {name}");
    }
}
