using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Schema;

/// <summary>What a dump does not say: names that QEMU changed while the bytes stayed what they were (qemu-migration.md §3.2), and types it leaves out.</summary>
internal static class QemuFacts
{
    private static readonly string[][] Types = { new[] { "ICH9 LPC", "ICH9-LPC" }, new[] { "e1000-82540em", "e1000" } };

    /// <summary>
    /// Types that older releases register in code: they have a section, and no entry in the dump. Streams of 7.2 have <c>0000:00:01.1/ide</c>.
    /// </summary>
    private static readonly string[] InCode = { "piix3-ide", "piix4-ide" };

    /// <summary>Types that block migration although they have fields: 10.0 says "blocked by non-migratable device".</summary>
    private static readonly string[] Blocked = { "virtio-sound-device" };

    /// <summary>By description: names of one field, first what it is called now.</summary>
    private static readonly Dictionary<string, string[][]> Fields = new()
    {
        ["acpi-ghes"] = new[] { new[] { "hw_error_le", "ghes_addr_le" } },
        ["apic"] = new[] { new[] { "timer", "timer_expiry" } },
        ["e1000"] = Parent("dev"),
        ["ehci"] = new[] { new[] { "pcidev", "dev" } },
        ["I440FX"] = Parent("dev"),
        ["ich9_ahci"] = Parent("card"),
        ["ich9-ahci"] = new[] { new[] { "ich9_ahci", "ahci" } },
        ["ioh3420"] = Bridge("port.br.dev", "parent_obj.parent_obj.parent_obj"),
        ["ioh-3240-express-root-port"] = Bridge("port.br.dev", "parent_obj.parent_obj.parent_obj"),
        ["xio3130-express-downstream-port"] = Bridge("port.br.dev", "parent_obj.parent_obj.parent_obj"),
        ["xio3130-express-upstream-port"] = Bridge("br.dev", "parent_obj.parent_obj"),
        ["cirrus_vga"] = new[] { new[] { "vga.hw_cursor_x", "hw_cursor_x" }, new[] { "vga.hw_cursor_y", "hw_cursor_y" } },
        ["lsiscsi"] = Parent("dev"),
        ["mch"] = Parent("d"),
        ["pci_bridge"] = new[] { new[] { "parent_obj", "bridge.dev" }, new[] { "shpc", "bridge.dev.shpc" } },
        ["pcnet"] = Parent("pci_dev"),
        ["PIIX3"] = new[] { new[] { "pci_irq_levels_vmstate", "pci_irq_levels" } },
        ["piix4_pm"] = new[]
        {
            new[] { "parent_obj", "dev" }, new[] { "acpi_pci_hotplug.acpi_pcihp_pci_status[0x0]", "pci0_status" }, new[] { "ar.pm1.evt.sts", "pm1a.sts" },
            new[] { "ar.pm1.evt.en", "pm1a.en" }, new[] { "ar.pm1.cnt.cnt", "pm1_cnt.cnt" }, new[] { "ar.tmr.timer", "tmr.timer" },
            new[] { "ar.tmr.overflow_time", "tmr.overflow_time" }, new[] { "ar.gpe", "gpe" },
        },
        ["qxl"] = new[] { new[] { "ssd.num_surfaces", "num_surfaces" } },
        ["rtl8139"] = Parent("dev"),
        ["spapr_pci"] = new[]
        {
            new[] { "mig_liobn", "dma_liobn[0]" }, new[] { "mig_mem_win_addr", "mem_win_addr" }, new[] { "mig_mem_win_size", "mem_win_size" },
            new[] { "mig_io_win_addr", "io_win_addr" }, new[] { "mig_io_win_size", "io_win_size" },
        },
        ["hpet"] = new[] { new[] { "num_timers_save", "num_timers" } },
        ["usb-ccid"] = new[] { new[] { "abProtocolDataStructure", "abProtocolDataStructure.data" } },
        ["usb-host"] = Parent("dev"),
        ["usb-mouse"] = new[] { new[] { "HIDPointerEventQueue", "usb-ptr-queue" } },
        ["usb-tablet"] = new[] { new[] { "HIDPointerEventQueue", "usb-ptr-queue" } },
        ["vmware_vga"] = Parent("card"),
        ["vmware_vga_internal"] = new[] { new[] { "new_depth", "depth" } },
        ["x3130-upstream"] = new[] { new[] { "PCIEDevice", "PCIDevice" } },
        ["xhci"] = Parent("pci_dev"),
    };

    /// <summary>One name for every name that the field had.</summary>
    public static string Field(string description, string field) =>
        Fields.TryGetValue(description, out string[][]? lists) && lists.FirstOrDefault(list => list.Contains(field)) is string[] names ? names[0] : field;

    /// <summary>Other names of a device type.</summary>
    public static IEnumerable<string> OtherTypes(string type) => Types.Where(list => list.Contains(type)).SelectMany(list => list).Where(name => name != type);

    /// <summary>Whether a dump may lack the type although the QEMU has it.</summary>
    public static bool MayBeInCode(string type) => InCode.Contains(type);

    /// <summary>Whether no stream has the type.</summary>
    public static bool IsBlocked(string type) => Blocked.Contains(type);

    private static string[][] Parent(string former) => new[] { new[] { "parent_obj", former } };

    private static string[][] Bridge(string former, string now) => new[] { new[] { now, former, "PCIDevice", "PCIEDevice" }, new[] { now + ".exp.aer_log", former + ".exp.aer_log" } };
}
