namespace VmStateGen.Tests;

/// <summary>Members that are wider, narrower or of another sign than on the wire: what does not fit is an error, never cut off.</summary>
public class ConversionTests
{
    private const string Golden = "ff 80 ffff 80000000 ffffffff 01 00000001 00000000000000ff 0007 fffffffffffffffe";

    [Fact]
    public void Values_that_fit_are_converted_in_both_directions()
    {
        var device = new Conversions
        {
            IntAsU8 = 255, LongAsI8 = -128, IntAsU16 = 65535, LongAsI32 = int.MinValue, LongAsU32 = uint.MaxValue,
            IntAsBool = 5, BoolAsI32 = true, ByteAsU64 = 255, EnumAsU16 = Large7.Seven, IntAsI64 = -2,
        };

        Wire.AssertSaves(Golden, device);

        Conversions loaded = Wire.LoadedWholeOnly<Conversions>(Golden);
        Assert.Equal((255, -128L, 65535, (long)int.MinValue, (long)uint.MaxValue), (loaded.IntAsU8, loaded.LongAsI8, loaded.IntAsU16, loaded.LongAsI32, loaded.LongAsU32));
        Assert.Equal((1, true, (byte)255, Large7.Seven, -2), (loaded.IntAsBool, loaded.BoolAsI32, loaded.ByteAsU64, loaded.EnumAsU16, loaded.IntAsI64));
    }

    [Theory]
    [InlineData(256)]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    public void A_value_that_the_wire_cannot_hold_fails_the_save(int value)
    {
        VmStateException e = Wire.RejectsSaving(new Narrow { Value = value });

        Assert.Equal($"narrow › value: expected a value that fits into u8, found {value} at offset 0x2", e.Message);
    }

    [Theory]
    [InlineData(-129)]
    [InlineData(128)]
    public void A_value_out_of_the_range_of_a_signed_wire_type_fails_the_save(long value) =>
        Assert.Equal("a value that fits into i8", Wire.RejectsSaving(new Conversions { LongAsI8 = value }).Expected);

    [Fact]
    public void An_unsigned_value_does_not_fit_into_a_signed_wire_type_of_its_size() =>
        Assert.Equal($"{uint.MaxValue}", Wire.RejectsSaving(new Signs { UnsignedAsSigned = uint.MaxValue }).Found);

    [Fact]
    public void A_negative_value_does_not_fit_into_an_unsigned_wire_type_of_its_size() =>
        Assert.Equal("-1", Wire.RejectsSaving(new Signs { SignedAsUnsigned = -1 }).Found);

    [Theory]
    [InlineData("0000000000000100", "256")]
    [InlineData("8000000000000000", "9223372036854775808")]
    public void A_value_that_the_member_cannot_hold_fails_the_load(string hex, string found)
    {
        VmStateException e = Wire.Rejects(new Wider(), "0000 " + hex);

        Assert.Equal($"wider › value: expected a value that fits into u8, found {found} at offset 0x2", e.Message);
    }

    [Fact]
    public void The_same_bits_with_another_sign_fail_the_load()
    {
        Assert.Equal("-1", Wire.Rejects(new Signs(), "ffffffff 00000000").Found);
        Assert.Equal("4294967295", Wire.Rejects(new Signs(), "00000000 ffffffff").Found);
    }

    [Fact]
    public void Any_number_but_zero_is_true() => Assert.True(Wire.Loaded<BoolAsWord>("80000000").Value);
}

internal enum Large7 : ulong
{
    Seven = 7,
}

[VmState]
internal sealed partial class Conversions
{
    [Field(As = WireType.U8)] public int IntAsU8;
    [Field(As = WireType.I8)] public long LongAsI8;
    [Field(As = WireType.U16)] public int IntAsU16;
    [Field(As = WireType.I32)] public long LongAsI32;
    [Field(As = WireType.U32)] public long LongAsU32;
    [Field(As = WireType.Bool)] public int IntAsBool;
    [Field(As = WireType.I32)] public bool BoolAsI32;
    [Field(As = WireType.U64)] public byte ByteAsU64;
    [Field(As = WireType.U16)] public Large7 EnumAsU16 { get; set; }
    [Field(As = WireType.I64)] public int IntAsI64;
}

[VmState]
internal sealed partial class Narrow
{
    [Field] private ushort before;
    [Field(As = WireType.U8)] public int Value;
    [Field] private uint after;
}

[VmState]
internal sealed partial class Wider
{
    [Field] private ushort before;
    [Field(As = WireType.U64)] private byte value;
}

[VmState]
internal sealed partial class Signs
{
    [Field(As = WireType.I32)] public uint UnsignedAsSigned;
    [Field(As = WireType.U32)] public int SignedAsUnsigned;
}

[VmState]
internal sealed partial class BoolAsWord
{
    [Field(As = WireType.I32)] public bool Value;
}
