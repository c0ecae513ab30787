using VmStateGen;

namespace QemuDevices;

/// <summary>A USB 1.1 host controller, of the chipset or as a card: section <c>uhci</c>.</summary>
/// <remarks>What QEMU sets for the last fields where an old stream lacks them is not known; here they are 0.</remarks>
[VmState("uhci", Version = 3, MinimumVersion = 1)]
public sealed partial class Uhci
{
    private const int Ports = 2;

    [Field] private readonly PciDevice dev = new(isExpress: false);
    [Field("num_ports_vmstate", Expect = Expect.Equal)] private readonly byte numPorts = Ports;
    [Field(Length = Ports)] private readonly UhciPort[] ports = new UhciPort[Ports];
    [Field] private ushort cmd;
    [Field] private ushort status;
    [Field] private ushort intr;
    [Field] private ushort frnum;
    [Field] private uint flBaseAddr;
    [Field] private byte sofTiming;
    [Field] private byte status2;
    [Field] private VmTimer frameTimer;
    [Field(Version = 2, Default = 0L)] private long expireTime;
    [Field(Version = 3, Default = 0u)] private uint pendingIntMask;
}

/// <summary>One port.</summary>
[VmState("uhci port", Nested = true)]
public partial struct UhciPort
{
    [Field] private ushort ctrl;
}
