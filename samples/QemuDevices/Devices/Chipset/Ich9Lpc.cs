using VmStateGen;

namespace QemuDevices;

/// <summary>The bridge from PCI to ISA of q35, with power management: section <c>ICH9LPC</c>.</summary>
[VmState("ICH9LPC")]
[Subsection("ICH9LPC/rst_cnt", Present = nameof(hasResetControl))]
[Subsection("ICH9LPC/smi_feat", Present = nameof(hasSmiFeatures))]
public sealed partial class Ich9Lpc
{
    private const int ChipConfigSize = 16384;

    [Field] private readonly PciDevice d = new();
    [Field] private ApmState apm;
    [Field] private readonly Ich9Pm pm;
    [Field(Length = ChipConfigSize, As = WireType.U8)] private readonly byte[] chipConfig = new byte[ChipConfigSize];
    [Field] private uint sciLevel;

    [Ignore("whether its subsection came")] private bool hasResetControl;
    [Field("rst_cnt", Subsection = "ICH9LPC/rst_cnt")] private byte resetControl;

    [Ignore("whether its subsection came")] private bool hasSmiFeatures;
    [Field("smi_guest_features_le", Length = 8, As = WireType.U8, Subsection = "ICH9LPC/smi_feat")] private readonly byte[] smiGuestFeatures = new byte[8];
    [Field("smi_features_ok", Subsection = "ICH9LPC/smi_feat")] private byte smiFeaturesOk;
    [Field("smi_negotiated_features", Subsection = "ICH9LPC/smi_feat")] private ulong smiNegotiatedFeatures;

    /// <param name="hotplug">How many of what can be plugged in.</param>
    public Ich9Lpc(HotplugCounts hotplug = default) => pm = new Ich9Pm(hotplug);
}

/// <summary>Power management of the ICH9.</summary>
[VmState("ich9_pm", Nested = true)]
[Subsection("ich9_pm/memhp", Present = nameof(hasMemoryHotplug))]
[Subsection("ich9_pm/tco", Present = nameof(hasWatchdog))]
[Subsection("ich9_pm/cpuhp", Present = nameof(hasCpuHotplug))]
[Subsection("ich9_pm/pcihp", Present = nameof(hasPciHotplug))]
public sealed partial class Ich9Pm
{
    private const int GpeBytes = 16;
    private const int Buses = 256;

    [Field("acpi_regs.pm1.evt.sts")] private ushort pm1EventStatus;
    [Field("acpi_regs.pm1.evt.en")] private ushort pm1EventEnable;
    [Field("acpi_regs.pm1.cnt.cnt")] private ushort pm1Control;
    [Field("acpi_regs.tmr.timer")] private VmTimer timer;
    [Field("acpi_regs.tmr.overflow_time")] private long overflowTime;
    [Field("acpi_regs.gpe.sts", Length = GpeBytes, As = WireType.U8)] private readonly byte[] gpeStatus = new byte[GpeBytes];
    [Field("acpi_regs.gpe.en", Length = GpeBytes, As = WireType.U8)] private readonly byte[] gpeEnable = new byte[GpeBytes];
    [Field] private uint smiEn;
    [Field] private uint smiSts;

    [Ignore("whether its subsection came")] private bool hasMemoryHotplug;
    [Field("acpi_memory_hotplug", Version = 1, Subsection = "ich9_pm/memhp")] private readonly MemoryHotplug memoryHotplug;

    [Ignore("whether its subsection came")] private bool hasWatchdog;
    [Field("tco_regs", Version = 1, Subsection = "ich9_pm/tco")] private readonly TcoWatchdog watchdog = new();

    [Ignore("whether its subsection came")] private bool hasCpuHotplug;
    [Field("cpuhp_state", Version = 1, Subsection = "ich9_pm/cpuhp")] private readonly CpuHotplug cpuHotplug;

    [Ignore("whether its subsection came")] private bool hasPciHotplug;
    [Field("acpi_pci_hotplug.hotplug_select", Subsection = "ich9_pm/pcihp")] private uint hotplugSelect;
    [Field("acpi_pci_hotplug.acpi_pcihp_pci_status", Length = Buses, Subsection = "ich9_pm/pcihp")]
    private readonly PciHotplugStatus[] busStatus = new PciHotplugStatus[Buses];
    [Field("acpi_pci_hotplug.acpi_index", Subsection = "ich9_pm/pcihp")] private uint acpiIndex;

    /// <param name="hotplug">How many of what can be plugged in.</param>
    public Ich9Pm(HotplugCounts hotplug)
    {
        memoryHotplug = new MemoryHotplug(hotplug.MemorySlots);
        cpuHotplug = new CpuHotplug(hotplug.Cpus);
    }
}

/// <summary>The watchdog of the ICH9 ("total cost of ownership").</summary>
[VmState("tco io device status", Nested = true)]
public sealed partial class TcoWatchdog
{
    [Field("tco.rld")] private ushort reload;
    [Field("tco.din")] private byte dataIn;
    [Field("tco.dout")] private byte dataOut;
    [Field("tco.sts1")] private ushort status1;
    [Field("tco.sts2")] private ushort status2;
    [Field("tco.cnt1")] private ushort control1;
    [Field("tco.cnt2")] private ushort control2;
    [Field("tco.msg1")] private byte message1;
    [Field("tco.msg2")] private byte message2;
    [Field("tco.wdcnt")] private byte watchdogControl;
    [Field("tco.tmr")] private ushort timer;
    [Field] private byte swIrqGen;
    [Field] private VmTimer tcoTimer;
    [Field] private long expireTime;
    [Field] private byte timeoutsNo;
}
