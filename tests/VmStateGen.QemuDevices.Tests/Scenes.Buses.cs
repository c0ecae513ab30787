using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using QemuDevices;

namespace VmStateGen.QemuDevices.Tests;

/// <summary>Scenes of virtio, SCSI and USB devices.</summary>
public sealed partial record Scene
{
    private const ulong FreePageHint = 1 << 3;
    private const ulong PagePoison = 1 << 4;
    private const string IoError = "io-error";

    private static readonly string[] Virtio =
        ["virtio-net", "virtio-balloon", "virtio-rng", "virtio-console", "virtio-scsi", "virtio-input", "virtio-blk", "scsi-disk"];

    private static readonly string[] Usb = ["uhci", "ehci", "xhci", "usb-hub", "usb-ptr", "usb-kbd", "usb-storage", "scsi-disk"];

    private static IEnumerable<Scene> OnBuses() =>
    [
        new()
        {
            // Transitional devices, and one of each older kind: without MSI-X, legacy only.
            Name = "virtio-pc", Devices = Virtio,
            Subsections = ["virtio/64bit_features", "virtio/virtqueues", "virtio/extra_state", "virtio_pci/modern_state", "virtio/disabled", "virtio/started", "virtio/ringsize"],
            Arguments =
            [
                "-device", "virtio-net-pci",
                "-device", "virtio-balloon-pci,disable-modern=on",
                "-device", "virtio-rng-pci",
                .. SerialBus("virtio-serial-pci"),
                .. Disk("d"), "-device", "virtio-scsi-pci", "-device", "scsi-hd,drive=d",
                .. Disk("e"), "-device", "virtio-blk-pci,drive=e,queue-size=1024",
                "-device", "virtio-keyboard-pci",
            ],
        },
        new()
        {
            // On PCI Express, behind a port of it too; modern devices, many queues.
            Name = "virtio-q35", Machine = "q35", Devices = Virtio, Subsections = ["virtio/packed_virtqueues"],
            Arguments =
            [
                "-device", "pcie-root-port,id=rp,chassis=1",
                "-device", "virtio-net-pci,bus=rp,mq=on,packed=on,vectors=20",
                "-object", "iothread,id=thread", "-device", "virtio-balloon-pci,free-page-hint=on,page-poison=on,iothread=thread,disable-legacy=on",
                "-device", "virtio-rng-pci,vectors=0",
                .. SerialBus("virtio-serial-pci,max_ports=70"),
                .. Disk("d"), "-device", "virtio-scsi-pci,num_queues=4", "-device", "scsi-cd,drive=d",
                .. Disk("e"), "-device", "virtio-blk-pci,drive=e,num-queues=4",
                "-device", "virtio-tablet-pci",
            ],
        },
        Failing("virtio-blk-failed", "pc", "read", ["virtio-blk"], "-device", "virtio-blk-pci,drive=failing,bootindex=0"),
        Failing("virtio-blk-failed-packed", "pc", "read", ["virtio-blk"], "-device", "virtio-blk-pci,drive=failing,bootindex=0,packed=on,disable-legacy=on,vectors=0"),
        Failing("virtio-blk-failed-queues", "q35", "read", ["virtio-blk"], "-device", "virtio-blk-pci,drive=failing,bootindex=0,num-queues=3"),
        Failing("virtio-scsi-failed", "pc", "read", ["virtio-scsi", "scsi-disk"], "-device", "virtio-scsi-pci", "-device", "scsi-hd,drive=failing,bootindex=0"),
        Failing("virtio-scsi-failed-packed", "q35", "read", ["virtio-scsi", "scsi-disk"], "-device", "virtio-scsi-pci,packed=on", "-device", "scsi-hd,drive=failing,bootindex=0"),
        Failing("usb-failed", "pc", "write", ["usb-storage", "scsi-disk"], "-device", "qemu-xhci,id=x", "-device", "usb-storage,bus=x.0,drive=failing") with
        {
            Program = new PortProgram().WriteDisk(0x81, 3),
        },
        Failing("usb-read", "pc", "read", ["scsi-disk"], "-device", "qemu-xhci,id=x", "-device", "usb-storage,bus=x.0,drive=failing,bootindex=0") with
        {
            // As if the disk had read the sector, and the guest had still to fetch it.
            Edit = section => section with { Data = [.. Replaced(section.Data[..^6], 4 + 96 + 4, 1, 2), 0, 0, 2, 0, .. Enumerable.Repeat((byte)0xAB, 512), .. section.Data[^6..]] },
        },
        new()
        {
            Name = "usb", Devices = Usb,
            Arguments =
            [
                "-device", "piix3-usb-uhci,id=u", "-device", "usb-ehci", "-device", "nec-usb-xhci,id=x,p2=6,p3=2,slots=10,intrs=2",
                "-device", "usb-hub,bus=u.0", "-device", "usb-tablet,bus=x.0", "-device", "usb-kbd,bus=x.0", "-device", "usb-mouse,bus=x.0",
                .. Disk("d"), "-device", "usb-storage,bus=x.0,drive=d",
            ],
        },
        new()
        {
            // What takes a guest with drivers: a stream that has it is loaded, and QEMU saves it again.
            Name = "virtio-loaded", Devices = ["virtio-net", "virtio-balloon", "virtio-console", "virtio-rng", "scsi-disk", "usb-hub"],
            Subsections =
            [
                "virtio-net-device/rss", "virtio-balloon-device/free-page-report", "virtio-balloon-device/page-poison", "virtio/device_endian", "virtio/broken",
                "SCSIDevice/sense", "usb-hub/port-timer",
            ],
            Arguments =
            [
                "-device", "virtio-net-pci",
                "-object", "iothread,id=thread", "-device", "virtio-balloon-pci,free-page-hint=on,page-poison=on,iothread=thread",
                .. SerialBus("virtio-serial-pci"),
                "-device", "virtio-rng-pci",
                .. Disk("d"), "-device", "virtio-scsi-pci", "-device", "scsi-hd,drive=d",
                "-device", "piix3-usb-uhci,id=u", "-device", "usb-hub,bus=u.0,port-power=on",
            ],
            Edit = section => section with { Data = Extend(section) },
        },
    ];

