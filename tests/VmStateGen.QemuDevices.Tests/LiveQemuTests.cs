using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;
using VmStateGen.Qemu;
using VmStateGen.Qemu.Tests;

namespace VmStateGen.QemuDevices.Tests;

/// <summary>What a QEMU on this machine writes now, and what it makes of what we write.</summary>
public sealed class LiveQemuTests
{
    public static TheoryData<string, string> ScenesOfEveryQemu()
    {
        var data = new TheoryData<string, string>();
        foreach (Scene scene in Scene.All)
        {
            foreach (string version in scene.Versions)
                data.Add(scene.Name, version);
        }
        return data;
    }

    [SkippableTheory, MemberData(nameof(ScenesOfEveryQemu))]
    public async Task Sections_load_and_are_saved_and_described_as_QEMU_did(string scene, string version)
    {
        QemuInstallation installation = TestQemu.Require(version);
        Scene played = Scene.All.Single(candidate => candidate.Name == scene);
        Skip.If(played.Accelerator == "kvm" && !TestQemu.HasKvm, "there is no usable /dev/kvm");
        List<DeviceSection> sections = await played.PlayAsync(installation);

        Assert.Equal(played.Subsections, played.Subsections.Where(name => sections.Exists(section => section.HasSubsection(name))));
        foreach (DeviceSection section in sections)
            SectionAssert.IsReproduced(section, version);
        Fixture.Record(version, installation.Release, scene, sections);
    }

    /// <summary>No device of the catalog is on PCI Express; the card here is, and starts with the same base class.</summary>
    [SkippableTheory, QemuVersions]
    public async Task Base_class_of_PCI_devices_serves_an_Express_card(string version)
    {
        Scene scene = new() { Name = "express", Machine = "q35", Devices = ["e1000e"], Arguments = ["-device", "e1000e,addr=3"] };
        DeviceSection section = Assert.Single(await scene.PlayAsync(TestQemu.Require(version)));
        JsonElement expected = FirstField(section.Description);
        byte[] data = section.Data[..expected.GetProperty("size").GetInt32()];
        Assert.Equal(4 + 4096 + 16, data.Length);

        var card = new ExpressCard();
        VmState.Load(card, data);
        Assert.Equal(data, SectionAssert.Save(card));
        JsonElement described = FirstField(SectionAssert.Describe(section, card, version));
        Assert.Equal(expected.GetProperty("struct").GetRawText(), described.GetProperty("struct").GetRawText());

        static JsonElement FirstField(string description) => JsonDocument.Parse(description).RootElement.GetProperty("fields")[0];
    }

    /// <summary>The registers' numbers, QEMU's treatment of each old version and of what it does not find in one, in one load.</summary>
    [SkippableTheory]
    [QemuVersions("pc", "stock-pc", "stock-q35")]
    public async Task QEMU_loads_older_versions_as_we_write_them_and_fills_the_gaps_as_we_do(string version, string scene)
    {
        QemuInstallation installation = TestQemu.Require(version);
        var expected = new List<DeviceSection>();
        List<DeviceSection> sections = await Scene.All.Single(candidate => candidate.Name == scene).PlayAsync(installation, section =>
        {
            IVmState device = SectionAssert.Load(section);
            int older = device.StateType.MinimumVersion;
            // Loading an old clock or an old drive, QEMU works out from other state and from the host's clock what the stream lacks.
            if (older == device.StateType.Version || section.VmsdName is "mc146818rtc" or "ide")
                return section;
            DeviceSection old = section with { Version = older, Data = SectionAssert.Save(device, older) };
            expected.Add(section with { Data = SectionAssert.Save(SectionAssert.Load(old), section.Version) });
            return old;
        });
        sections = [.. sections.Where(section => expected.Exists(other => (other.Name, other.InstanceId) == (section.Name, section.InstanceId)))];
        Assert.Equal(expected.Count, sections.Count);
        Assert.All(expected.Zip(sections), pair =>
        {
            (DeviceSection ours, DeviceSection theirs) = pair;
            Assert.Equal(ours.Version, theirs.Version);
            Assert.True(ours.Data.AsSpan().SequenceEqual(theirs.Data), $"{ours}: differs from byte {ours.Data.AsSpan().CommonPrefixLength(theirs.Data)} on");
        });
    }
}
