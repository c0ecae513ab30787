using System.Linq;

namespace VmStateGen.QemuDevices.Tests;

/// <summary>The scenes of what a stock machine has besides the seven devices of Scenes.cs.</summary>
public sealed partial record Scene
{
    private const int IdeData = 0x1F0;
    private const int IdeSectors = 0x1F2;
    private const int IdeDrive = 0x1F6;
    private const int IdeCommand = 0x1F7;

    private static string[] StockPc =>
    [
        "I440FX", "PCIBUS", "PCIHost", "PIIX3", "acpi_build", "apic", "cpu", "cpu_common", "dma", "fw_cfg", "globalstate", "hpet", "i2c_bus", "ide", "ioapic",
        "kvm-tpr-opt", "mc146818rtc", "parallel_isa", "pckbd", "pcspk", "piix4_pm", "port92", "ps2mouse", "slirp", "vga", "vmmouse",
    ];

    private static string[] StockQ35 => ["ICH9LPC", "PCIBUS", "e1000e", "ich9_ahci", "ich9_smb", "mch", "vga"];

    private static string[] Loadable => ["cpu_common", "apic", "PIIX3", "hpet", "mc146818rtc", "pckbd", "vga", "ide"];

    /// <summary>Subsections of a CPU that both releases know, with the bytes of their fields.</summary>
    private static (string Name, int Size)[] CpuSubsections =>
    [
        ("async_pf_msr", 8), ("async_pf_int_msr", 8), ("async_pv_eoi_msr", 8), ("steal_time_msr", 8), ("poll_control_msr", 8),
        ("fpop_ip_dp", 18), ("msr_tsc_adjust", 8), ("msr_tscdeadline", 8), ("msr_ia32_misc_enable", 8), ("msr_ia32_feature_control", 8),
        ("msr_architectural_pmu", 344), ("mpx", 88), ("msr_hyperv_hypercall", 16), ("msr_hyperv_vapic", 8), ("msr_hyperv_time", 8),
        ("msr_hyperv_crash", 40), ("msr_hyperv_runtime", 8), ("msr_hyperv_synic", 152), ("msr_hyperv_stimer", 64),
        ("msr_hyperv_reenlightenment", 24), ("avx512", 1600), ("xss", 8), ("umwait", 4), ("tsc_khz", 8), ("msr_smi_count", 8), ("pkru", 4),
        ("pkrs", 4), ("spec_ctrl", 8), ("amd_tsc_scale_msr", 8), ("mcg_ext_ctl", 8), ("intel_pt", 104), ("virt_ssbd", 8), ("svn_npt", 12),
        ("svm_guest", 4), ("msr_tsx_ctrl", 4), ("intel_sgx", 32), ("pdptrs", 32), ("msr_xfd", 16), ("intel_amx_xtile", 8256),
        ("arch_lbr", 784), ("triple_fault", 1),
    ];

    private static (string Name, int Size)[] NewerCpuSubsections => [("xen_vcpu", 97), ("msr_hwcr", 8), ("fred", 72)];

    private static Scene[] StockMachines() =>
    [
        new() { Name = "stock-pc", Devices = StockPc, Nic = "user" },
        new() { Name = "stock-q35", Machine = "q35", Devices = StockQ35, Nic = "user" },
        new() { Name = "cirrus", Devices = ["cirrus_vga"], Arguments = ["-vga", "cirrus"] },
        new() { Name = "kvm-pc", Devices = ["apic", "cpu", "cpu_common", "i8254", "i8259", "ioapic", "kvm-tpr-opt", "kvmclock"], Accelerator = "kvm" },
        new()
        {
            // No guest here brings these about. A QEMU that has loaded them saves them.
            Name = "stock-loaded", Devices = Loadable,
            Edit = section => section.VmsdName switch
            {
                "cpu_common" => Append(section, Filled("cpu_common/exception_index", 1, 4), Filled("cpu_common/crash_occurred", 1, 1)),
                "apic" => Append(section, Filled("apic_sipi", 1, 8)),
                "PIIX3" => Append(section, Filled("PIIX3/rcr", 1, 1)),
                "hpet" => Append(section, Filled("hpet/rtc_irq_level", 1, 1), Filled("hpet/offset", 1, 8)),
                "mc146818rtc" => Append(section, Filled("mc146818rtc/irq_reinject_on_ack_count", 1, 2)),
                "pckbd" => Append(section, Filled("pckbd_outport", 1, 1)),
                "vga" => Append(section, Filled("vga.endian", 1, 1)),
                // What a restart of a failed transfer needs, and a tray, stand behind the struct of their part.
                _ => new[]
                {
                    ("bmdma[0]", Filled("ide bmdma_current", 1, 16)), ("bmdma[1]", Filled("ide bmdma/status", 1, 1)),
                    ("bus[1]", Filled("ide_bus/error", 2, 17)), ("bus[1].ifs[0]", Filled("ide_drive/tray_state", 1, 2)),
                    ("bus[1].ifs[1]", Filled("ide_drive/atapi/gesn_state", 1, 2)),
                }.Reverse().Aggregate(section, (changed, part) => Insert(changed, section, part.Item1, part.Item2)),
            },
        },
        new() { Name = "stock-loaded-q35", Machine = "q35", Devices = ["ICH9LPC"], Edit = section => Append(section, Filled("ICH9LPC/rst_cnt", 1, 1), Filled("ICH9LPC/smi_feat", 1, 17)) },
        new()
        {
            Name = "ide-transfer", Devices = ["ide"], Subsections = ["ide_drive/pio_state"],
            Program = new PortProgram().Out(IdeDrive, 0xE0).Out(IdeSectors, 2).Out(IdeSectors + 1, 1).Out(IdeCommand, 0x20).WaitFor(IdeCommand, 0x88, 0x08).In(IdeData, 4),
        },
        new()
        {
            Name = "hotplug-pc", Devices = ["piix4_pm"], Arguments = ["-m", "16M,slots=2,maxmem=1G", "-smp", "1,maxcpus=3"],
            Subsections = ["piix4_pm/memhp", "piix4_pm/cpuhp"], Program = new PortProgram().Out(0xAF00, 0),
        },
        new()
        {
            Name = "hotplug-q35", Machine = "q35", Devices = ["ICH9LPC"], Arguments = ["-m", "16M,slots=2,maxmem=1G", "-smp", "1,maxcpus=3"],
            Subsections = ["ich9_pm/memhp", "ich9_pm/cpuhp", "ich9_pm/tco", "ich9_pm/pcihp"], Program = new PortProgram().Out(0x0CD8, 0),
        },
        new()
        {
            Name = "cpu-loaded", Devices = ["cpu"], Arguments = ["-cpu", "max"],
            Edit = section => Append(section, [.. CpuSubsections.Select(subsection => Filled("cpu/" + subsection.Name, 1, subsection.Size))]),
        },
        new()
        {
            Name = "cpu-loaded-newer", Devices = ["cpu"], Arguments = ["-cpu", "max"], Versions = ["10.0"],
            Edit = section => Append(section, [.. NewerCpuSubsections.Select(subsection => Filled("cpu/" + subsection.Name, 1, subsection.Size))]),
        },
    ];

    private static DeviceSection Append(DeviceSection section, params byte[][] subsections) =>
        section with { Data = [.. section.Data, .. subsections.SelectMany(subsection => subsection)] };
}
