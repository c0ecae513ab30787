using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Tests;

/// <summary>QLIST and QTAILQ (qemu-migration.md §2.5): 1 before each element, 0 at the end, order kept.</summary>
public class ListTests
{
    private const string Golden = "01 00000001 01 00000002 00  01 00000003 00  01 07 01 08 00";

    [Fact]
    public void Lists_of_objects_and_structs_keep_their_order()
    {
        var loaded = Wire.LoadedWholeOnly<Lists>(Golden);

        Assert.Equal([1u, 2u], loaded.Objects.Select(element => element.Id));
        Assert.Equal([3u], loaded.Linked!.Select(element => element.Id));
        Assert.Equal([7, 8], loaded.Structs.Select(element => (int)element.Value));
        Wire.AssertSaves(Golden, loaded);
    }

    [Fact]
    public void Empty_lists_are_one_byte_each() => Wire.AssertSaves("00 00 00", Wire.LoadedWholeOnly<Lists>("00 00 00"));

    [Fact]
    public void Lists_of_lists_of_lists_nest()
    {
        const string Golden = "01 01 01 05 01 06 00 00  01 00 00";

        var loaded = Wire.LoadedWholeOnly<OuterList>(Golden);

        Assert.Equal([5, 6], loaded.Middles[0].Inners[0].Values.Select(value => (int)value.Value));
        Assert.Empty(loaded.Middles[1].Inners);
        Wire.AssertSaves(Golden, loaded);
    }

    [Fact]
    public void A_second_load_reuses_elements_and_drops_the_rest()
    {
        var device = Wire.Loaded<Lists>("01 00000001 01 00000002 00 01 00000003 01 00000004 00 01 07 00");
        ListObject first = device.Objects[0];
        ListObject linked = device.Linked!.First!.Value;

        Wire.Loaded(device, "01 00000009 00 01 0000000a 00 00");

        Assert.Same(first, Assert.Single(device.Objects));
        Assert.Same(linked, Assert.Single(device.Linked!));
        Assert.Equal(9u, first.Id);
        Assert.Empty(device.Structs);
    }

    [Theory]
    [InlineData("02", "objects", "0 or 1")]
    [InlineData("01 00000001 30", "objects", "0 or 1")]
    [InlineData("01 00000001 01 00000001 01 00000001 01 00000001 01", "objects", "a count from 0 to 4")]
    [InlineData("01 00000001 01 0000", "objects[1] › id", "4 bytes")]
    public void Wrong_markers_too_many_and_cut_elements_are_named(string hex, string path, string expected)
    {
        VmStateException problem = Wire.Rejects(new Lists(), hex + (hex.Length == 47 ? " 00000001 00" : ""));

        Assert.Contains(path, problem.FieldPath, System.StringComparison.Ordinal);
        Assert.Contains(expected, problem.Message, System.StringComparison.Ordinal);
    }

    [Fact]
    public void More_elements_than_Max_are_not_saved()
    {
        var device = new Lists();
        for (int i = 0; i < 5; i++)
            device.Objects.Add(new ListObject());

        Assert.Contains("a count from 0 to 4", Wire.RejectsSaving(device).Message, System.StringComparison.Ordinal);
    }
}

[VmState]
public sealed partial class ListObject
{
    [Field] public uint Id;
}

[VmState]
public partial struct ListValue
{
    [Field] public byte Value;
}

[VmState("lists")]
public sealed partial class Lists
{
    [Field(Max = 4)] public readonly List<ListObject> Objects = [];
    [Field(Max = 4)] public LinkedList<ListObject>? Linked;
    [Field(Max = 4)] public readonly List<ListValue> Structs = [];
}

[VmState("outer")]
public sealed partial class OuterList
{
    [Field(Max = 4)] public readonly List<MiddleList> Middles = [];
}

[VmState]
public sealed partial class MiddleList
{
    [Field(Max = 4)] public readonly List<InnerList> Inners = [];
}

[VmState]
public sealed partial class InnerList
{
    [Field(Max = 4)] public readonly LinkedList<ListValue> Values = new();
}
