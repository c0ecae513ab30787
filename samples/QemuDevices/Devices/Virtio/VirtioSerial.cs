using VmStateGen;

namespace QemuDevices;

/// <summary>A virtio serial bus with its ports: section <c>virtio-console</c>.</summary>
[VmState("virtio-console", Version = 3, MinimumVersion = 3)]
public sealed partial class VirtioSerial(VirtioConfiguration configuration)
{
    [Field(TypeName = "virtio")] private readonly VirtioSerialState virtio = new(configuration);
}

/// <summary>The device, which ports there are, and the state of each.</summary>
[VmState(Nested = true)]
public sealed partial class VirtioSerialState(VirtioConfiguration configuration) : VirtioState(configuration)
{
    private const int MaxPorts = MaxQueues / 2;
    private const int PortsOfWord = 32;

    [Field] private ushort cols;
    [Field] private ushort rows;
    [Field] private uint maxPorts;
    [Field(CountFrom = nameof(MapWords), Max = MaxPorts / PortsOfWord)] private uint[] portsMap = [];
    [Field] private uint activePorts;
    [Field(CountFrom = nameof(activePorts), Max = MaxPorts)] private VirtioSerialPort[] ports = [];
    [Field] private readonly VirtioExtras extras = new();

    private long MapWords => ((long)maxPorts + PortsOfWord - 1) / PortsOfWord;
}

/// <summary>A port, perhaps with an output request of the guest that its other end could not yet take in full.</summary>
[VmState(Nested = true)]
public sealed partial class VirtioSerialPort
{
    [Parent] private VirtioSerialState? device;

    [Field] private uint id;
    [Field] private bool isGuestConnected;
    [Field] private bool isHostConnected;
    [Field] private uint popped;
    [Field(When = nameof(HasElement))] private uint iovIdx;
    [Field(When = nameof(HasElement))] private ulong iovOffset;
    [Field(When = nameof(HasPackedElement))] private uint descriptorCount;
    [Field(When = nameof(HasElement), Codec = typeof(VirtQueueElementCodec))] private VirtQueueElement element = new();

    private bool HasElement() => popped != 0;

    private bool HasPackedElement() => HasElement() && device!.Configuration.IsPacked;
}
