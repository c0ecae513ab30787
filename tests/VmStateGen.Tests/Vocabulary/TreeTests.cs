using System;
using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Tests;

/// <summary>GTREE and GTREE_DIRECT_KEY (qemu-migration.md §2.5): be32 count, then 1, key, value for each node in order, 0.</summary>
public class TreeTests
{
    private const string Golden =
        "00000002 01 0000000000000010 00000001 01 0000000000000020 00000002 00" // direct keys
        + "00000001 01 0000000000001000 0000000000001fff 00000003 00" // keys that are states
        + "00000001 01 0000000000000005 09 00"; // a dictionary of structs

    [Fact]
    public void Trees_are_written_in_the_order_of_their_keys()
    {
        var loaded = Wire.LoadedWholeOnly<Trees>(Golden);

        Assert.Equal([0x10ul, 0x20ul], loaded.ByAddress.Keys);
        Assert.Equal([1u, 2u], loaded.ByAddress.Values.Select(value => value.Id));
        Assert.Equal(0x1ffful, loaded.Mappings.Keys[0].High);
        Assert.Equal(9, loaded.Sorted[5].Value);
        Wire.AssertSaves(Golden, loaded);
    }

    [Fact]
    public void Values_whose_keys_come_again_are_reused()
    {
        var device = Wire.Loaded<Trees>(Golden);
        ListObject kept = device.ByAddress.Values[0];

        Wire.Loaded(device, "00000002 01 0000000000000010 00000007 01 0000000000000030 00000008 00 00000000 00 00000000 00");

        Assert.Same(kept, device.ByAddress.Values[0]);
        Assert.Equal([0x10ul, 0x30ul], device.ByAddress.Keys);
        Assert.Equal([7u, 8u], device.ByAddress.Values.Select(value => value.Id));
        Assert.Empty(device.Mappings);
    }

    [Theory]
    [InlineData("ffffffff", "a count from 0 to 4")]
    [InlineData("00000005", "a count from 0 to 4")]
    [InlineData("00000002 01 0000000000000010 00000001 00", "2 nodes, found 1")]
    [InlineData("00000001 01 0000000000000010 00000001 01 0000000000000011 00000001 00", "1 nodes, found another one")]
    [InlineData("00000002 01 0000000000000010 00000001 01 0000000000000010 00000001 00", "keys in ascending order")]
    [InlineData("00000002 01 0000000000000010 00000001 01 0000000000000008 00000001 00", "keys in ascending order")]
    [InlineData("00000001 05", "0 or 1 before an element")]
    public void Counts_order_and_markers_are_checked(string hex, string expected)
    {
        VmStateException problem = Wire.Rejects(new Trees(), hex);

        Assert.Contains("by_address", problem.FieldPath, StringComparison.Ordinal);
        Assert.Contains(expected, problem.Message, StringComparison.Ordinal);
    }
}

[VmState("trees")]
public sealed partial class Trees
{
    [Field(Max = 4)] public readonly SortedList<ulong, ListObject> ByAddress = [];
    [Field(Max = 4)] public readonly SortedList<Interval, ListObject> Mappings = [];
    [Field(Max = 4)] public SortedDictionary<ulong, ListValue> Sorted = [];
}

[VmState]
public partial struct Interval : IComparable<Interval>
{
    [Field] public ulong Low;
    [Field] public ulong High;

    public readonly int CompareTo(Interval other) => Low.CompareTo(other.Low);
}
