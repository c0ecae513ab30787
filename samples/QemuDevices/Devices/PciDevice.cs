using System.Buffers.Binary;
using VmStateGen;

namespace QemuDevices;

/// <summary>What every PCI device starts with: configuration space and interrupt lines.</summary>
[VmState("PCIDevice", Nested = true, Version = 2, MinimumVersion = 1)]
public partial class PciDevice
{
    private const int ConventionalSize = 256;
    private const int ExpressSize = 4096;

    [Ignore("configuration")] private readonly bool isExpress;

    [Field(Expect = Expect.NotAbove)] private int versionId = 2;

    [Field(Length = ConventionalSize, When = nameof(IsConventional), TypeName = "pci config")]
    [Field(Length = ExpressSize, When = nameof(IsExpress), TypeName = "pci config")]
    private readonly byte[] config;

    [Field(Version = 2, Codec = typeof(PciIrqStateCodec))] private PciIrqState irqState;

    /// <param name="isExpress">A PCI Express device, whose configuration space has 4096 bytes instead of 256.</param>
    public PciDevice(bool isExpress)
    {
        this.isExpress = isExpress;
        config = new byte[isExpress ? ExpressSize : ConventionalSize];
    }

    private bool IsConventional() => !isExpress;

    private bool IsExpress() => isExpress;
}

/// <summary>Which of the interrupt lines INTA to INTD are asserted: bits 0 to 3.</summary>
/// <param name="Lines">The bits.</param>
public readonly record struct PciIrqState(byte Lines);

/// <summary>On the wire each line is a be32 of 0 or 1 (qemu-migration.md §11); anything else is refused, as by QEMU.</summary>
[VmStateCodec("pci irq state", Size)]
public sealed class PciIrqStateCodec : IVmStateCodec<PciIrqState>
{
    private const int Lines = 4;
    private const int Size = Lines * sizeof(uint);

    /// <inheritdoc/>
    public static void Save(ref VmStateWriter writer, in PciIrqState value)
    {
        var run = writer.Run(Size);
        for (int i = 0; i < Lines; i++)
            BinaryPrimitives.WriteUInt32BigEndian(run[(i * sizeof(uint))..], (uint)(value.Lines >> i) & 1);
    }

    /// <inheritdoc/>
    public static void Load(ref VmStateReader reader, ref PciIrqState value)
    {
        long start = reader.Offset;
        var run = reader.Run(Size, "INTA:4;INTB:4;INTC:4;INTD:4"u8);
        int lines = 0;
        for (int i = 0; i < Lines; i++)
        {
            uint line = BinaryPrimitives.ReadUInt32BigEndian(run[(i * sizeof(uint))..]);
            if (line > 1)
                throw new VmStateException("0 or 1, the state of an interrupt line", $"{line}", start + i * sizeof(uint));
            lines |= (int)line << i;
        }
        value = new PciIrqState((byte)lines);
    }

    /// <inheritdoc/>
    public static int Measure(in PciIrqState value) => Size;
}