    private static byte[] Extend(DeviceSection section) => section.VmsdName switch
    {
        "virtio-console" => WithRequest(section.Data),
        "virtio-net" => Insert(WithAddresses(section.Data), "virtio/64bit_features", Subsection(
            "virtio-net-device/rss", 1, [1, 1, 1, 0, 0, 0, 0x3F, 0, 4, 0, 0, .. new byte[39], 7, 0, 0, 0, 0, 0, 0, 0, 0])),
        "virtio-balloon" => Insert(WithFeatures(section.Data, FreePageHint | PagePoison), "virtio/64bit_features",
        [
            .. Subsection("virtio-balloon-device/free-page-report", 1, 0, 0, 1, 2, 0, 0, 0, 3),
            .. Subsection("virtio-balloon-device/page-poison", 1, 0x5A, 0x5A, 0x5A, 0x5A),
        ]),
        "virtio-rng" => Insert(section.Data, "virtio/64bit_features", [.. Subsection("virtio/device_endian", 1, 2), .. Subsection("virtio/broken", 1, 1)]),
        "scsi-disk" => Insert(WithLongSense(section.Data), null, Subsection("SCSIDevice/sense", 1, [.. Enumerable.Range(100, 156).Select(value => (byte)value)])),
        "usb-hub" => [.. section.Data, .. Subsection("usb-hub/port-timer", 1, 0, 0, 0, 0x7F, 0, 0, 0x30, 0x39)],
        _ => section.Data,
    };

    /// <summary>The guest has accepted features.</summary>
    private static byte[] WithFeatures(byte[] data, ulong features)
    {
        byte[] changed = [.. data];
        ReadOnlySpan<byte> name = "virtio/64bit_features"u8;
        BinaryPrimitives.WriteUInt64BigEndian(changed.AsSpan(changed.AsSpan().IndexOf(name) + name.Length + sizeof(uint)), features);
        return changed;
    }

    /// <summary>All of the buffer is sense data.</summary>
    private static byte[] WithLongSense(byte[] data)
    {
        byte[] changed = [.. data];
        BinaryPrimitives.WriteInt32BigEndian(changed.AsSpan(4 + 96), 252);
        return changed;
    }

    /// <summary>The last port has taken a request from the guest and not yet passed all of it on.</summary>
    private static byte[] WithRequest(byte[] data)
    {
        var element = new VirtQueueElement { OutCount = 2 };
        (element.OutAddresses[0], element.OutLengths[0]) = (0x1000, 0x10);
        (element.OutAddresses[1], element.OutLengths[1]) = (0x2000, 0x20);
        byte[] bytes = new byte[VirtQueueElementCodec.Measure(element)];
        var writer = new VmStateWriter(bytes);
        VirtQueueElementCodec.Save(ref writer, element);
        byte[] changed = [.. data];
        changed[changed.AsSpan().IndexOf("virtio/64bit_features"u8) - 3] = 1;
        return Insert(changed, "virtio/64bit_features", [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 8, .. bytes]);
    }

    /// <summary>The card's table has two more addresses; after it come 512 bytes of VLANs and 11 of other state.</summary>
    private static byte[] WithAddresses(byte[] data)
    {
        int table = data.AsSpan().IndexOf("virtio/64bit_features"u8) - 2 - 11 - 512;
        return [.. data[..(table - 1)], 2, 0x52, 0x54, 0, 0, 0, 1, 0x52, 0x54, 0, 0, 0, 2, .. data[table..]];
    }

    private static byte[] Replaced(byte[] data, int at, byte expected, byte value)
    {
        if (data[at] != expected)
            throw new InvalidOperationException($"{data[at]} at {at}, not {expected}");
        return [.. data[..at], value, .. data[(at + 1)..]];
    }

    /// <summary>Puts bytes in front of a subsection, or of the five flags that a disk's section ends with.</summary>
    private static byte[] Insert(byte[] data, string? subsection, byte[] inserted)
    {
        int at = subsection is null ? data.Length - 5 : data.AsSpan().IndexOf(Encoding.ASCII.GetBytes(subsection)) - 2;
        return [.. data[..at], .. inserted, .. data[at..]];
    }

    private static string[] SerialBus(string device) =>
    [
        "-device", device, "-chardev", "null,id=line", "-device", "virtserialport,chardev=line,nr=9", "-device", "virtconsole",
    ];

    private static string[] Disk(string id) => ["-drive", $"file={{folder}}/floppy,format=raw,if=none,id={id},snapshot=on"];

    /// <summary>A disk fails as soon as the BIOS uses it, and the machine stops with the request in flight.</summary>
    private static Scene Failing(string name, string machine, string operation, string[] devices, params string[] arguments) => new()
    {
        Name = name,
        Machine = machine,
        Devices = devices,
        StoppedState = IoError,
        Arguments =
        [
            "-drive", "driver=raw,if=none,id=failing,rerror=stop,werror=stop,file.driver=blkdebug,file.image.driver=file,file.image.filename={folder}/floppy,"
                + $"file.inject-error.0.event={operation}_aio,file.inject-error.0.iotype={operation},file.inject-error.0.errno=5",
            .. arguments,
        ],
    };
}
