using VmStateGen;

namespace QemuDevices;

/// <summary>A PCI device's MSI-X vectors, as they lie in its memory (qemu-migration.md §11): the table, then the pending bits.</summary>
[VmState("msix", Nested = true, Version = 0, MinimumVersion = 0)]
public sealed partial class MsixVectors
{
    private const int EntrySize = 16;
    private const int MaxVectors = 2048; // by PCI's definition

    [Ignore("configuration")] private readonly int size;

    [Field(CountFrom = nameof(size), Max = (MaxVectors * EntrySize) + (MaxVectors / 8), TypeName = "msix state")] private byte[] msix;

    /// <param name="vectors">Vectors that the device has.</param>
    public MsixVectors(int vectors)
    {
        size = (vectors * EntrySize) + ((vectors + 7) / 8);
        msix = new byte[size];
    }
}
