using VmStateGen;

namespace QemuDevices;

/// <summary>A virtio memory balloon: section <c>virtio-balloon</c>.</summary>
[VmState("virtio-balloon")]
public sealed partial class VirtioBalloon(VirtioConfiguration configuration)
{
    [Field(TypeName = "virtio")] private readonly VirtioBalloonState virtio = new(configuration);
}

/// <summary>The device with the balloon's own state.</summary>
[VmState(Nested = true)]
public sealed partial class VirtioBalloonState(VirtioConfiguration configuration) : VirtioState(configuration)
{
    [Field] private readonly Balloon balloon = new();
    [Field] private readonly VirtioExtras extras = new();
}

/// <summary>The balloon itself: its size in pages of 4 KiB.</summary>
[VmState("virtio-balloon-device", Nested = true)]
[Subsection("virtio-balloon-device/free-page-report", Present = nameof(hasFreePageReport))]
[Subsection("virtio-balloon-device/page-poison", Present = nameof(hasPagePoison))]
public sealed partial class Balloon
{
    [Field] private uint numPages;
    [Field] private uint actual;

    [Ignore("whether its subsection came")] private bool hasFreePageReport;
    [Field(Subsection = "virtio-balloon-device/free-page-report")] private uint freePageHintCmdId;
    [Field(Subsection = "virtio-balloon-device/free-page-report")] private uint freePageHintStatus;

    [Ignore("whether its subsection came")] private bool hasPagePoison;
    [Field(Subsection = "virtio-balloon-device/page-poison")] private uint poisonVal;
}
