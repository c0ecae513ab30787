using VmStateGen;

namespace QemuDevices;

/// <summary>A virtio network card: section <c>virtio-net</c>.</summary>
[VmState("virtio-net", Version = 11, MinimumVersion = 11)]
public sealed partial class VirtioNet(VirtioConfiguration configuration)
{
    [Field(TypeName = "virtio")] private readonly VirtioNetState virtio = new(configuration);
}

/// <summary>The device with the card's own state.</summary>
[VmState(Nested = true)]
public sealed partial class VirtioNetState : VirtioState
{
    private const int OffloadsFeature = 2;

    [Field] private readonly VirtioNetCard card;
    [Field] private readonly VirtioExtras extras = new();

    /// <param name="configuration">What this side's card is like.</param>
    public VirtioNetState(VirtioConfiguration configuration)
        : base(configuration) => card = new VirtioNetCard((ushort)configuration.Queues);

    internal bool HasOffloads => HasFeature(OffloadsFeature);
}

/// <summary>The card itself: address filters and offloads.</summary>
[VmState("virtio-net-device", Nested = true, Version = 11, MinimumVersion = 11)]
public sealed partial class VirtioNetCard
{
    private const int MaxAddresses = 64;
    private const int MaxPairs = 0x8000;
    private const int VlanBytes = 4096 / 8;

    [Parent] private VirtioNetState? device;

    [Field(Length = MacAddress.Size)] private readonly byte[] mac = new byte[MacAddress.Size];
    [Field] private uint txWaiting;
    [Field] private uint mergeableRxBufs;
    [Field] private ushort status;
    [Field] private byte promisc;
    [Field] private byte allmulti;
    [Field] private uint macTableInUse;
    [Field(CountFrom = nameof(macTableInUse), Max = MaxAddresses)] private MacAddress[] macTable = [];
    [Field(Length = VlanBytes)] private readonly byte[] vlans = new byte[VlanBytes];
    [Field] private uint hasVnetHdr;
    [Field] private byte multiOverflow;
    [Field] private byte uniOverflow;
    [Field] private byte alluni;
    [Field] private byte nomulti;
    [Field] private byte nouni;
    [Field] private byte nobcast;
    [Field] private byte hasUfo;
    [Field(When = nameof(HasSeveralPairs), Expect = Expect.Equal)] private readonly ushort maxQueuePairs;
    [Field(When = nameof(HasSeveralPairs))] private ushort currQueuePairs = 1;
    [Field(CountFrom = nameof(OtherPairs), Max = MaxPairs)] private uint[] otherTxWaiting = [];
    [Field(When = nameof(HasOffloads))] private ulong currGuestOffloads;

    [Subsection("virtio-net-device/rss")] private VirtioNetRss? rss;

    /// <param name="pairs">Pairs of queues that the card has.</param>
    public VirtioNetCard(ushort pairs) => maxQueuePairs = pairs;

    private int OtherPairs => currQueuePairs - 1;

    private bool HasSeveralPairs() => maxQueuePairs > 1;

    private bool HasOffloads() => device!.HasOffloads;
}

/// <summary>An Ethernet address.</summary>
[VmState(Nested = true)]
public partial struct MacAddress
{
    /// <summary>Its bytes.</summary>
    public const int Size = 6;

    [Field] private ushort high;
    [Field] private uint low;
}

/// <summary>How packets are spread over the queues.</summary>
[VmState("virtio-net-device/rss", Nested = true)]
public sealed partial class VirtioNetRss
{
    private const int KeySize = 40;
    private const int MaxTable = 128;

    [Field] private bool isEnabled;
    [Field] private bool isRedirecting;
    [Field] private bool hasHash;
    [Field] private uint hashTypes;
    [Field] private ushort tableLength;
    [Field] private ushort defaultQueue;
    [Field(Length = KeySize)] private readonly byte[] key = new byte[KeySize];
    [Field(CountFrom = nameof(tableLength), Max = MaxTable)] private ushort[] table = [];
}
