namespace QemuDevices;

/// <summary>What decides the layout of a virtio PCI device's state and is not on the wire.</summary>
public sealed record VirtioConfiguration
{
    /// <summary>On a PCI Express bus; a modern-only device need not be.</summary>
    public bool IsExpress { get; init; }

    /// <summary>MSI-X vectors; 0 without MSI-X.</summary>
    public int Vectors { get; init; }

    /// <summary>The device offers packed rings (<c>packed=on</c>), whether the guest took them or not.</summary>
    public bool IsPacked { get; init; }

    /// <summary>Request queues of a block device, or queue pairs of a network card.</summary>
    public int Queues { get; init; } = 1;
}
