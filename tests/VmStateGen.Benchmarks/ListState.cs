using System.Collections.Generic;

namespace VmStateGen.Benchmarks;

/// <summary>A thousand small structs.</summary>
[VmState("list")]
public sealed partial class ListState
{
    public const int Most = 4096;

    [Field(Max = Most)] public readonly List<ListElement> Elements = [];
}

/// <summary>14 bytes and a marker.</summary>
[VmState("element", Nested = true)]
public partial struct ListElement
{
    [Field] public ulong Address;
    [Field] public uint Length;
    [Field] public ushort Flags;
}
