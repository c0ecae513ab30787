using System;
using System.Linq;

namespace VmStateGen.Tests;

/// <summary>Arrays have no count on the wire: their elements stand back to back (qemu-migration.md §2.11).</summary>
public class ArrayTests
{
    private const string Golden = "11 22 33 44 0102 0304 0506 01 00 01 fffe 7fff 0000000000000001 ffffffffffffffff " +
        "00112233445566778899aabbccddeeff 000102030405060708090a0b0c0d0e0f 00000001 ff 0007 0000";

    [Fact]
    public void Arrays_of_every_kind_stand_back_to_back()
    {
        var loaded = Wire.LoadedWholeOnly<Arrays>(Golden);

        Assert.Equal(new byte[] { 0x11, 0x22, 0x33, 0x44 }, loaded.Buffer);
        Assert.Equal(new ushort[] { 0x0102, 0x0304, 0x0506 }, loaded.Numbers);
        Assert.Equal([true, false, true], loaded.Flags);
        Assert.Equal(new short[] { -2, 32767 }, loaded.Signed);
        Assert.Equal([new VmTimer(1), VmTimer.Unarmed], loaded.Timers);
        Assert.Equal(Guid.Parse("00010203-0405-0607-0809-0a0b0c0d0e0f"), loaded.Identities[1]);
        Wire.AssertSaves(Golden, loaded);
    }

    [Fact]
    public void Any_byte_but_zero_is_true_in_an_array_and_is_saved_as_one() =>
        Wire.AssertSaves("01 00 01 01", Wire.Loaded<ManyFlags>("ff 00 01 80"));

    [Fact]
    public void Single_elements_and_ranges_of_one_array_stand_where_their_attributes_do()
    {
        var device = new Ranges();
        for (int i = 0; i < device.Registers.Length; i++)
            device.Registers[i] = (uint)(0x100 + i);

        Wire.AssertSaves("00000105 00000102 00000103 00000104 00000100", device);

        var loaded = Wire.LoadedWholeOnly<Ranges>("00000005 00000002 00000003 00000004 00000001");
        Assert.Equal(new uint[] { 1, 0, 2, 3, 4, 5, 0, 0 }, loaded.Registers);
    }

    [Fact]
    public void A_partial_buffer_leaves_the_rest_alone()
    {
        var device = new PartialBuffer();
        device.Bytes.AsSpan().Fill(0xee);

        VmState.Load(device, Wire.Bytes("01 02 03"));

        Assert.Equal(Wire.Bytes("ee ee 01 02 03 ee"), device.Bytes);
        Wire.AssertSaves("01 02 03", device);
    }

    [Fact]
    public void An_inline_array_is_an_array_also_in_a_struct_and_in_parts()
    {
        const string Golden = "0001 0002 0003 0004 0a0b 00 01 0003 0004 0001";

        InlineArrays loaded = Wire.LoadedWholeOnly<InlineArrays>(Golden);

        Wire.AssertSaves(Golden, loaded);
        Assert.Equal(2, loaded.Four[1]);
    }

    [Fact]
    public void An_array_that_is_missing_is_made_by_a_load_unless_it_cannot_be_assigned()
    {
        var device = new Lazy();

        VmState.Load(device, Wire.Bytes("0001 0002"));

        Assert.Equal(new ushort[] { 1, 2 }, device.Values);
        VmStateException e = Assert.Throws<VmStateException>(() => Wire.Saved(new Lazy()));
        Assert.Equal("lazy › values: expected an array of 2 elements, found null; the constructor must make it at offset 0x0", e.Message);
    }

    [Fact]
    public void An_array_that_is_there_is_reused_even_if_it_is_longer()
    {
        ushort[] array = [9, 9, 9];
        var device = new Lazy { Values = array };

        VmState.Load(device, Wire.Bytes("0001 0002"));

        Assert.Same(array, device.Values);
        Assert.Equal(new ushort[] { 1, 2, 9 }, array);
    }

    [Fact]
    public void An_array_that_is_too_short_fails_the_save_and_names_the_field()
    {
        VmStateException e = Wire.RejectsSaving(new Lazy { Values = [1] });

        Assert.Equal("lazy › values: expected an array of 2 elements, found 1; the constructor must make it at offset 0x0", e.Message);
    }

    [Fact]
    public void A_counted_array_has_as_many_elements_as_an_earlier_field_says()
    {
        const string Golden = "03 00000001 fffffffe 00000003 aabb";

        Counted loaded = Wire.LoadedWholeOnly<Counted>(Golden);

        Assert.Equal([1, -2, 3], loaded.Values!);
        Wire.AssertSaves(Golden, loaded);
        Wire.AssertSaves("00 aabb", Wire.Loaded<Counted>("00 aabb"));
    }

    [Fact]
    public void A_count_above_the_maximum_fails_before_anything_is_allocated()
    {
        var device = new Counted();

        VmStateException e = Wire.Rejects(device, "05 00000001 00000002 00000003 00000004 00000005 aabb");

        Assert.Equal("counted › values: expected a count from 0 to 4, found 5 at offset 0x1", e.Message);
        Assert.Null(device.Values);
        Assert.Equal("values", Wire.RejectsSaving(new Counted { Used = 5, Values = new int[5] }).FieldPath);
    }

