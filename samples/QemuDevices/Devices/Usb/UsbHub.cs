using VmStateGen;

namespace QemuDevices;

/// <summary>A USB hub of eight ports: section <c>usb-hub</c>.</summary>
[VmState("usb-hub")]
[Subsection("usb-hub/port-timer", Present = nameof(hasPortTimer))]
public sealed partial class UsbHub
{
    private const int Ports = 8;

    [Field] private readonly UsbDevice dev = new();
    [Field(Length = Ports)] private readonly UsbHubPort[] ports = new UsbHubPort[Ports];

    [Ignore("whether its subsection came")] private bool hasPortTimer;
    [Field(Subsection = "usb-hub/port-timer")] private VmTimer portTimer;
}

/// <summary>One port of a hub.</summary>
[VmState("usb-hub-port", Nested = true)]
public partial struct UsbHubPort
{
    [Field("wPortStatus")] private ushort status;
    [Field("wPortChange")] private ushort change;
}
