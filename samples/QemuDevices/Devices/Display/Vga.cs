using VmStateGen;

namespace QemuDevices;

/// <summary>The standard graphics card: section <c>vga</c> with its PCI path in front. Its memory is a RAM block.</summary>
[VmState("vga", Version = 2, MinimumVersion = 2)]
public sealed partial class PciVga
{
    [Field] private readonly PciDevice dev = new();
    [Field] private readonly Vga vga = new();
}

/// <summary>A VGA with Bochs's extensions.</summary>
[VmState("vga", Nested = true, Version = 2, MinimumVersion = 2)]
[Subsection("vga.endian", Present = nameof(hasEndian))]
public sealed partial class Vga
{
    [Field] private uint latch;
    [Field] private byte srIndex;
    [Field(Length = 8)] private readonly byte[] sr = new byte[8];
    [Field] private byte grIndex;
    [Field(Length = 16)] private readonly byte[] gr = new byte[16];
    [Field] private byte arIndex;
    [Field(Length = 21)] private readonly byte[] ar = new byte[21];
    [Field] private int arFlipFlop;
    [Field] private byte crIndex;
    [Field(Length = 256)] private readonly byte[] cr = new byte[256];
    [Field] private byte msr;
    [Field] private byte fcr;
    [Field] private byte st00;
    [Field] private byte st01;
    [Field] private byte dacState;
    [Field] private byte dacSubIndex;
    [Field] private byte dacReadIndex;
    [Field] private byte dacWriteIndex;
    [Field(Length = 3)] private readonly byte[] dacCache = new byte[3];
    [Field(Length = 768)] private readonly byte[] palette = new byte[768];
    [Field] private int bankOffset;
    [Field(Expect = Expect.Equal)] private readonly byte isVbeVmstate = 1;
    [Field] private ushort vbeIndex;
    [Field(Length = 10)] private readonly ushort[] vbeRegs = new ushort[10];
    [Field] private uint vbeStartAddr;
    [Field] private uint vbeLineOffset;
    [Field] private uint vbeBankMask;

    [Ignore("whether its subsection came")] private bool hasEndian;
    [Field("big_endian_fb", Subsection = "vga.endian")] private bool isBigEndian;
}
