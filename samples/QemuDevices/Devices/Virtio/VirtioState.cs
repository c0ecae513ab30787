using VmStateGen;

namespace QemuDevices;

/// <summary>
/// What the state of every virtio device on PCI starts with: the PCI device, then registers, configuration and queues. To a
/// trailer all of it, and what the device adds, is one field of type <c>virtio</c> (qemu-migration.md §11).
/// </summary>
[VmState(Nested = true)]
public abstract partial class VirtioState : PciDevice
{
    /// <summary>Most queues, and most entries of one.</summary>
    public const int MaxQueues = 1024;

    private const int MaxConfigSize = 4096;

    [Field(When = nameof(HasMsix), TypeName = "msix state")] private readonly MsixState msix;
    [Field(When = nameof(HasMsix))] private ushort configVector;

    [Field] private byte status;
    [Field] private byte isr;
    [Field] private ushort queueSel;
    [Field] private uint guestFeatures;
    [Field] private uint configLen;
    [Field(CountFrom = nameof(configLen), Max = MaxConfigSize)] private byte[] deviceConfig = [];
    [Field] private uint queueCount;
    [Field(CountFrom = nameof(queueCount), Max = MaxQueues)] private VirtQueueState[] queues = [];

    /// <param name="configuration">What this side's device is like.</param>
    protected VirtioState(VirtioConfiguration configuration)
        : base(configuration.IsExpress)
    {
        Configuration = configuration;
        msix = new MsixState(configuration.Vectors);
    }

    /// <summary>What this side's device is like.</summary>
    [Ignore("configuration")] public VirtioConfiguration Configuration { get; }

    /// <summary>Whether the guest has accepted one of the first 32 features.</summary>
    private protected bool HasFeature(int bit) => (guestFeatures >> bit & 1) != 0;

    internal bool HasMsix() => Configuration.Vectors > 0;
}

/// <summary>One queue.</summary>
[VmState(Nested = true)]
public sealed partial class VirtQueueState
{
    [Parent] private VirtioState? device;

    [Field] private uint size;
    [Field] private ulong descriptors;
    [Field] private ushort lastAvailIdx;
    [Field(When = nameof(HasVector))] private ushort vector;

    private bool HasVector() => device!.HasMsix();
}

/// <summary>A device that adds nothing of its own.</summary>
[VmState(Nested = true)]
public sealed partial class PlainVirtioState(VirtioConfiguration configuration) : VirtioState(configuration)
{
    [Field] private readonly VirtioExtras extras = new();
}
