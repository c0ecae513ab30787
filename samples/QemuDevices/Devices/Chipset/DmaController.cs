using VmStateGen;

namespace QemuDevices;

/// <summary>One of the two DMA controllers of a PC: sections <c>dma</c>, instance 0 and 1.</summary>
[VmState("dma")]
public sealed partial class DmaController
{
    private const int Channels = 4;

    [Field] private byte command;
    [Field] private byte mask;
    [Field] private byte flipFlop;
    [Field] private int dshift;
    [Field("regs", Length = Channels)] private readonly DmaChannel[] channels = [new(), new(), new(), new()];
}

/// <summary>One of its channels: address and count, as they are now and as they were set.</summary>
[VmState("dma_regs", Nested = true)]
public sealed partial class DmaChannel
{
    [Field(Length = 2)] private readonly int[] now = new int[2];
    [Field(Length = 2)] private readonly ushort[] @base = new ushort[2];
    [Field] private byte mode;
    [Field] private byte page;
    [Field] private byte pageh;
    [Field] private byte dack;
    [Field] private byte eop;
}
