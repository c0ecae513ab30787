using System.Buffers;

namespace VmStateGen.Tests;

/// <summary>What must hold: nothing on the wire (qemu-migration.md §2.3, MUST_EXIST).</summary>
public class ValidateTests
{
    [Fact]
    public void A_state_that_holds_is_saved_and_loaded() => Wire.AssertSaves("01 0f 02", Wire.LoadedWholeOnly<Validated>("01 0f 02"));

    [Fact]
    public void A_save_fails_before_anything_is_written()
    {
        var output = new ArrayBufferWriter<byte>();

        VmStateException e = Assert.Throws<VmStateException>(() => VmState.Save(new Validated { Position = 16 }, output));

        Assert.Equal("validated: the position is beyond the ring at offset 0x0", e.Message);
        Assert.Equal(0, output.WrittenCount);
    }

    [Fact]
    public void A_load_fails_where_the_fields_before_it_are_loaded_and_nothing_behind_it_is()
    {
        var device = new Validated();

        VmStateException e = Wire.Rejects(device, "01 10 02");

        Assert.Equal("validated: the position is beyond the ring at offset 0x2", e.Message);
        Assert.Equal((16, 0), (device.Position, device.After));
    }

    [Fact]
    public void It_may_ask_for_the_version()
    {
        Assert.Equal(0, Wire.Loaded<ValidatedByVersion>("00", version: 1).Value);
        Assert.Equal("zero is no longer allowed", Wire.Rejects(new ValidatedByVersion(), "00", version: 2).Message.Split(": ")[1].Split(" at ")[0]);
    }

    [Fact]
    public void Where_the_items_have_an_Order_it_waits_for_the_fields_declared_before_it()
    {
        var device = new ValidatedInOrder();

        VmStateException e = Wire.Rejects(device, "02 01 03");

        Assert.Equal("validated_in_order: first is not below second at offset 0x2", e.Message);
        Assert.Equal(0, device.Third);
        Wire.AssertSaves("02 03 04", Wire.Loaded<ValidatedInOrder>("02 03 04"));
    }

    [Fact]
    public void One_before_every_field_is_asked_before_anything_is_read() =>
        Assert.Equal(0, Wire.Rejects(new ValidatedFirst(), "01").Offset);
}

[VmState]
internal sealed partial class Validated
{
    [Field] private byte before;
    [Field] public byte Position;
    [Validate("the position is beyond the ring")] private bool PositionIsInside() => Position < 16;
    [Field] public byte After;
}

[VmState(Version = 2)]
internal sealed partial class ValidatedByVersion
{
    [Field] public byte Value;
    [Validate("zero is no longer allowed")] private bool IsAllowed(int version) => Value != 0 || version < 2;
}

[VmState]
internal sealed partial class ValidatedInOrder
{
    [Field(Order = 1)] private byte second;
    [Field(Order = 0)] private byte first;
    [Validate("first is not below second")] private bool IsSorted() => first < second;
    [Field(Order = 2)] public byte Third;
}

[VmState]
internal sealed partial class ValidatedFirst
{
    [Validate("never")] private bool Never() => false;
    [Field] private byte value;
}
