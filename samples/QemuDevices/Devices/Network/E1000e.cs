using System.Linq;
using VmStateGen;

namespace QemuDevices;

/// <summary>How <see cref="E1000e"/> lies on the wire, which its version does not tell.</summary>
public enum E1000eLayout
{
    /// <summary>As QEMU 7.2 has it.</summary>
    Release72,

    /// <summary>As newer releases have it for machine types of 7.2 and older: what they do not need any more is zeros.</summary>
    Compatible,

    /// <summary>As newer releases have it: the adjustment of the clock at the end.</summary>
    Current,
}

/// <summary>The Intel 82574L gigabit Ethernet card, the default one of q35: section <c>e1000e</c> with its PCI path in front.</summary>
[VmState("e1000e")]
public sealed partial class E1000e : PciDevice
{
    private const int Vectors = 5;
    private const int Queues = 2;
    private const int EepromWords = 64;
    private const int PhyWords = 7 * 32;

    [Ignore("configuration")] private readonly E1000eLayout layout;
    [Ignore("configuration")] private readonly int pendingFlags;

    [Field("parent_obj")] private readonly MsixVectors msix = new(Vectors);
    [Field] private uint ioaddr;
    [Field("core.rxbuf_min_shift")] private uint rxbufMinShift;
    [Field("core.rx_desc_len")] private byte rxDescLen;
    [Field("core.rxbuf_sizes", Length = 4)] private readonly uint[] rxbufSizes = new uint[4];
    [Field("core.rx_desc_buf_size")] private uint rxDescBufSize;
    [Field("core.eeprom", Length = EepromWords)] private readonly ushort[] eeprom = new ushort[EepromWords];
    /// <summary>All pages of it, one after the other.</summary>
    [Field("core.phy", Length = PhyWords)] private readonly ushort[] phy = new ushort[PhyWords];
    [Field("core.mac", Length = MacRegister.Count)] private readonly uint[] mac = new uint[MacRegister.Count];
    [Field("core.permanent_mac", Length = 6, As = WireType.U8)] private readonly byte[] permanentMac = new byte[6];
    [Field("core.delayed_causes")] private uint delayedCauses;
    [Field] private ushort subsys;
    [Field] private ushort subsysVen;
    [Field("core.rdtr")] private readonly E1000eTimer receiveDelay = new();
    [Field("core.radv")] private readonly E1000eTimer receiveAbsoluteDelay = new();
    [Field("core.raid")] private readonly E1000eTimer smallPacketDelay = new();
    [Field("core.tadv")] private readonly E1000eTimer transmitAbsoluteDelay = new();
    [Field("core.tidv")] private readonly E1000eTimer transmitDelay = new();
    [Field("core.itr")] private readonly E1000eTimer throttle = new();
    [Field("core.itr_intr_pending", When = nameof(HasPendingFlags))]
    [Removed("core.itr_intr_pending", 1, When = nameof(LacksPendingFlags))]
    private bool itrPending;
    [Field("core.eitr", Length = Vectors)] private readonly E1000eTimer[] vectorThrottle = Enumerable.Range(0, Vectors).Select(_ => new E1000eTimer()).ToArray();
    /// <summary>None or all. Counted, because an array that has a condition is described by 7.2 element by element.</summary>
    [Field("core.eitr_intr_pending", CountFrom = nameof(pendingFlags), Max = Vectors)]
    [Removed("core.eitr_intr_pending", Vectors, When = nameof(LacksPendingFlags))]
    private bool[] eitrPending;
    [Field("core.itr_guest_value")] private uint itrGuestValue;
    [Field("core.eitr_guest_value", Length = Vectors)] private readonly uint[] eitrGuestValue = new uint[Vectors];
    [Field("core.vet")] private ushort vet;
    [Field("core.tx", Length = Queues)] private readonly E1000eTransmit[] tx = new E1000eTransmit[Queues];
    [Field("core.timadj", When = nameof(HasClockAdjustment))] private long timadj;

    /// <param name="layout">By the release that saves and its machine type.</param>
    public E1000e(E1000eLayout layout = E1000eLayout.Current)
        : base(isExpress: true)
    {
        this.layout = layout;
        pendingFlags = HasPendingFlags() ? Vectors : 0;
        eitrPending = new bool[pendingFlags];
    }

    private bool HasPendingFlags() => layout == E1000eLayout.Release72;

    private bool LacksPendingFlags() => layout != E1000eLayout.Release72;

    private bool HasClockAdjustment() => layout == E1000eLayout.Current;
}

/// <summary>A timer that holds interrupts back.</summary>
[VmState("e1000e-intr-timer", Nested = true)]
public sealed partial class E1000eTimer
{
    [Field] private VmTimer timer;
    [Field] private bool running;
}

/// <summary>What a transmit queue keeps of the last context descriptor.</summary>
[VmState("e1000e-tx", Nested = true)]
public partial struct E1000eTransmit
{
    [Field] private byte sumNeeded;
    [Field("props.ipcss")] private byte ipcss;
    [Field("props.ipcso")] private byte ipcso;
    [Field("props.ipcse")] private ushort ipcse;
    [Field("props.tucss")] private byte tucss;
    [Field("props.tucso")] private byte tucso;
    [Field("props.tucse")] private ushort tucse;
    [Field("props.hdr_len")] private byte hdrLen;
    [Field("props.mss")] private ushort mss;
    [Field("props.paylen")] private uint paylen;
    [Field("props.ip")] private sbyte ip;
    [Field("props.tcp")] private sbyte tcp;
    [Field("props.tse")] private bool tse;
    [Field] private bool cptse;
    [Field] private bool skipCp;
}
