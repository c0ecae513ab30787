using System;
using System.Collections.Generic;
using System.Linq;
using VmStateGen;

namespace QemuDevices;

public static partial class DeviceCatalog
{
    // Of the configuration spaces in the virtio specification: max_virtqueue_pairs and num_queues.
    private const int NetPairsOffset = 8;
    private const int BlkQueuesOffset = 34;

    /// <summary>Devices whose configuration is taken from the section, since there is no machine here that knows it.</summary>
    private static SortedDictionary<string, Func<SectionProbe, IEnumerable<IVmState>>> BusDevices { get; } = new(StringComparer.Ordinal)
    {
        ["ehci"] = _ => [new Ehci()],
        ["scsi-disk"] = _ => Enum.GetValues<ScsiAdapter>().Select(adapter => new ScsiDisk(adapter)),
        ["uhci"] = _ => [new Uhci()],
        ["usb-hub"] = _ => [new UsbHub()],
        ["usb-kbd"] = _ => [new UsbKeyboard()],
        ["usb-ptr"] = _ => [new UsbPointer()],
        ["usb-storage"] = _ => [new UsbStorage()],
        ["virtio-balloon"] = probe => probe.Virtio().Select(configuration => new VirtioBalloon(configuration)),
        ["virtio-blk"] = probe => probe.Virtio(BlkQueuesOffset).Select(configuration => new VirtioBlk(configuration)),
        ["virtio-console"] = probe => probe.Virtio().Select(configuration => new VirtioSerial(configuration)),
        ["virtio-input"] = probe => probe.Virtio().Select(configuration => new VirtioInput(configuration)),
        ["virtio-net"] = probe => probe.Virtio(NetPairsOffset).Select(configuration => new VirtioNet(configuration)),
        ["virtio-rng"] = probe => probe.Virtio().Select(configuration => new VirtioRng(configuration)),
        ["virtio-scsi"] = probe => probe.Virtio().Select(configuration => new VirtioScsi(configuration)),
        ["xhci"] = probe => probe.Xhci().Select(configuration => new Xhci(configuration)),
    };

    private static IEnumerable<IVmState> BusCandidates(string vmsdName, SectionProbe probe) =>
        BusDevices.TryGetValue(vmsdName, out Func<SectionProbe, IEnumerable<IVmState>>? create) ? create(probe) : [];
}
