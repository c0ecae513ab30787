using System;
using System.Collections.Generic;
using System.Linq;
using VmStateGen;
using VmStateGen.Runtime.Streams.Qemu;

namespace QemuDevices;

/// <summary>The devices that this sample declares, by the name of their section.</summary>
public static partial class DeviceCatalog
{
    private static readonly SortedDictionary<string, Func<HotplugCounts, IVmState>[]> Devices = new(StringComparer.Ordinal)
    {
        ["I440FX"] = [_ => new I440Fx()],
        ["ICH9LPC"] = [hotplug => new Ich9Lpc(hotplug)],
        ["PCIBUS"] = [_ => new PciBus(PciBus.PcLines), _ => new PciBus(PciBus.Q35Lines)],
        ["PCIHost"] = [_ => new PciHost()],
        ["PIIX3"] = [_ => new Piix3()],
        ["acpi_build"] = [_ => new AcpiBuild()],
        ["apic"] = [_ => new Apic()],
        ["cirrus_vga"] = [_ => new PciCirrusVga()],
        ["cpu"] = [_ => new X86Cpu()],
        ["cpu_common"] = [_ => new CpuCommon()],
        ["dma"] = [_ => new DmaController()],
        ["e1000"] = [_ => new E1000(), _ => new E1000(isExpress: true)],
        ["e1000e"] = [_ => new E1000e(), _ => new E1000e(E1000eLayout.Compatible), _ => new E1000e(E1000eLayout.Release72)],
        ["fdc"] = [_ => new IsaFloppyController(), _ => new IsaFloppyController(drives: 1)],
        ["fw_cfg"] = [_ => new FwCfg()],
        ["globalstate"] = [_ => new GlobalState(), _ => new GlobalState(hasSuspension: false)],
        ["hpet"] = [_ => new Hpet(), _ => new Hpet(hasNewName: false)],
        ["i2c_bus"] = [_ => new I2cBus()],
        ["i8254"] = [_ => new I8254()],
        ["i8259"] = [_ => new I8259()],
        ["ich9_ahci"] = [_ => new Ich9Ahci(), _ => new Ich9Ahci72()],
        ["ich9_smb"] = [_ => new Ich9Smbus(), _ => new Ich9Smbus(hasController: false)],
        ["ide"] = [_ => new IdeController()],
        ["ioapic"] = [_ => new IoApic()],
        ["kvm-tpr-opt"] = [_ => new TaskPriorityPatcher()],
        ["kvmclock"] = [_ => new KvmClock()],
        ["mc146818rtc"] = [_ => new RealTimeClock()],
        ["mch"] = [_ => new Q35HostBridge()],
        ["parallel_isa"] = [_ => new IsaParallel()],
        ["pckbd"] = [_ => new IsaKeyboardController()],
        ["pcspk"] = [_ => new PcSpeaker()],
        ["piix4_pm"] = 
        [
            hotplug => new Piix4Pm(Piix4PmLayout.Current, hotplug),
            hotplug => new Piix4Pm(Piix4PmLayout.Smbus | Piix4PmLayout.Bridges, hotplug),
            hotplug => new Piix4Pm(Piix4PmLayout.Bridges, hotplug),
            hotplug => new Piix4Pm(Piix4PmLayout.Smbus | Piix4PmLayout.AcpiIndex, hotplug),
            hotplug => new Piix4Pm(Piix4PmLayout.Smbus, hotplug),
            hotplug => new Piix4Pm(Piix4PmLayout.None, hotplug),
        ],
        ["port92"] = [_ => new Port92()],
        ["ps2kbd"] = [_ => new Ps2Keyboard()],
        ["ps2mouse"] = [_ => new Ps2Mouse()],
        ["serial"] = [_ => new IsaSerial()],
        ["slirp"] = [_ => new Slirp()],
        ["timer"] = [_ => new CpuTimers()],
        ["vga"] = [_ => new PciVga()],
        ["vmmouse"] = [_ => new VmMouse()],
    };

    /// <summary>The names that <c>Candidates</c> has an answer for, sorted.</summary>
    public static IReadOnlyCollection<string> Names => [.. Devices.Keys.Concat(BusDevices.Keys).Order(StringComparer.Ordinal)];

    /// <summary>
    /// Fresh devices that a section of that name may be of, the likeliest first; none if the name is not known. They differ in
    /// configuration, which is not on the wire: the one that loads the section's bytes without error is the right one.
    /// </summary>
    /// <param name="vmsdName">The section's name without its device path: <c>e1000</c>.</param>
    /// <param name="hotplug">What can be plugged into the machine while it runs.</param>
    public static IEnumerable<IVmState> Candidates(string vmsdName, HotplugCounts hotplug = default)
    {
        if (!Devices.TryGetValue(vmsdName, out Func<HotplugCounts, IVmState>[]? factories))
            return BusCandidates(vmsdName, SectionProbe.None);
        return factories.Select(create => create(hotplug));
    }

    /// <summary>
    /// The same for a section at hand, which shows more of the configuration. What a trailer says of a section is compared with what
    /// the device says afterwards, so a false one is found.
    /// </summary>
    /// <param name="section">The trailer's description of it.</param>
    /// <param name="data">Its data.</param>
    public static IEnumerable<IVmState> Candidates(VmDeviceDescription section, byte[] data)
    {
        ArgumentNullException.ThrowIfNull(section);
        if (section.IsOldStyle)
            return Candidates(section.Name);
        return BusDevices.ContainsKey(section.State.Name)
            ? BusCandidates(section.State.Name, new SectionProbe(section, data))
            : Candidates(section.State.Name, HotplugCounts.Of(section.State));
    }
}
