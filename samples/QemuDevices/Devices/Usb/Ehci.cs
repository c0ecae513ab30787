using VmStateGen;

namespace QemuDevices;

/// <summary>A USB 2.0 host controller, of the chipset or as a card: section <c>ehci</c>.</summary>
[VmState("ehci", Version = 2, MinimumVersion = 2)]
public sealed partial class Ehci
{
    [Field] private readonly PciDevice pcidev = new(isExpress: false);
    [Field("ehci")] private readonly EhciCore core = new();
}

/// <summary>The controller without its bus.</summary>
[VmState("ehci-core", Nested = true, Version = 2, MinimumVersion = 2)]
public sealed partial class EhciCore
{
    [Field] private uint usbcmd;
    [Field] private uint usbsts;
    [Field] private uint usbstsPending;
    [Field] private uint usbstsFrindex;
    [Field] private uint usbintr;
    [Field] private uint frindex;
    [Field] private uint ctrldssegment;
    [Field] private uint periodiclistbase;
    [Field] private uint asynclistaddr;
    [Field] private uint configflag;

    [Field("portsc[0]", Element = 0)]
    [Field("portsc[1]", Element = 1)]
    [Field("portsc[2]", Element = 2)]
    [Field("portsc[3]", Element = 3)]
    [Field("portsc[4]", Element = 4)]
    [Field("portsc[5]", Element = 5)]
    private readonly uint[] portsc = new uint[6];

    [Field] private VmTimer frameTimer;
    [Field] private ulong lastRunNs;
    [Field] private uint asyncStepdown;
    [Field] private uint astate;
    [Field] private uint pstate;
    [Field] private uint aFetchAddr;
    [Field] private uint pFetchAddr;
}