    [Fact]
    public void A_count_that_the_bytes_cannot_hold_fails_before_anything_is_allocated()
    {
        var device = new Counted();

        VmStateException e = Wire.Rejects(device, "04 00000001 00");

        Assert.Equal("counted › values: expected 16 bytes, found the end of the stream after 5 at offset 0x6", e.Message);
        Assert.Null(device.Values);
    }

    [Theory]
    [InlineData("ffffffff", "-1")]
    [InlineData("80000000", "-2147483648")]
    public void A_negative_count_is_an_error(string count, string found) =>
        Assert.Equal(found, Wire.Rejects(new SignedCount(), count).Found);

    [Fact]
    public void A_count_of_all_64_bits_is_an_error() => Assert.Equal("a count from 0 to 8", Wire.Rejects(new WideCount(), "8000000000000001").Expected);

    [Fact]
    public void A_count_may_be_configuration()
    {
        var device = new Configured(3);

        VmState.Load(device, Wire.Bytes("010203"));

        Wire.AssertSaves("010203", device);
        Assert.Empty(Wire.Saved(new Configured(0)));
        Assert.Equal("data", Wire.Rejects(new Configured(9), "").FieldPath);
    }

    [Fact]
    public void An_array_larger_than_any_window_keeps_its_order()
    {
        var device = new LargeArray { Values = Enumerable.Range(0, 20_000).Select(i => (ulong)i << 32 | (uint)~i).ToArray() };

        byte[] saved = Wire.Saved(device);
        var loaded = new LargeArray();
        VmState.Load(loaded, saved);

        Assert.Equal(160_000, saved.Length);
        Wire.AssertBytes("00000001 fffffffe", saved.AsSpan(8, 8));
        Assert.Equal(device.Values, loaded.Values);
    }
}

[VmState("arrays")]
internal sealed partial class Arrays
{
    [Field(Length = 4)] public readonly byte[] Buffer = new byte[4];
    [Field(Length = 3)] public ushort[] Numbers = new ushort[3];
    [Field(Length = 3)] public bool[] Flags = new bool[3];
    [Field(Length = 2)] public short[] Signed = new short[2];
    [Field(Length = 2)] public VmTimer[] Timers = new VmTimer[2];
    [Field(Length = 2)] public Guid[] Identities = new Guid[2];
    [Field(Length = 1, As = WireType.U32)] public uint[] Words = new uint[1];
    [Field(Length = 1, As = WireType.U8)] public byte[] ByteNumbers = new byte[1];
    [Field(Length = 2)] public Medium[] Enums { get; set; } = new Medium[2];
}

[VmState]
internal sealed partial class ManyFlags
{
    [Field(Length = 4)] private bool[] values = new bool[4];
}

[VmState]
internal sealed partial class Ranges
{
    [Field("regs[5]", Element = 5)]
    [Field("regs", Start = 2, Length = 3)]
    [Field("regs[0]", Element = 0)]
    public readonly uint[] Registers = new uint[8];
}

[VmState]
internal sealed partial class PartialBuffer
{
    [Field(Start = 2, Length = 3)] public byte[] Bytes = new byte[6];
}

[System.Runtime.CompilerServices.InlineArray(4)]
internal struct FourNumbers
{
    private ushort first;
}

[System.Runtime.CompilerServices.InlineArray(2)]
internal struct TwoFlags
{
    private bool first;
}

[VmState]
internal partial struct InlineInStruct
{
    [Field("numbers", Element = 1)] private FourNumbers numbers;
    [Field] private TwoFlags flags;
}

[VmState]
internal sealed partial class InlineArrays
{
    [Field] public FourNumbers Four;
    [Field] private InlineInStruct nested;
    [Field("part", Start = 2, Length = 2)] [Field("one", Element = 0)] private FourNumbers parts;
}

[VmState]
internal sealed partial class Lazy
{
    [Field(Length = 2)] public ushort[]? Values;
}

[VmState]
internal sealed partial class Counted
{
    [Field] public byte Used;
    [Field(CountFrom = nameof(Used), Max = 4)] public int[]? Values;
    [Field] private ushort after;
}

[VmState]
internal sealed partial class SignedCount
{
    [Field] private int used;
    [Field(CountFrom = nameof(used), Max = 8)] private byte[]? values;
}

[VmState]
internal sealed partial class WideCount
{
    [Field] private ulong used;
    [Field(CountFrom = nameof(used), Max = 8)] private byte[]? values;
}

[VmState]
internal sealed partial class Configured(int count)
{
    [Ignore("configuration")] private readonly int count = count;
    [Field(CountFrom = nameof(count), Max = 8)] private byte[] data = new byte[count];
}

[VmState]
internal sealed partial class LargeArray
{
    [Field(Length = 20_000)] public ulong[] Values = new ulong[20_000];
}
