using System;

namespace VmStateGen.Tests;

/// <summary>State inside state: inline, without name, version or length (qemu-migration.md §2.4, STRUCT and VSTRUCT).</summary>
public class NestedTests
{
    private const string Golden = "0000002a 01 0102 0304 0506 0708 11 22 33 99";

    [Fact]
    public void Nested_state_stands_inline_the_base_class_first()
    {
        Nest loaded = Wire.LoadedWholeOnly<Nest>(Golden);

        Wire.AssertSaves(Golden, loaded);
        Assert.Equal(42u, loaded.Id);
        Assert.Equal((1, 2), (loaded.Single.High, loaded.Single.Low));
        Assert.Equal(0x0506, loaded.Points[1].Both);
        Assert.Equal(0x0708, loaded.Property.Both);
        Assert.Equal((0x11, 0x22, 0x33), (loaded.Object.Value, loaded.Objects[0].Value, loaded.Objects[1].Value));
    }

    [Fact]
    public void Objects_that_are_missing_are_made_by_a_load()
    {
        var device = new Nest { Object = null!, Objects = null! };

        VmState.Load(device, Wire.Bytes(Golden));

        Wire.AssertSaves(Golden, device);
    }

    [Fact]
    public void Objects_that_are_there_are_reused()
    {
        var device = new Nest { Objects = [new Cell(), null!] };
        (Cell single, Cell[] array, Cell first) = (device.Object, device.Objects, device.Objects[0]!);

        VmState.Load(device, Wire.Bytes(Golden));

        Assert.Same(single, device.Object);
        Assert.Same(array, device.Objects);
        Assert.Same(first, device.Objects[0]);
    }

    [Fact]
    public void Objects_in_an_array_that_is_too_short_move_to_the_longer_one()
    {
        var device = new CountedCells { Cells = [new Cell(), new Cell()] };
        Cell[] before = (Cell[])device.Cells.Clone();

        VmState.Load(device, Wire.Bytes("03 11 22 33"));

        Assert.Equal(3, device.Cells.Length);
        Assert.Same(before[0], device.Cells[0]);
        Assert.Same(before[1], device.Cells[1]);
    }

    [Fact]
    public void A_missing_object_fails_the_save_and_is_named()
    {
        Assert.Equal("nest › object: expected nested state, found null; the constructor must make it at offset 0xd",
            Wire.RejectsSaving(new Nest { Object = null! }).Message);
        Assert.Equal("nest › objects[1]: expected nested state, found null; the constructor must make it at offset 0xf",
            Wire.RejectsSaving(new Nest { Objects = [new Cell(), null!] }).Message);
    }

    [Fact]
    public void An_object_that_cannot_be_made_must_be_there() =>
        Assert.Equal("part", Wire.Rejects(new NeedsArgument(), "01").FieldPath);

    [Fact]
    public void Plain_nested_state_is_at_the_version_of_its_type_whatever_the_section_is()
    {
        const string Golden = "01 02 03";

        Assert.Equal(3, Wire.LoadedWholeOnly<OfVersionTwo>(Golden).Nested.New);
        Assert.Equal(3, Wire.Loaded<OfVersionTwo>("02 03", version: 1).Nested.New);
    }

    [Fact]
    public void A_use_site_may_fix_the_version_and_may_be_split_by_the_sections_versions()
    {
        SplitUse old = Wire.Loaded<SplitUse>("01 aa", version: 2);
        SplitUse current = Wire.Loaded<SplitUse>("01 02 aa", version: 3);

        Assert.Equal((1, 0), (old.Nested.Old, old.Nested.New));
        Assert.Equal((1, 2), (current.Nested.Old, current.Nested.New));
        Wire.AssertSaves("01 02 aa", current);
        Wire.AssertBytes("01 aa", Wire.SavedAt(current, 2));
    }

    [Fact]
    public void A_base_class_is_state_also_behind_one_that_has_none()
    {
        Grandchild loaded = Wire.LoadedWholeOnly<Grandchild>("0000002a 01");

        Assert.Equal(42u, loaded.Id);
        Wire.AssertSaves("0000002a 01", loaded);
    }

    [Fact]
    public void Counted_arrays_of_state_and_single_elements()
    {
        const string Golden = "02 11 22 0001 33";

        Counts loaded = Wire.LoadedWholeOnly<Counts>(Golden);

        Wire.AssertSaves(Golden, loaded);
        Assert.Equal((0x11, 0x22), (loaded.Cells[0].Value, loaded.Cells[1].Value));
        Assert.Equal(1, loaded.Points[2].Both);
        Assert.Equal(0x33, loaded.Others[1].Value);
        Assert.Null(loaded.Others[0]);
    }

