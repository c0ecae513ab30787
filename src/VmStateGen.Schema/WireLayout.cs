using System;
using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Schema;

/// <summary>Where the items of a state lie on the wire at a version. Pure functions.</summary>
public static class WireLayout
{
    /// <summary>Longest run of fields that is read or written under one length check, in bytes.</summary>
    public const int MaxRun = 4096;

    /// <summary>Items of the state itself (<paramref name="subsection"/> null) or of one flat subsection, in wire order.</summary>
    public static IEnumerable<WireItem> Items(this StateSchema state, string? subsection = null) =>
        state.Items.Where(item => item.Subsection == subsection);

    /// <summary>Those of <paramref name="items"/> that a stream of that version has, as far as versions decide.</summary>
    public static IEnumerable<WireItem> At(this IEnumerable<WireItem> items, int version) =>
        items.Where(item => item.IsInVersion(version));

    /// <summary>
    /// Splits the versions <paramref name="minimum"/> to <paramref name="maximum"/> where the set of items changes; the newest first.
    /// </summary>
    public static IReadOnlyList<VersionRange> Versions(IEnumerable<WireItem> items, int minimum, int maximum)
    {
        var starts = new SortedSet<int> { minimum };
        foreach (WireItem item in items.Where(item => item.When is null))
        {
            starts.Add(item.Since);
            if (item.Until is int until and < int.MaxValue)
                starts.Add(until + 1);
        }
        var ranges = new List<VersionRange>();
        int last = maximum;
        foreach (int start in starts.Where(start => start >= minimum && start <= maximum).Reverse())
        {
            ranges.Add(new VersionRange(start, last));
            last = start - 1;
        }
        return ranges;
    }

    /// <summary>
    /// Cuts items into runs of fixed-size fields, each of at most <see cref="MaxRun"/> bytes and in one piece, and single items
    /// that need a step of their own.
    /// </summary>
    /// <param name="items">Items of one body at one version, in wire order.</param>
    /// <param name="runSize">Bytes that the item takes inside a run; null if it cannot be part of one.</param>
    public static IReadOnlyList<LayoutStep> Steps(IEnumerable<WireItem> items, Func<WireItem, int?> runSize)
    {
        var steps = new List<LayoutStep>();
        var run = new List<PlacedItem>();
        int size = 0;
        foreach (WireItem item in items)
        {
            int? itemSize = runSize(item);
            if (itemSize is null or > MaxRun || size + itemSize > MaxRun)
                EndRun();
            if (itemSize is null or > MaxRun)
            {
                steps.Add(new LayoutStep.Single(item));
            }
            else
            {
                run.Add(new PlacedItem(item, size, itemSize.Value));
                size += itemSize.Value;
            }
        }
        EndRun();
        return steps;

        void EndRun()
        {
            if (run.Count > 0)
                steps.Add(new LayoutStep.Run(run.ToEquatableArray(), size));
            run.Clear();
            size = 0;
        }
    }

    /// <summary>Bytes of an item that has the same size in every stream that has it; null if that varies.</summary>
    public static long? FixedSize(WireItem item, SchemaSet set) => FixedSize(item, set, new HashSet<string>());

    /// <summary>Bytes of a state at a version, if they are the same in every stream; subsections that may be there make them vary.</summary>
    public static long? FixedSize(StateSchema state, int version, SchemaSet set) => FixedSize(state, version, set, new HashSet<string>());

    /// <summary>Most bytes of a state at a version, with every subsection; <see cref="long.MaxValue"/> if nothing bounds them.</summary>
    public static long MaxSize(StateSchema state, int version, SchemaSet set) => MaxSize(state, version, set, new HashSet<string>());

    /// <summary>
    /// Whether a trailer describes an array of it by its first element alone: nothing in it is conditional (qemu-migration.md §4.1).
    /// </summary>
    public static bool IsCompressible(WireItem item, SchemaSet set) => IsCompressible(item, set, new HashSet<string>());

    /// <summary>Whether a save may pass file descriptors: the state has such a field, or something that it nests does.</summary>
    public static bool PassesDescriptors(StateSchema state, SchemaSet set) => PassesDescriptors(state, set, new HashSet<string>());

    /// <summary>The version at which a nested item is saved and loaded.</summary>
    public static int NestedVersion(WireItem item, StateSchema nested) => item.StructVersion ?? nested.Version;

    private static bool PassesDescriptors(StateSchema state, SchemaSet set, HashSet<string> seen) => seen.Add(state.Key)
        && (state.Items.Any(item => item.Shape is WireShape.Scalar { Kind: ScalarKind.Fd })
            || NestedKeys(state).Any(key => set.Find(key) is StateSchema nested && PassesDescriptors(nested, set, seen)));

    private static IEnumerable<string> NestedKeys(StateSchema state)
    {
        foreach (WireItem item in state.Items)
        {
            if (item.Via is string via)
                yield return via;
            if (item.Shape is WireShape.State nested)
                yield return nested.Type;
            if (item.Shape is WireShape.List list)
                yield return list.Type;
            if (item.Shape is WireShape.Tree tree)
                yield return tree.Type;
        }
        foreach (SubsectionSchema subsection in state.Subsections)
        {
            if (subsection.Type is string type)
                yield return type;
        }
        foreach (RemovedSubsectionSchema removed in state.RemovedSubsections)
            yield return removed.Type;
    }

    private static bool IsCompressible(WireItem item, SchemaSet set, HashSet<string> open)
    {
        if (item.When is not null || item.Nulls == NullMarking.Every)
            return false;
        if (item.Shape is not WireShape.State { Type: string type })
            return true;
        StateSchema? nested = set.Find(type);
        if (nested is null || nested.Subsections.Count > 0 || nested.RemovedSubsections.Count > 0 || !open.Add(type))
            return false;
        bool all = nested.Items().All(inner => IsCompressible(inner, set, open));
        open.Remove(type);
        return all;
    }

