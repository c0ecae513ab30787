using System;
using System.Collections;
using System.Collections.Generic;

namespace VmStateGen.Tests;

/// <summary>The part of <see cref="Everything"/> that is collections, references, matrices and companions: whatever a second load can reuse.</summary>
[VmState]
internal sealed partial class EverythingElse
{
    [Field(Max = 64)] private byte[] blob = [];
    [Field(Length = 67, As = WireType.Bitmap)] private readonly ulong[] pending = new ulong[2];
    [Field(Length = 19)] private readonly BitArray masked = new(19);
    [Field] private ushort bitCount;
    [Field(CountFrom = nameof(bitCount), Max = 256, As = WireType.Bitmap)] private ulong[] bits = [];
    [Field(Length = 3)] private readonly Port?[] ports = [new(), null, new()];
    [Field(Length = 2)] private readonly uint?[] numbers = [null, 0];
    [Field(Length = 3, NullMarker = NullMarker.Every)] private readonly Port?[] marked = new Port?[3];
    [Field(Max = 6)] private readonly List<ListObject> objects = [];
    [Field(Max = 900)] private readonly List<Mapped> mapped = [];
    [Field(Max = 6)] private readonly LinkedList<ListValue> linked = new();
    [Field(Max = 6, Marker = nameof(MarkedPiece.Kind))] private readonly List<MarkedPiece> pieces = [];
    [Field(Max = 4, TypeName = "middles")] private readonly List<MiddleList> middles = [];
    [Field(Max = 6)] private readonly SortedList<ulong, ListObject> byAddress = [];
    [Field(Max = 6)] private readonly SortedList<Interval, Mapped> mappings = [];
    [Field(Via = typeof(Millis))] private double angle;
    [Field(Via = typeof(Millis), Length = 2)] private double[] angles = new double[2];
    [Field] private readonly WidthKnower part = new();
    [Field(Length = 2, Columns = 3)] private ushort[,] grid = new ushort[2, 3];
    [Field(Length = 5)] private Memory<uint> memory = new uint[5];
    [Field] private byte gaps;
    [Removed("queue", 4, CountFrom = nameof(gaps), Max = 8)]
    [Field] public bool IsWide { get; private set; }

    public void Fill(Random random)
    {
        blob = new byte[random.Next(65)];
        random.NextBytes(blob);
        pending[0] = (ulong)random.NextInt64();
        pending[1] = (ulong)random.Next(8);
        masked[random.Next(19)] = true;
        bitCount = (ushort)random.Next(257);
        bits = new ulong[4];
        for (int i = 0; i < bitCount; i += 3)
            bits[i / 64] |= 1ul << (i % 64);
        ports[0]!.Id = (byte)random.Next(256);
        numbers[1] = (uint)random.Next();
        for (int i = 0; i < marked.Length; i++)
            marked[i] = random.Next(2) == 0 ? null : new Port { Id = (byte)i };
        for (int i = random.Next(7); i > 0; i--)
        {
            objects.Add(new ListObject { Id = (uint)random.Next() });
            linked.AddFirst(new ListValue { Value = (byte)i });
            pieces.Add(new MarkedPiece { Kind = (byte)random.Next(1, 256), Value = (byte)i });
            byAddress.Add((ulong)i << 12, new ListObject { Id = (uint)i });
            mappings.Add(new Interval { Low = (ulong)i, High = (ulong)i + 1 }, new Mapped { Flags = (uint)i });
        }
        // Now and then more than one run of them.
        for (int i = random.Next(3) == 0 ? random.Next(901) : random.Next(5); i > 0; i--)
            mapped.Add(new Mapped { Physical = (ulong)random.NextInt64(), Flags = (uint)i });
        for (int i = random.Next(5); i > 0; i--)
            middles.Add(Middle(random));
        angle = random.Next(9999);
        angles[1] = random.Next(9999);
        grid[1, 0] = (ushort)random.Next(65536);
        memory.Span[4] = (uint)random.Next();
        gaps = (byte)random.Next(9);
        IsWide = random.Next(2) == 0;
        part.IsWide = IsWide;
        part.Wide = IsWide ? (uint)random.Next() : 0;
    }

    private static MiddleList Middle(Random random)
    {
        var middle = new MiddleList();
        for (int i = random.Next(4); i > 0; i--)
        {
            var inner = new InnerList();
            inner.Values.AddLast(new ListValue { Value = (byte)i });
            middle.Inners.Add(inner);
        }
        return middle;
    }
}

/// <summary>Asks its owner.</summary>
[VmState]
internal sealed partial class WidthKnower
{
    [Parent] private EverythingElse? owner;
    [Field] public bool IsWide;
    [Field(When = nameof(HasWide))] public uint Wide;

    private bool HasWide() => IsWide && owner is not null;
}

/// <summary>What must allocate on every load: strings, and dictionaries that are filled anew.</summary>
[VmState("allocating")]
internal sealed partial class Allocating
{
    [Field(Max = 255)] private string label = "";
    [Field(Max = 4000)] private string? comment;
    [Field(Max = 6)] private SortedDictionary<ulong, ListValue> sorted = [];
    [Field(Codec = typeof(TextCodec))] private string text = "";
    [Subsection] private PlainMaybe? maybe;

    public static Allocating Filled(int seed)
    {
        var random = new Random(seed);
        var device = new Allocating
        {
            label = new string('ä', random.Next(128)), comment = random.Next(2) == 0 ? "" : new string('€', random.Next(1300)),
            text = new string('t', random.Next(9)), maybe = random.Next(2) == 0 ? new PlainMaybe { Value = 3 } : null,
        };
        for (int i = random.Next(7); i > 0; i--)
            device.sorted.Add((ulong)i, new ListValue { Value = (byte)i });
        return device;
    }
}