    [Fact]
    public void Nesting_may_be_deep_and_an_error_names_every_level()
    {
        VmStateException e = Wire.Rejects(new Deep(), "0001 0002 0003 00");

        Assert.Equal("deep › rows[1] › cells[1] › low: expected 1 byte, found the end of the stream after 0 at offset 0x7", e.Message);
    }

    [Fact]
    public void Structs_whose_sum_is_larger_than_a_run_keep_their_places()
    {
        var device = new BigStructs();
        for (int i = 0; i < 3; i++)
            device.Items[i].Fill((byte)(i + 1));

        byte[] saved = Wire.Saved(device);
        var loaded = new BigStructs();
        VmState.Load(loaded, saved);

        Assert.Equal(3 * 4500 + 4500, saved.Length);
        Wire.AssertBytes("01 02", saved.AsSpan(4499, 2));
        Wire.AssertBytes(Convert.ToHexString(saved), Wire.Saved(loaded));
    }
}

[VmState("base", Nested = true, Version = 3)]
internal abstract partial class NestBase
{
    [Field] private uint id;

    public uint Id => id;
}

[VmState]
internal partial struct Point
{
    [Field] private byte high;
    [Field] private byte low;

    public readonly int High => high;
    public readonly int Low => low;
    public readonly int Both => high << 8 | low;
}

[VmState]
internal partial class Cell
{
    [Field] public byte Value;
}

[VmState("nest")]
internal sealed partial class Nest : NestBase
{
    [Field] private bool flag;
    [Field] public Point Single;
    [Field(Length = 2)] public readonly Point[] Points = new Point[2];
    [Field] public Point Property { get; set; }
    [Field] public Cell Object = new();
    [Field(Length = 2)] public Cell[] Objects = [new Cell(), new Cell()];
    [Field] private byte last;
}

internal abstract class Stateless : NestBase
{
    protected static int Nothing => 0;
}

[VmState]
internal sealed partial class Grandchild : Stateless
{
    [Field] private byte own;
}

[VmState]
internal sealed partial class CountedCells
{
    [Field] private byte count;
    [Field(CountFrom = nameof(count), Max = 8)] public Cell[] Cells = [];
}

[VmState]
internal sealed partial class Argument(int value)
{
    [Ignore("configuration")] private readonly int value = value;
    [Field] private byte field;

    public int Value => value;
}

[VmState]
internal sealed partial class NeedsArgument
{
    [Field] public Argument? Part { get; set; }
}

[VmState(Version = 2)]
internal partial struct Growing
{
    [Field] public byte Old;
    [Field(Version = 2)] public byte New;
}

[VmState("of version two", Version = 2)]
internal sealed partial class OfVersionTwo
{
    [Field(Version = 2)] private byte own;
    [Field] public Growing Nested;
}

[VmState("split", Version = 3)]
internal sealed partial class SplitUse
{
    [Field(Until = 2, StructVersion = 1)] [Field(Version = 3, StructVersion = 2)] public Growing Nested;
    [Field] private byte after;
}

[VmState]
internal sealed partial class Counts
{
    [Field] private byte count;
    [Field(CountFrom = nameof(count), Max = 4)] public Cell[] Cells = [];
    [Field("points[2]", Element = 2)] public Point[] Points = new Point[3];
    [Field(Start = 1, Length = 1)] public Cell[] Others = [null!, new Cell()];
}

[VmState]
internal partial struct Row
{
    [Field] private PointPair cells;
}

[System.Runtime.CompilerServices.InlineArray(2)]
internal struct PointPair
{
    private Point first;
}

[VmState]
internal sealed partial class Deep
{
    [Field] private RowPair rows;
}

[System.Runtime.CompilerServices.InlineArray(2)]
internal struct RowPair
{
    private Row first;
}

[System.Runtime.CompilerServices.InlineArray(1500)]
internal struct ManyBytes
{
    private byte first;
}

[VmState]
internal partial struct BigStruct
{
    [Field] private ManyBytes a;
    [Field] private ManyBytes b;
    [Field] private ManyBytes c;

    public void Fill(byte value)
    {
        ((Span<byte>)a).Fill(value);
        ((Span<byte>)b).Fill((byte)(value + 0x10));
        ((Span<byte>)c).Fill(value);
    }
}

[VmState]
internal sealed partial class BigStructs
{
    [Field(Length = 3)] public readonly BigStruct[] Items = new BigStruct[3];
    [Field] private BigStruct single;
}
