using System.Collections.Generic;
using System.Linq;
using VmStateGen.Parsing;
using VmStateGen.Schema;

namespace VmStateGen.Generator.Linking;

/// <summary>
/// A type and the facts of what it nests that its own code depends on; nothing more, so that an edit elsewhere re-emits nothing.
/// </summary>
internal sealed record LinkedType
{
    public required TypeModel Model { get; init; }

    /// <summary>One for each item, in order; empty ones for what nests nothing.</summary>
    public EquatableArray<LinkedItem> Items { get; init; }

    /// <summary>Names and versions of the subsections' types, in order; empty for flat ones.</summary>
    public EquatableArray<NestedUse> Subsections { get; init; }

    /// <summary>Versions at which the removed subsections' types are read, in order.</summary>
    public EquatableArray<NestedUse> Removed { get; init; }

    /// <summary>Most bytes of a save.</summary>
    public long MaxSize { get; init; }

    /// <summary>At every version the state has one size and may be part of a parent's run.</summary>
    public bool IsRun { get; init; }

    /// <summary>A save may pass file descriptors.</summary>
    public bool PassesDescriptors { get; init; }

    /// <summary>The items of the state itself or of one flat subsection, each with how to reach it.</summary>
    public IEnumerable<BoundItem> Bound(string? subsection) => Enumerable.Range(0, Model.Items.Count)
        .Where(index => Model.Schema.Items[index].Subsection == subsection)
        .Select(index => new BoundItem(index, Model.Schema.Items[index], Model.Items[index], Items[index]));
}

/// <summary>What the code of one item depends on beyond the type itself.</summary>
/// <param name="RunSize">Bytes inside a run, if it can be part of one.</param>
/// <param name="ElementSize">Bytes of one element, if they are fixed.</param>
/// <param name="IsCompressible">A trailer describes an array of it by its first element.</param>
/// <param name="Nested">The nested type: of the state, of a list's elements or a tree's values.</param>
/// <param name="TreeKey">The type of a tree's keys, if they are states.</param>
internal sealed record LinkedItem(int? RunSize, int? ElementSize, bool IsCompressible, NestedUse? Nested, NestedUse? TreeKey);

/// <summary>A nested type as one use of it sees it.</summary>
/// <param name="Name">Its vmsd name.</param>
/// <param name="Version">The version at which it is saved and loaded.</param>
/// <param name="RunVersion">The version in the names of its run methods; null if it is called as a whole.</param>
/// <param name="RunMap">Its fields, for the map of a run.</param>
internal sealed record NestedUse(string Name, int Version, int? RunVersion, string RunMap);

/// <summary>An item with all that emitting it needs.</summary>
internal sealed record BoundItem(int Index, WireItem Wire, ItemModel Model, LinkedItem Linked);
