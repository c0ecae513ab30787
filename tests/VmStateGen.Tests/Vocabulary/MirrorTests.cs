using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Tests;

/// <summary>
/// The cases of qemu-migration.md §8.1 that are not beside what they test (primitive: ScalarTests; versioned and field_exists: VersionTests),
/// under the names that they have there, with types and numbers of our own.
/// </summary>
public class MirrorTests
{
    private const string FourPorts = "0000000a 0000000b 0000000c 0000000d";
    private const string PortsWithNull = "0000000a 30 0000000c 0000000d";
    private const string NumbersWithNull = "0000000a 0000000b 30 0000000d";
    private const string MarkedPorts = "31 0000000a 30 31 0000000c 30";
    private const string Queue = "0102 01 0006 0000000a 01 0007 00000000 01 0008 0000000c 00 ff";
    private const string Domain = "00000001"
        + " 00000006"
        + " 01 0000000000001000 0000000000001fff 0000000000100000 00000001"
        + " 01 0000000000002000 0000000000002fff 0000000000200000 00000002"
        + " 01 0000000000003000 0000000000003fff 0000000000300000 00000003"
        + " 01 0000000000004000 0000000000004fff 0000000000400000 00000001"
        + " 01 0000000000005000 0000000000005fff 0000000000500000 00000002"
        + " 01 0000000000006000 0000000000006fff 0000000000600000 00000003 00";

    /// <summary>array/ptr/str/no0/{save,load}: as if the structs stood there themselves.</summary>
    [Fact]
    public void Array_of_pointers_without_null()
    {
        var loaded = Wire.LoadedWholeOnly<FullPorts>(FourPorts);

        Assert.Equal([10, 11, 12, 13], loaded.Ports.Select(port => port!.Number));
        Wire.AssertSaves(FourPorts, loaded);
    }

    /// <summary>array/ptr/str/0/{save,load}: a null is 0x30, and stays one.</summary>
    [Fact]
    public void Array_of_pointers_with_null()
    {
        var loaded = Wire.LoadedWholeOnly<PortsWithGap>(PortsWithNull);

        Assert.Equal([10, null, 12, 13], loaded.Ports.Select(port => port?.Number));
        Wire.AssertSaves(PortsWithNull, loaded);
    }

    /// <summary>array/ptr/prim/0/{save,load}.</summary>
    [Fact]
    public void Array_of_pointers_to_numbers_with_null()
    {
        var loaded = Wire.LoadedWholeOnly<NumbersWithGap>(NumbersWithNull);

        Assert.Equal([10, 11, null, 13], loaded.Numbers);
        Wire.AssertSaves(NumbersWithNull, loaded);
    }

    /// <summary>array/ptr-nulls/str/{save,load}: every entry says whether it is there, and a load makes those that are.</summary>
    [Fact]
    public void Array_of_pointers_with_every_entry_marked()
    {
        var loaded = Wire.LoadedWholeOnly<MarkedEntries>(MarkedPorts);

        Assert.Equal([10, null, 12, null], loaded.Ports.Select(port => port?.Number));
        Wire.AssertSaves(MarkedPorts, loaded);
    }

    /// <summary>qtailq/save/saveq and load/loadq: elements between two numbers, into a queue that is empty or holds others.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public void Tail_queue(int before)
    {
        Wire.LoadedWholeOnly<TailQueue>(Queue);
        var device = new TailQueue();
        for (int i = 0; i < before; i++)
            device.Elements.AddLast(new QueueElement { First = 99, Second = 99 });

        Wire.Loaded(device, Queue);

        Assert.Equal((0x0102, 0xff), (device.Before, device.After));
        Assert.Equal([(6, 10u), (7, 0u), (8, 12u)], device.Elements.Select(element => ((int)element.First, element.Second)));
        Wire.AssertSaves(Queue, device);
    }

    /// <summary>gtree/{save,load}/{savedomain,loaddomain}: six nodes, keys that are intervals.</summary>
    [Fact]
    public void Tree_with_intervals_as_keys()
    {
        var loaded = Wire.LoadedWholeOnly<IommuDomain>(Domain);

        Assert.Equal(6, loaded.Mappings.Count);
        Assert.Equal((0x300000ul, 3u), (loaded.Mappings.Values[2].Physical, loaded.Mappings.Values[2].Flags));
        Assert.Equal(0x6ffful, loaded.Mappings.Keys[5].High);
        Wire.AssertSaves(Domain, loaded);
    }