    private static long? FixedSize(StateSchema state, int version, SchemaSet set, HashSet<string> open)
    {
        if (state.Subsections.Count > 0 || !open.Add(state.Key))
            return null;
        long? size = 0;
        foreach (WireItem item in state.Items().At(version))
            size = item.When is null ? size + FixedSize(item, set, open) : null;
        open.Remove(state.Key);
        return size;
    }

    private static long? FixedSize(WireItem item, SchemaSet set, HashSet<string> open)
    {
        if (item.Codec is not null)
            return item.Shape is WireShape.Bytes { Array.IsCounted: false } bytes ? bytes.Array.Length : null;
        if (item.Count is not null || item.Nulls is not null || item.Via is not null)
            return null;
        switch (item.Shape)
        {
            case WireShape.Scalar scalar:
                return (scalar.Array?.Length ?? 1) * scalar.Kind.Size();
            // Counted without a count elsewhere: a blob that carries its own length.
            case WireShape.Bytes { Array.IsCounted: true }:
                return null;
            case WireShape.Bytes bytes:
                return bytes.Array.Length;
            case WireShape.Bitmap bitmap:
                return (bitmap.Array.Length + 63) / 64 * 8;
            case WireShape.Padding padding:
                return padding.Size;
            case WireShape.State state when set.Find(state.Type) is StateSchema nested:
                return (state.Array?.Length ?? 1) * FixedSize(nested, NestedVersion(item, nested), set, open);
            default:
                return null;
        }
    }

    private static long MaxSize(StateSchema state, int version, SchemaSet set, HashSet<string> open)
    {
        if (!open.Add(state.Key))
            return long.MaxValue;
        long size = 0;
        foreach (WireItem item in state.Items().At(version))
            size = Add(size, MaxSize(item, set, open));
        foreach (SubsectionSchema subsection in state.Subsections)
        {
            size = Add(size, 6 + System.Text.Encoding.UTF8.GetByteCount(subsection.Name));
            if (subsection.Type is null)
            {
                foreach (WireItem item in state.Items(subsection.Name).At(subsection.Version))
                    size = Add(size, MaxSize(item, set, open));
            }
            else
            {
                size = Add(size, set.Find(subsection.Type) is StateSchema nested ? MaxSize(nested, nested.Version, set, open) : long.MaxValue);
            }
        }
        open.Remove(state.Key);
        return size;
    }

    private static long MaxSize(WireItem item, SchemaSet set, HashSet<string> open)
    {
        if (item.Via is not null)
            return set.Find(item.Via) is StateSchema via ? Times(Elements((item.Shape as WireShape.State)?.Array), MaxSize(via, via.Version, set, open)) : long.MaxValue;
        long marker = item.Nulls is null ? 0 : 1;
        return item.Shape switch
        {
            WireShape.Scalar scalar => Times(Elements(scalar.Array), scalar.Kind.Size() + marker),
            WireShape.Bytes bytes => Add(Elements(bytes.Array), bytes.Array.IsCounted && item.Count is null && item.Codec is null ? 4 : 0),
            WireShape.Bitmap bitmap => Elements(bitmap.Array) is long bits and < long.MaxValue ? (bits + 63) / 64 * 8 : long.MaxValue,
            WireShape.Padding padding => Times(item.Count is null ? 1 : item.Max ?? long.MaxValue, padding.Size),
            WireShape.Text => Add(4, item.Max ?? long.MaxValue),
            WireShape.State state => Times(Elements(state.Array), Add(marker, Nested(state.Type, item.StructVersion))),
            WireShape.List list => Add(1, Times(item.Max ?? long.MaxValue, Add(1, Nested(list.Type, null)))),
            WireShape.Tree tree => Add(5, Times(item.Max ?? long.MaxValue, Add(Add(1, tree.KeyType == "u64" ? 8 : Nested(tree.KeyType, null)), Nested(tree.Type, null)))),
            _ => long.MaxValue,
        };

        long Elements(ArrayExtent? array) => array is null ? 1 : array.IsCounted ? item.Max ?? long.MaxValue : array.Length;

        long Nested(string type, int? version) =>
            ScalarKinds.TryParse(type, out ScalarKind kind) ? kind.Size()
            : set.Find(type) is StateSchema nested ? MaxSize(nested, version ?? nested.Version, set, open)
            : long.MaxValue;
    }

    private static long Add(long left, long right) => left > long.MaxValue - right ? long.MaxValue : left + right;

    private static long Times(long left, long right) =>
        left == 0 || right == 0 ? 0 : left > long.MaxValue / right ? long.MaxValue : left * right;
}

/// <summary>Versions with the same items.</summary>
/// <param name="First">The lowest.</param>
/// <param name="Last">The highest.</param>
public sealed record VersionRange(int First, int Last);

/// <summary>An item inside a run.</summary>
/// <param name="Item">What it is.</param>
/// <param name="Offset">Bytes from the start of the run.</param>
/// <param name="Size">Its bytes.</param>
public sealed record PlacedItem(WireItem Item, int Offset, int Size);

/// <summary>A step of saving or loading a body.</summary>
public abstract record LayoutStep
{
    /// <summary>Fixed-size fields at constant offsets.</summary>
    public sealed record Run(EquatableArray<PlacedItem> Items, int Size) : LayoutStep;

    /// <summary>An item that is conditional, counted, nested, or larger than a run.</summary>
    public sealed record Single(WireItem Item) : LayoutStep;
}
