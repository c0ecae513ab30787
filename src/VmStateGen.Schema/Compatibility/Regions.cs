using System;
using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Schema;

/// <summary>
/// Between two fields that stayed what they were, the bytes may be equal although the fields are not: they moved into nested state, or
/// padding stands for several of them. Differences of such a region are taken back.
/// </summary>
internal static class Regions
{
    /// <param name="pairs">Items in the order of the current code.</param>
    /// <param name="found">What was found at each pair.</param>
    /// <param name="inOrder">Pairs, both there, that kept their order.</param>
    /// <param name="isThere">Whether the old side has the item at its version.</param>
    /// <param name="thereNow">Whether the new side has the item at its version.</param>
    /// <param name="project">Expands items of the old (true) or the new side.</param>
    /// <param name="moved">What is said of a region that moved.</param>
    /// <param name="blanked">What is said of a field that padding stands for; only said in the forward direction.</param>
    public static List<Difference> Settle(
        IReadOnlyList<ItemPair> pairs, List<List<Difference>> found, HashSet<int> inOrder, Func<WireItem?, bool> isThere, Func<WireItem?, bool> thereNow,
        Func<IEnumerable<WireItem>, bool, IReadOnlyList<WireLeaf>> project, Func<IReadOnlyList<ItemPair>, Difference> moved, Func<ItemPair, Difference> blanked)
    {
        var result = new List<Difference>();
        var region = new List<int>();
        for (int i = 0; i <= pairs.Count; i++)
        {
            bool isAnchor = i < pairs.Count && inOrder.Contains(i) && !found[i].Any(difference => difference.IsLayout);
            if (i < pairs.Count && !isAnchor)
            {
                region.Add(i);
                continue;
            }
            if (region.Any(index => found[index].Any(difference => difference.IsLayout)))
                SettleOne(region);
            foreach (int index in region)
                result.AddRange(found[index]);
            region.Clear();
            if (i < pairs.Count)
                result.AddRange(found[i]);
        }
        return result;

        void SettleOne(List<int> indexes)
        {
            List<ItemPair> items = indexes.Select(index => pairs[index]).ToList();
            List<WireItem> old = items.Select(pair => pair.Old).Where(isThere).Select(item => item!).OrderBy(item => item.Number).ToList();
            List<WireItem> current = items.Select(pair => pair.New).Where(thereNow).Select(item => item!).ToList();
            if (old.Count == 0 || current.Count == 0)
                return;
            IReadOnlyList<WireLeaf> before = project(old, true), after = project(current, false);
            bool hasNested = old.Concat(current).Any(item => item.Shape is WireShape.State || item.Via is not null);
            if (hasNested && SameBytes(before, after) && !IsPermutation(before, after))
                Replace(indexes, new[] { moved(items) });
            else if (Blanks(before, after))
                Replace(indexes, items.Where(pair => pair.New is null or { Shape: WireShape.Padding }).Where(pair => pair.Old is { Shape: not WireShape.Padding })
                    .Select(blanked).Where(difference => difference.Finding.Breaks == CompatibilityDirection.Forward));
        }

        void Replace(List<int> indexes, IEnumerable<Difference> differences)
        {
            foreach (int index in indexes)
                found[index].RemoveAll(difference => difference.IsLayout);
            found[indexes[0]].AddRange(differences);
        }
    }

    /// <summary>The same bytes under the same conditions; names do not matter.</summary>
    public static bool SameBytes(IReadOnlyList<WireLeaf> left, IReadOnlyList<WireLeaf> right) =>
        left.Select(Bytes).SequenceEqual(right.Select(Bytes));

    private static (string, string?, string?) Bytes(WireLeaf leaf) => (leaf.Wire, leaf.When, leaf.Count);

    /// <summary>The names are the same, in another order: the fields were exchanged.</summary>
    private static bool IsPermutation(IReadOnlyList<WireLeaf> left, IReadOnlyList<WireLeaf> right)
    {
        List<string> before = left.Select(leaf => leaf.Name).ToList(), after = right.Select(leaf => leaf.Name).ToList();
        return !before.SequenceEqual(after)
            && before.OrderBy(name => name, StringComparer.Ordinal).SequenceEqual(after.OrderBy(name => name, StringComparer.Ordinal));
    }

    /// <summary>Byte for byte what it was, or new padding; and some of it is.</summary>
    private static bool Blanks(IReadOnlyList<WireLeaf> left, IReadOnlyList<WireLeaf> right)
    {
        if (left.Concat(right).Any(leaf => leaf.When is not null || WireProjection.Size(leaf) is null) || !right.Any(IsPadding))
            return false;
        var old = new Dictionary<long, WireLeaf>();
        long end = 0, at = 0;
        foreach (WireLeaf leaf in left)
        {
            old[end] = leaf;
            end += WireProjection.Size(leaf)!.Value;
        }
        foreach (WireLeaf leaf in right)
        {
            if (!IsPadding(leaf) && !(old.TryGetValue(at, out WireLeaf? same) && same.Wire == leaf.Wire && same.Name == leaf.Name))
                return false;
            at += WireProjection.Size(leaf)!.Value;
        }
        return at == end;
    }

    private static bool IsPadding(WireLeaf leaf) => leaf.Wire.StartsWith("pad[", StringComparison.Ordinal);
}
