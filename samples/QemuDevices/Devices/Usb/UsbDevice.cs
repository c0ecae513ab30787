using VmStateGen;

namespace QemuDevices;

/// <summary>What every USB device has: address, and the control transfer in progress.</summary>
[VmState("USBDevice", Nested = true)]
public sealed partial class UsbDevice
{
    [Field] private byte addr;
    [Field] private int state;
    [Field] private int remoteWakeup;
    [Field] private int setupState;
    [Field] private int setupLen;
    [Field] private int setupIndex;
    [Field(Length = 8, As = WireType.U8)] private readonly byte[] setupBuf = new byte[8];
}
