using VmStateGen;

namespace QemuDevices;

/// <summary>The graphics card that older machines have by default (<c>-vga cirrus</c>): section <c>cirrus_vga</c>.</summary>
[VmState("cirrus_vga", Version = 2, MinimumVersion = 2)]
public sealed partial class PciCirrusVga
{
    [Field] private readonly PciDevice dev = new();
    [Field("cirrus_vga")] private readonly CirrusVga vga = new();
}

/// <summary>A Cirrus Logic GD5446.</summary>
[VmState("cirrus_vga", Nested = true, Version = 2, MinimumVersion = 1)]
public sealed partial class CirrusVga
{
    [Field("vga.latch")] private uint latch;
    [Field("vga.sr_index")] private byte srIndex;
    [Field("vga.sr", Length = 256)] private readonly byte[] sr = new byte[256];
    [Field("vga.gr_index")] private byte grIndex;
    [Field("cirrus_shadow_gr0")] private byte shadowGr0;
    [Field("cirrus_shadow_gr1")] private byte shadowGr1;
    /// <summary>From register 2 on: the first two are the shadows.</summary>
    [Field("vga.gr", Length = 254)] private readonly byte[] gr = new byte[254];
    [Field("vga.ar_index")] private byte arIndex;
    [Field("vga.ar", Length = 21)] private readonly byte[] ar = new byte[21];
    [Field("vga.ar_flip_flop")] private int arFlipFlop;
    [Field("vga.cr_index")] private byte crIndex;
    [Field("vga.cr", Length = 256)] private readonly byte[] cr = new byte[256];
    [Field("vga.msr")] private byte msr;
    [Field("vga.fcr")] private byte fcr;
    [Field("vga.st00")] private byte st00;
    [Field("vga.st01")] private byte st01;
    [Field("vga.dac_state")] private byte dacState;
    [Field("vga.dac_sub_index")] private byte dacSubIndex;
    [Field("vga.dac_read_index")] private byte dacReadIndex;
    [Field("vga.dac_write_index")] private byte dacWriteIndex;
    [Field("vga.dac_cache", Length = 3)] private readonly byte[] dacCache = new byte[3];
    [Field("vga.palette", Length = 768)] private readonly byte[] palette = new byte[768];
    [Field("vga.bank_offset")] private int bankOffset;
    [Field("cirrus_hidden_dac_lockindex")] private byte hiddenDacLockIndex;
    [Field("cirrus_hidden_dac_data")] private byte hiddenDacData;
    [Field("vga.hw_cursor_x")] private uint cursorX;
    [Field("vga.hw_cursor_y")] private uint cursorY;
}
