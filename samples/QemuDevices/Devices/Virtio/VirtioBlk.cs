using System.Collections.Generic;
using VmStateGen;

namespace QemuDevices;

/// <summary>A virtio disk: section <c>virtio-blk</c>.</summary>
[VmState("virtio-blk", Version = 2, MinimumVersion = 2)]
public sealed partial class VirtioBlk(VirtioConfiguration configuration)
{
    [Field(TypeName = "virtio")] private readonly VirtioBlkState virtio = new(configuration);
}

/// <summary>The device and the requests that it could not complete, such as one that an error stopped the machine on.</summary>
[VmState(Nested = true)]
public sealed partial class VirtioBlkState(VirtioConfiguration configuration) : VirtioState(configuration)
{
    [Field(Max = MaxQueues)] private readonly List<VirtioBlkRequest> requests = [];
    [Field] private readonly VirtioExtras extras = new();
}

/// <summary>A request in flight.</summary>
[VmState(Nested = true)]
public sealed partial class VirtioBlkRequest
{
    [Parent] private VirtioBlkState? device;

    [Field(When = nameof(HasQueueIndex))] private uint queue;
    [Field(When = nameof(IsPacked))] private uint descriptorCount;
    [Field(Codec = typeof(VirtQueueElementCodec))] private VirtQueueElement element = new();

    private bool HasQueueIndex() => device!.Configuration.Queues > 1;

    private bool IsPacked() => device!.Configuration.IsPacked;
}
