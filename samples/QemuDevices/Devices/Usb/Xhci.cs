using VmStateGen;

namespace QemuDevices;

/// <summary>A USB 3.0 host controller: section <c>xhci</c>.</summary>
[VmState("xhci")]
public sealed partial class Xhci : PciDevice
{
    [Field("parent_obj")] private readonly XhciMsix msix;
    [Field("xhci")] private readonly XhciCore core;

    /// <param name="configuration">What this side's controller is like.</param>
    public Xhci(XhciConfiguration configuration)
        : base(configuration.IsExpress)
    {
        msix = new XhciMsix(configuration.Vectors);
        core = new XhciCore(configuration);
    }
}

/// <summary>What decides the layout of a USB 3.0 host controller's state and is not on the wire.</summary>
public sealed record XhciConfiguration
{
    /// <summary>On a PCI Express bus.</summary>
    public bool IsExpress { get; init; } = true;

    /// <summary>MSI-X vectors; 0 without MSI-X.</summary>
    public int Vectors { get; init; } = 16;

    /// <summary>Ports of USB 2 and of USB 3 together.</summary>
    public int Ports { get; init; } = 8;

    /// <summary>Device slots.</summary>
    public int Slots { get; init; } = 64;

    /// <summary>Interrupters.</summary>
    public int Interrupters { get; init; } = 16;
}

/// <summary>Vectors as a state of their own.</summary>
[VmState("msix", Nested = true, Version = 0)]
public sealed partial class XhciMsix
{
    [Ignore("configuration")] private readonly int vectors;
    [Field(When = nameof(HasVectors), TypeName = "msix state")] private readonly MsixState msix;

    /// <param name="vectors">Vectors of the table.</param>
    public XhciMsix(int vectors)
    {
        this.vectors = vectors;
        msix = new MsixState(vectors);
    }

    private bool HasVectors() => vectors > 0;
}

/// <summary>The controller without its bus.</summary>
[VmState("xhci-core", Nested = true)]
public sealed partial class XhciCore
{
    private const int MaxPorts = 30;
    private const int MaxSlots = 64;
    private const int MaxInterrupters = 16;

    [Ignore("configuration")] private readonly XhciConfiguration configuration;

    [Field(CountFrom = nameof(NumPorts), Max = MaxPorts)] private XhciPort[] ports = [];
    [Field(CountFrom = nameof(NumSlots), Max = MaxSlots)] private XhciSlot[] slots = [];
    [Field(CountFrom = nameof(NumIntrs), Max = MaxInterrupters)] private XhciInterrupter[] intr = [];
    [Field] private uint usbcmd;
    [Field] private uint usbsts;
    [Field] private uint dnctrl;
    [Field] private uint crcrLow;
    [Field] private uint crcrHigh;
    [Field] private uint dcbaapLow;
    [Field] private uint dcbaapHigh;
    [Field] private uint config;
    [Field] private long mfindexStart;
    [Field] private VmTimer mfwrapTimer;
    [Field] private XhciRing cmdRing;

    /// <param name="configuration">What this side's controller is like.</param>
    public XhciCore(XhciConfiguration configuration) => this.configuration = configuration;

    private int NumPorts => configuration.Ports;

    private int NumSlots => configuration.Slots;

    private int NumIntrs => configuration.Interrupters;
}

/// <summary>One port.</summary>
[VmState("xhci-port", Nested = true)]
public partial struct XhciPort
{
    [Field] private uint portsc;
}

/// <summary>A slot; the contexts of its device are in guest memory, where a load reads them.</summary>
[VmState("xhci-slot", Nested = true)]
public partial struct XhciSlot
{
    [Field("enabled")] private bool isEnabled;
    [Field("addressed")] private bool isAddressed;
}

/// <summary>An interrupter with its event ring, and events that did not fit into the ring.</summary>
[VmState("xhci-intr", Nested = true)]
public sealed partial class XhciInterrupter
{
    private const int BufferLength = 5632 / 32;

    [Field] private uint iman;
    [Field] private uint imod;
    [Field] private uint erstsz;
    [Field] private uint erstbaLow;
    [Field] private uint erstbaHigh;
    [Field] private uint erdpLow;
    [Field] private uint erdpHigh;
    [Field] private bool msixUsed;
    [Field] private bool erPcs;
    [Field] private ulong erStart;
    [Field] private uint erSize;
    [Field] private uint erEpIdx;
    [Field("er_full_unused")] private bool isFull;
    [Field(When = nameof(HasEvents))] private uint evBufferPut;
    [Field(When = nameof(HasEvents))] private uint evBufferGet;
    [Field(When = nameof(HasEvents), Length = BufferLength)] private readonly XhciEvent[] evBuffer = new XhciEvent[BufferLength];

    private bool HasEvents() => isFull;
}

/// <summary>An event.</summary>
[VmState("xhci-event", Nested = true)]
public partial struct XhciEvent
{
    [Field] private uint type;
    [Field] private uint ccode;
    [Field] private ulong ptr;
    [Field] private uint length;
    [Field] private uint flags;
    [Field] private byte slotid;
    [Field] private byte epid;
}

/// <summary>A ring of commands.</summary>
[VmState("xhci-ring", Nested = true)]
public partial struct XhciRing
{
    [Field] private ulong dequeue;
    [Field] private bool ccs;
}
