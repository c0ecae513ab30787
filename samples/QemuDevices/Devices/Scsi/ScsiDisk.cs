using VmStateGen;

namespace QemuDevices;

/// <summary>A SCSI disk or CD-ROM drive on any host adapter: section <c>scsi-disk</c>.</summary>
[VmState("scsi-disk")]
public sealed partial class ScsiDisk(ScsiAdapter adapter)
{
    [Field] private readonly ScsiDevice qdev = new(adapter);
    [Field] private bool mediaChanged;
    [Field] private bool mediaEvent;
    [Field] private bool ejectRequest;
    [Field] private bool trayOpen;
    [Field] private bool trayLocked;
}

/// <summary>What the host adapter puts into its disks' requests.</summary>
public enum ScsiAdapter
{
    /// <summary>Nothing: USB storage.</summary>
    Usb,

    /// <summary>Queue and queue element.</summary>
    Virtio,

    /// <summary>The same of a device that offers packed rings.</summary>
    VirtioPacked,
}
