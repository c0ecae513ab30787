namespace VmStateGen.Tests;

/// <summary>What a load demands of an incoming value (qemu-migration.md §2.5, the equal and le types).</summary>
public class ExpectTests
{
    [Fact]
    public void A_value_that_must_be_equal_is_compared_with_the_local_one()
    {
        var device = new Expectations();

        VmState.Load(device, Wire.Bytes("08 0100 00000005 00000003 0003"));

        Wire.AssertSaves("08 0100 00000005 00000003 0003", device);
    }

    [Theory]
    [InlineData("07 0100 00000005 00000003 0003", "size", "8, the value of this side", "7", 0)]
    [InlineData("08 0101 00000005 00000003 0003", "mode", "256, the value of this side", "257", 1)]
    [InlineData("08 0100 00000006 00000003 0003", "signed", "5, the value of this side", "6", 3)]
    [InlineData("08 0100 00000005 00000004 0003", "limit", "0 to 3, the value of this side", "4", 7)]
    [InlineData("08 0100 00000005 ffffffff 0003", "limit", "0 to 3, the value of this side", "-1", 7)]
    [InlineData("08 0100 00000005 00000003 0004", "narrow_limit", "0 to 3, the value of this side", "4", 11)]
    public void Another_value_fails_the_load_and_says_both(string hex, string field, string expected, string found, long offset)
    {
        VmStateException e = Wire.Rejects(new Expectations(), hex);

        Assert.Equal((field, expected, found, offset), (e.FieldPath, e.Expected, e.Found, e.Offset));
    }

    [Fact]
    public void A_value_not_above_the_local_one_is_stored_and_is_the_next_limit()
    {
        var device = new Expectations();

        VmState.Load(device, Wire.Bytes("08 0100 00000005 00000002 0001"));

        Wire.AssertSaves("08 0100 00000005 00000002 0001", device);
        Assert.Equal("0 to 2, the value of this side", Wire.Rejects(device, "08 0100 00000005 00000003 0001").Expected);
    }

    [Fact]
    public void Nothing_is_above_a_negative_local_value_by_less_than_everything()
    {
        var device = new NegativeLimit();

        Assert.Equal("0", Wire.Rejects(device, "00000000").Found);
        Assert.Equal("-2", Wire.Rejects(device, "fffffffe").Found);
    }
}

internal enum WideMode : ushort
{
    Both = 0x100,
}

[VmState]
internal sealed partial class Expectations
{
    [Field(Expect = Expect.Equal)] private byte size = 8;
    [Field(Expect = Expect.Equal)] private WideMode mode = WideMode.Both;
    [Field(As = WireType.I32, Expect = Expect.Equal)] private uint signed = 5;
    [Field(Expect = Expect.NotAbove)] private int limit = 3;
    [Field(As = WireType.U16, Expect = Expect.NotAbove)] private int narrowLimit = 3;
}

[VmState]
internal sealed partial class NegativeLimit
{
    [Field(Expect = Expect.NotAbove)] private int limit = -1;
}
