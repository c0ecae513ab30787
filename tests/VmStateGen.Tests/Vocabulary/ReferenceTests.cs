using System;

namespace VmStateGen.Tests;

/// <summary>Arrays with nulls (qemu-migration.md §2.4), companions (WITH_TMP), owners, matrices, memory and counted padding.</summary>
public class ReferenceTests
{
    [Fact]
    public void A_null_is_one_byte_and_anything_else_has_no_marker()
    {
        var device = new Pointers();
        device.Ports[0] = new Port { Id = 1 };
        device.Ports[2] = new Port { Id = 3 };
        device.Values[1] = 0x01020304;

        Wire.AssertSaves("01 30 03  30 01020304", device);

        Wire.Loaded(device, "0a 30 0b 30 00000007");
        Assert.Equal((10, 11, 7u), (device.Ports[0]!.Id, device.Ports[2]!.Id, device.Values[1]!.Value));
    }

    [Fact]
    public void Where_this_side_has_a_null_a_marker_must_come()
    {
        VmStateException problem = Wire.Rejects(new Pointers(), "31 30 30 30 30");

        Assert.StartsWith("ports[0]", problem.FieldPath, StringComparison.Ordinal);
        Assert.Contains("0x30", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void With_a_marker_before_every_entry_the_stream_decides()
    {
        var loaded = Wire.LoadedWholeOnly<Markers>("31 01 30 31 03");

        Assert.Equal((1, 3), (loaded.Ports![0]!.Id, loaded.Ports[2]!.Id));
        Assert.Null(loaded.Ports[1]);
        Wire.AssertSaves("31 01 30 31 03", loaded);

        Wire.Loaded(loaded, "30 31 02 30");
        Assert.Null(loaded.Ports[0]);
        Assert.Equal(2, loaded.Ports[1]!.Id);
        Assert.Contains("0x30 or 0x31", Wire.Rejects(new Markers(), "32").Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_companion_is_on_the_wire_in_the_members_place()
    {
        var device = new Companions { Angle = 1.5, Angles = [2, 3] };

        byte[] saved = Wire.Saved(device);
        var loaded = new Companions { Offset = 100 };
        VmState.Load(loaded, saved);

        Wire.AssertBytes("000005dc 000007d0 00000bb8 0000002a", saved);
        Assert.Equal((1.5, 2.0, 3.0), (loaded.Angle, loaded.Angles[0], loaded.Angles[1]));
        Assert.Equal(142, loaded.Offset);
    }

    [Fact]
    public void Nested_state_knows_its_owner_while_it_is_saved_and_loaded()
    {
        var wide = new Owner { IsWide = true };
        wide.Part.Wide = 5;

        Wire.AssertSaves("00000005 01 00000000 00", wide);
        Wire.AssertSaves("00", new Owner().WithElement(false));
        Assert.Equal(7u, Wire.Loaded(new Owner { IsWide = true }, "00000007 00").Part.Wide);
        Wire.Loaded(new Owner(), "00");
    }

    [Fact]
    public void A_matrix_stands_row_by_row_and_memory_element_by_element()
    {
        const string Golden = "0001 0002 0003 0004 0005 0006  00000007 00000008";

        var loaded = Wire.LoadedWholeOnly<Matrices>(Golden);

        Assert.Equal((1, 3, 4), (loaded.Grid[0, 0], loaded.Grid[0, 2], loaded.Grid[1, 0]));
        Assert.Equal(8u, loaded.Window.Span[1]);
        Wire.AssertSaves(Golden, loaded);
    }

    [Fact]
    public void Counted_padding_is_zeros_out_and_ignored_in()
    {
        Wire.AssertSaves("02 00000000 00000000 09", new CountedPadding { Count = 2, Last = 9 });
        Assert.Equal(7, Wire.LoadedWholeOnly<CountedPadding>("01 deadbeef 07").Last);
    }
}

[VmState]
public sealed partial class Port
{
    [Field] public byte Id;
}

[VmState("pointers")]
public sealed partial class Pointers
{
    [Field(Length = 3)] public readonly Port?[] Ports = new Port?[3];
    [Field(Length = 2)] public readonly uint?[] Values = new uint?[2];
}

[VmState("markers")]
public sealed partial class Markers
{
    [Field(Length = 3, NullMarker = NullMarker.Every)] public Port?[]? Ports;
}

[VmState]
public partial struct Millis : IVmStateCompanion<double>
{
    [Field] private int millis;

    public void CopyFrom(in double value) => millis = (int)(value * 1000);

    public readonly void CopyTo(ref double value) => value = millis / 1000.0;
}

[VmState]
public partial struct OffsetPart : IVmStateCompanion<Companions>
{
    [Field] private int difference;

    public void CopyFrom(in Companions value) => difference = 42;

    public readonly void CopyTo(ref Companions value) => value.Offset += difference;
}

[VmState("companions")]
public sealed partial class Companions
{
    [Field(Via = typeof(Millis))] public double Angle;
    [Field(Via = typeof(Millis), Length = 2)] public double[] Angles = new double[2];
    [Field(Via = typeof(OffsetPart))] public Companions Self => this;
    [Ignore("set through the companion")] public int Offset;
}

[VmState]
public sealed partial class OwnedPart
{
    [Parent] private Owner? owner;
    [Field(When = nameof(IsWide))] public uint Wide;

    private bool IsWide => owner is { IsWide: true };
}

[VmState("owner")]
public sealed partial class Owner
{
    [Field] public readonly OwnedPart Part = new();
    [Field(Max = 2)] public readonly System.Collections.Generic.List<OwnedPart> Parts = [new()];
    [Ignore("configuration")] public bool IsWide;

    public Owner WithElement(bool has)
    {
        if (!has)
            Parts.Clear();
        return this;
    }
}

[VmState("matrices")]
public sealed partial class Matrices
{
    [Field(Length = 2, Columns = 3)] public ushort[,] Grid = new ushort[2, 3];
    [Field(Length = 2)] public Memory<uint> Window;
}

[VmState("counted_padding")]
public sealed partial class CountedPadding
{
    [Field] public byte Count;
    [Removed("queue", 4, CountFrom = nameof(Count), Max = 8)]
    [Field] public byte Last;
}