    /// <summary>gtree/{save,load}/{saveiommu,loadiommu}: two nodes with numbers as keys, each with a tree of its own.</summary>
    [Fact]
    public void Tree_of_trees_with_numbers_as_keys()
    {
        const string golden = "00000007 00000002 01 0000000000000001 " + Domain + " 01 0000000000000005 00000005 00000000 00 00";

        var loaded = Wire.LoadedWholeOnly<Iommu>(golden);

        Assert.Equal([1ul, 5ul], loaded.Domains.Keys);
        Assert.Equal([6, 0], loaded.Domains.Values.Select(domain => domain.Mappings.Count));
        Wire.AssertSaves(golden, loaded);
    }

    /// <summary>qlist/{save,load}.</summary>
    [Fact]
    public void List()
    {
        const string golden = "00000020 01 00000001 01 00000002 01 00000003 01 00000004 00";

        var loaded = Wire.LoadedWholeOnly<ListHolder>(golden);

        Assert.Equal([1u, 2u, 3u, 4u], loaded.Elements.Select(element => element.Id));
        Wire.AssertSaves(golden, loaded);
    }

    /// <summary>tmp_struct: what is on the wire is computed from the parent, and what came is given back to it.</summary>
    [Fact]
    public void Temporary_between_the_fields_of_its_parent()
    {
        const string golden = "0002 0000000000000005 04";
        Wire.AssertSaves(golden, new WithTemporary { First = 2, Second = 7, Last = 4 });

        var loaded = Wire.LoadedWholeOnly<WithTemporary>(golden);

        Assert.Equal((2, 7, 4, 8888), (loaded.First, loaded.Second, loaded.Last, loaded.SetOnLoad));
    }

    /// <summary>simple/array.</summary>
    [Fact]
    public void Array_of_numbers()
    {
        const string golden = "0001 0002 0003 ffff";

        Assert.Equal([1, 2, 3, 0xffff], Wire.LoadedWholeOnly<FourInARow>(golden).Numbers.Select(number => (int)number));
        Wire.AssertSaves(golden, Wire.Loaded<FourInARow>(golden));
    }
}

[VmState]
public sealed partial class NumberedPort
{
    [Field] public int Number;
}

[VmState("test/ports")]
public sealed partial class FullPorts
{
    [Field(Length = 4)] public readonly NumberedPort?[] Ports = [new(), new(), new(), new()];
}

[VmState("test/ports_with_null")]
public sealed partial class PortsWithGap
{
    [Field(Length = 4)] public readonly NumberedPort?[] Ports = [new(), null, new(), new()];
}

[VmState("test/numbers_with_null")]
public sealed partial class NumbersWithGap
{
    [Field(Length = 4)] public readonly int?[] Numbers = [0, 0, null, 0];
}

[VmState("test/marked_entries")]
public sealed partial class MarkedEntries
{
    [Field(Length = 4, NullMarker = NullMarker.Every)] public readonly NumberedPort?[] Ports = new NumberedPort?[4];
}

[VmState]
public sealed partial class QueueElement
{
    [Field] public ushort First;
    [Field] public uint Second;
}

[VmState("test/tail_queue")]
public sealed partial class TailQueue
{
    [Field] public short Before;
    [Field(Max = 8)] public readonly LinkedList<QueueElement> Elements = new();
    [Field] public byte After;
}

[VmState]
public partial struct Mapped
{
    [Field] public ulong Physical;
    [Field] public uint Flags;
}

[VmState("test/domain")]
public sealed partial class IommuDomain
{
    [Field] public int Id;
    [Field(Max = 16)] public readonly SortedList<Interval, Mapped> Mappings = [];
}

[VmState("test/iommu")]
public sealed partial class Iommu
{
    [Field] public int Id;
    [Field(Max = 16)] public readonly SortedList<ulong, IommuDomain> Domains = [];
}

[VmState("test/list")]
public sealed partial class ListHolder
{
    [Field] public uint Id;
    [Field(Max = 8)] public readonly List<ListObject> Elements = [];
}

[VmState]
public partial struct Difference : IVmStateCompanion<WithTemporary>
{
    [Field] private long difference;

    public void CopyFrom(in WithTemporary value) => difference = value.Second - value.First;

    public readonly void CopyTo(ref WithTemporary value)
    {
        value.Second = (int)(value.First + difference);
        value.SetOnLoad = 8888;
    }
}

[VmState("test/with_temporary")]
public sealed partial class WithTemporary
{
    [Field] public short First;
    [Field(Via = typeof(Difference))] public WithTemporary Self => this;
    [Field] public byte Last;
    [Ignore("goes through the temporary")] public int Second;
    [Ignore("set by the temporary")] public int SetOnLoad;
}

[VmState("test/array")]
public sealed partial class FourInARow
{
    [Field(Length = 4)] public ushort[] Numbers = new ushort[4];
}
