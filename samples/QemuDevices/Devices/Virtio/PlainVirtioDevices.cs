using VmStateGen;

namespace QemuDevices;

/// <summary>A virtio source of entropy: section <c>virtio-rng</c>.</summary>
[VmState("virtio-rng")]
public sealed partial class VirtioRng(VirtioConfiguration configuration)
{
    [Field(TypeName = "virtio")] private readonly PlainVirtioState virtio = new(configuration);
}

/// <summary>A virtio SCSI host adapter: section <c>virtio-scsi</c>. Requests in flight are in the sections of its disks.</summary>
[VmState("virtio-scsi")]
public sealed partial class VirtioScsi(VirtioConfiguration configuration)
{
    [Field(TypeName = "virtio")] private readonly PlainVirtioState virtio = new(configuration);
}

/// <summary>A virtio keyboard, mouse or tablet: section <c>virtio-input</c>.</summary>
[VmState("virtio-input")]
public sealed partial class VirtioInput(VirtioConfiguration configuration)
{
    [Field(TypeName = "virtio")] private readonly PlainVirtioState virtio = new(configuration);
}
