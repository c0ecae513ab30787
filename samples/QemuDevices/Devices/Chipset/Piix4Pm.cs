using VmStateGen;

namespace QemuDevices;

/// <summary>Power management of pc: section <c>piix4_pm</c>.</summary>
[VmState("piix4_pm", Version = 3, MinimumVersion = 3)]
[Subsection("piix4_pm/memhp", Present = nameof(hasMemoryHotplug))]
[Subsection("piix4_pm/cpuhp", Present = nameof(hasCpuHotplug))]
public sealed partial class Piix4Pm : PciDevice
{
    private const int Buses = 256;

    [Ignore("configuration")] private readonly Piix4PmLayout layout;

    [Field("ar.pm1.evt.sts")] private ushort pm1EventStatus;
    [Field("ar.pm1.evt.en")] private ushort pm1EventEnable;
    [Field("ar.pm1.cnt.cnt")] private ushort pm1Control;
    [Field] private ApmState apm;
    [Field(When = nameof(HasSmbus))] private readonly SmbusHost smb = new();
    [Field("ar.tmr.timer")] private VmTimer timer;
    [Field("ar.tmr.overflow_time")] private long overflowTime;
    [Field("ar.gpe")] private GpeRegisters gpe;
    [Field("acpi_pci_hotplug.acpi_pcihp_pci_status[0x0]", When = nameof(IsRootOnly))] private RootHotplugStatus rootStatus;
    [Field("acpi_pci_hotplug.hotplug_select", When = nameof(HasBridges))] private uint hotplugSelect;
    [Field("acpi_pci_hotplug.acpi_pcihp_pci_status", Length = Buses, When = nameof(HasBridges))]
    private readonly PciHotplugStatus[] busStatus = new PciHotplugStatus[Buses];
    [Field("acpi_pci_hotplug.acpi_index", When = nameof(HasAcpiIndex))] private uint acpiIndex;

    [Ignore("whether its subsection came")] private bool hasMemoryHotplug;
    [Field("acpi_memory_hotplug", Subsection = "piix4_pm/memhp")] private readonly MemoryHotplug memoryHotplug;

    [Ignore("whether its subsection came")] private bool hasCpuHotplug;
    [Field("cpuhp_state", Subsection = "piix4_pm/cpuhp")] private readonly CpuHotplug cpuHotplug;

    /// <param name="layout">What the machine has.</param>
    /// <param name="hotplug">How many of what can be plugged in.</param>
    public Piix4Pm(Piix4PmLayout layout = Piix4PmLayout.Current, HotplugCounts hotplug = default)
        : base(isExpress: false)
    {
        this.layout = layout;
        memoryHotplug = new MemoryHotplug(hotplug.MemorySlots);
        cpuHotplug = new CpuHotplug(hotplug.Cpus);
    }

    private bool HasSmbus() => (layout & Piix4PmLayout.Smbus) != 0;

    private bool HasBridges() => (layout & Piix4PmLayout.Bridges) != 0;

    private bool IsRootOnly() => !HasBridges();

    private bool HasAcpiIndex() => (layout & Piix4PmLayout.AcpiIndex) != 0;
}

/// <summary>What a machine type or its options decide about <see cref="Piix4Pm"/>.</summary>
[System.Flags]
public enum Piix4PmLayout
{
    /// <summary>None of the others.</summary>
    None = 0,

    /// <summary>The SMBus controller is saved: machine types of 3.1 and newer.</summary>
    Smbus = 1,

    /// <summary>Hotplug behind bridges (<c>acpi-pci-hotplug-with-bridge-support</c>).</summary>
    Bridges = 2,

    /// <summary>The register for a slot's name is saved.</summary>
    AcpiIndex = 4,

    /// <summary>As machine types of this decade have it.</summary>
    Current = Smbus | Bridges | AcpiIndex,
}
