using VmStateGen;

namespace QemuDevices;

/// <summary>What every virtio device's state ends with: nothing but subsections, which came with later releases.</summary>
[VmState("virtio", Nested = true)]
[Subsection("virtio/device_endian", Present = nameof(hasDeviceEndian))]
[Subsection("virtio/64bit_features", Present = nameof(hasFeatures))]
[Subsection("virtio/virtqueues", Present = nameof(hasVirtqueues))]
[Subsection("virtio/ringsize", Present = nameof(hasRingsize))]
[Subsection("virtio/broken", Present = nameof(hasBroken))]
[Subsection("virtio/extra_state", Present = nameof(hasExtraState))]
[Subsection("virtio/started", Present = nameof(hasStarted))]
[Subsection("virtio/packed_virtqueues", Present = nameof(hasPackedVirtqueues))]
[Subsection("virtio/disabled", Present = nameof(hasDisabled))]
public sealed partial class VirtioExtras
{
    [Ignore("whether its subsection came")] private bool hasDeviceEndian;
    [Field(Subsection = "virtio/device_endian")] private byte deviceEndian;

    [Ignore("whether its subsection came")] private bool hasFeatures;
    [Field(Subsection = "virtio/64bit_features")] private ulong guestFeatures;

    [Ignore("whether its subsection came")] private bool hasVirtqueues;
    [Field(Subsection = "virtio/virtqueues", Length = VirtioState.MaxQueues)]
    private readonly RingAddresses[] rings = new RingAddresses[VirtioState.MaxQueues];

    [Ignore("whether its subsection came")] private bool hasRingsize;
    [Field(Subsection = "virtio/ringsize", Length = VirtioState.MaxQueues)]
    private readonly uint[] ringSizes = new uint[VirtioState.MaxQueues];

    [Ignore("whether its subsection came")] private bool hasBroken;
    [Field(Subsection = "virtio/broken")] private bool isBroken;

    [Ignore("whether its subsection came")] private bool hasExtraState;
    [Field(Subsection = "virtio/extra_state", TypeName = "virtqueue_extra_state")] private readonly VirtioPciExtras extraState = new();

    [Ignore("whether its subsection came")] private bool hasStarted;
    [Field(Subsection = "virtio/started")] private bool isStarted;

    [Ignore("whether its subsection came")] private bool hasPackedVirtqueues;
    [Field(Subsection = "virtio/packed_virtqueues", Length = VirtioState.MaxQueues)]
    private readonly PackedRing[] packedRings = new PackedRing[VirtioState.MaxQueues];

    [Ignore("whether its subsection came")] private bool hasDisabled;
    [Field(Subsection = "virtio/disabled")] private bool isDisabled;
}

/// <summary>Where a split ring's other two parts are.</summary>
[VmState(Nested = true)]
public partial struct RingAddresses
{
    [Field] private ulong avail;
    [Field] private ulong used;
}

/// <summary>Positions in a packed ring.</summary>
[VmState(Nested = true)]
public partial struct PackedRing
{
    [Field] private ushort lastAvailIdx;
    [Field] private bool lastAvailWrapCounter;
    [Field] private ushort usedIdx;
    [Field] private bool usedWrapCounter;
    [Field] private uint inuse;
}

/// <summary>What the PCI transport adds.</summary>
[VmState("virtio_pci", Nested = true)]
public sealed partial class VirtioPciExtras
{
    [Subsection] private VirtioModernState? modernState;
}

/// <summary>Registers of the transport of virtio 1.0.</summary>
[VmState("virtio_pci/modern_state", Nested = true)]
public sealed partial class VirtioModernState
{
    [Field] private uint dfselect;
    [Field] private uint gfselect;
    [Field(Length = 2)] private readonly uint[] guestFeatures = new uint[2];
    [Field(Length = VirtioState.MaxQueues)] private readonly ModernQueue[] queues = new ModernQueue[VirtioState.MaxQueues];
}

/// <summary>A queue as the guest has set it up so far; addresses are kept as the two halves that it writes.</summary>
[VmState(Nested = true)]
public partial struct ModernQueue
{
    [Field] private ushort num;
    [Removed("unused", 1)]
    [Field] private bool isEnabled;
    [Field] private ulong descriptorsHalves;
    [Field] private ulong availHalves;
    [Field] private ulong usedHalves;
}
