namespace VmStateGen.Qemu.Tests;

/// <summary>The machines of which streams are read, with every kind of device that they take.</summary>
internal static class TestMachine
{
    private static readonly string[] Devices =
    [
        "-device", "virtio-net-pci,romfile=", "-device", "virtio-rng-pci", "-device", "virtio-balloon-pci", "-device", "virtio-serial-pci",
        "-device", "virtio-scsi-pci", "-device", "virtio-keyboard-pci",
        "-drive", "if=none,id=d0,driver=null-co,read-zeroes=on", "-device", "virtio-blk-pci,drive=d0",
        "-device", "qemu-xhci", "-device", "usb-kbd", "-device", "usb-tablet", "-device", "e1000,romfile=",
    ];

    private static readonly string[] PcDevices =
    [
        .. Devices, "-vga", "cirrus", "-drive", "if=none,id=d1,driver=null-co,read-zeroes=on", "-device", "ich9-ahci,id=ahci", "-device", "ide-hd,drive=d1,bus=ahci.0",
        "-audiodev", "none,id=sound", "-device", "intel-hda", "-device", "hda-duplex,audiodev=sound",
    ];

    private static readonly string[] MicroDevices = ["-device", "virtio-net-device", "-device", "virtio-rng-device", "-device", "virtio-serial-device"];

    /// <summary>The command line of a machine with that many processors.</summary>
    /// <param name="version">10.0, or 10.0-aarch64 for another target's.</param>
    /// <param name="machine">pc, q35, microvm or virt, whatever its version.</param>
    /// <param name="cpus">How many.</param>
    /// <param name="isBare">Only the devices that the machine cannot do without.</param>
    public static string[] Arguments(string version, string machine, int cpus, bool isBare = false)
    {
        string[] devices = machine switch
        {
            _ when isBare => [],
            "microvm" => MicroDevices,
            "virt" => Devices,
            _ => PcDevices,
        };
        string[] target = version.Split('-') switch
        {
            [_, "aarch64"] => ["-cpu", "cortex-a57"],
            [_, "riscv64"] => ["-bios", "none"],
            _ => [],
        };
        return ["-nodefaults", "-smp", $"{cpus}", .. target, .. devices];
    }
}
