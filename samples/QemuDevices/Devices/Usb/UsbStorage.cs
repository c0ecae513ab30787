using VmStateGen;

namespace QemuDevices;

/// <summary>A USB stick or drive: section <c>usb-storage</c>. The disk in it has a section of its own, <c>scsi-disk</c>.</summary>
[VmState("usb-storage")]
public sealed partial class UsbStorage
{
    [Field] private readonly UsbDevice dev = new();
    [Field] private uint mode;
    [Field] private uint scsiLen;
    [Field] private uint scsiOff;
    [Field] private uint dataLen;
    [Field("csw.sig")] private uint cswSig;
    [Field("csw.tag")] private uint cswTag;
    [Field("csw.residue")] private uint cswResidue;
    [Field("csw.status")] private byte cswStatus;
}
