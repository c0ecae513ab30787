using VmStateGen;

namespace QemuDevices;

/// <summary>Message-signalled interrupts: the vector table and the pending bits as the guest sees them, one opaque field to a trailer.</summary>
[VmState("msix", Nested = true)]
public sealed partial class MsixState
{
    /// <summary>Most vectors that PCI allows.</summary>
    public const int MaxVectors = 2048;

    private const int EntrySize = 16;

    [Ignore("configuration")] private readonly int tableSize;
    [Ignore("configuration")] private readonly int pendingSize;

    [Field(CountFrom = nameof(tableSize), Max = MaxVectors * EntrySize)] private byte[] table;
    [Field(CountFrom = nameof(pendingSize), Max = MaxVectors / 8)] private byte[] pending;

    /// <param name="vectors">Vectors of the table.</param>
    public MsixState(int vectors)
    {
        tableSize = vectors * EntrySize;
        pendingSize = (vectors + 7) / 8;
        table = new byte[tableSize];
        pending = new byte[pendingSize];
    }
}
