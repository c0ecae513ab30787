using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Schema;

/// <summary>An item of a baseline and what it became.</summary>
/// <param name="Old">Null: it is new.</param>
/// <param name="New">Null: it is gone.</param>
internal sealed record ItemPair(WireItem? Old, WireItem? New);

/// <summary>
/// Finds what each item of a baseline became. Ordinals do not tell: those of code count its members. Names do; where they fail, the
/// place between two that were found.
/// </summary>
internal static class ItemMatcher
{
    /// <summary>Every item of both lists is in one pair; pairs with a new item are in its order, the others where the old item stood.</summary>
    /// <param name="old">Items of the baseline.</param>
    /// <param name="current">Items of the code.</param>
    /// <param name="oldSet">Where the size of nested state is found.</param>
    /// <param name="currentSet">The same for the code.</param>
    public static IReadOnlyList<ItemPair> Match(IReadOnlyList<WireItem> old, IReadOnlyList<WireItem> current, SchemaSet oldSet, SchemaSet currentSet)
    {
        int[] partner = Enumerable.Repeat(-1, old.Count).ToArray();
        bool[] taken = new bool[current.Count];

        // Equal ones first: of several items with one name (use sites split by version, elements of an array) the one that stayed is itself.
        Pair(old, current, partner, taken, (left, right) => left with { Number = default } == right with { Number = default });
        Pair(old, current, partner, taken, (left, right) => SamePart(left, right) && left.Shape.Equals(right.Shape) && SameConditions(left, right));
        Pair(old, current, partner, taken, (left, right) => SamePart(left, right) && SameVersion(left, right));
        Pair(old, current, partner, taken, SamePart);
        Pair(old, current, partner, taken, (left, right) => left.Name == right.Name);
        PairByPlace(old, current, partner, taken, new System.Func<WireItem, WireItem, bool>[]
        {
            IsRenamed,
            (left, right) => IsSlot(left, right) && WireLayout.FixedSize(left, oldSet) == WireLayout.FixedSize(right, currentSet),
            (left, right) => left.Shape is WireShape.Padding && right.Shape is WireShape.Padding && SameConditions(left, right),
        });
        return Merge(old, current, partner);
    }

    /// <summary>Indexes into <paramref name="values"/> of a longest increasing subsequence.</summary>
    public static HashSet<int> Increasing(IReadOnlyList<int> values)
    {
        int[] length = new int[values.Count], previous = new int[values.Count];
        int best = -1;
        for (int i = 0; i < values.Count; i++)
        {
            (length[i], previous[i]) = (1, -1);
            for (int j = 0; j < i; j++)
            {
                if (values[j] < values[i] && length[j] + 1 > length[i])
                    (length[i], previous[i]) = (length[j] + 1, j);
            }
            if (best < 0 || length[i] > length[best])
                best = i;
        }
        var kept = new HashSet<int>();
        for (int i = best; i >= 0; i = previous[i])
            kept.Add(i);
        return kept;
    }

    private static bool SamePart(WireItem left, WireItem right) =>
        left.Name == right.Name && left.Element == right.Element && left.RangeStart == right.RangeStart;

    private static bool SameConditions(WireItem left, WireItem right) =>
        left.Since == right.Since && left.Until == right.Until && left.When == right.When;

    private static bool SameVersion(WireItem left, WireItem right) => left.StructVersion == right.StructVersion && left.Since == right.Since;

    private static void Pair(
        IReadOnlyList<WireItem> old, IReadOnlyList<WireItem> current, int[] partner, bool[] taken, System.Func<WireItem, WireItem, bool> isSame)
    {
        for (int i = 0; i < old.Count; i++)
        {
            for (int j = 0; j < current.Count && partner[i] < 0; j++)
            {
                if (taken[j] || !isSame(old[i], current[j]))
                    continue;
                partner[i] = j;
                taken[j] = true;
            }
        }
    }

    /// <summary>Between two neighbours that were found: a field with the same bytes got another name, padding another size or took a field's place.</summary>
    private static void PairByPlace(IReadOnlyList<WireItem> old, IReadOnlyList<WireItem> current, int[] partner, bool[] taken,
        System.Func<WireItem, WireItem, bool>[] kinds)
    {
        int from = 0, at = 0;
        for (int i = 0; i <= old.Count; i++)
        {
            if (i < old.Count && (partner[i] < 0 || partner[i] < at))
                continue;
            int end = i < old.Count ? partner[i] : current.Count;
            List<int> left = Enumerable.Range(from, i - from).Where(index => partner[index] < 0).ToList();
            List<int> right = Enumerable.Range(at, end - at).Where(index => !taken[index]).ToList();
            foreach (System.Func<WireItem, WireItem, bool> isSame in kinds)
                PairInGap(old, current, partner, taken, left, right, isSame);
            (from, at) = (i + 1, end + 1);
        }
    }

    private static void PairInGap(
        IReadOnlyList<WireItem> old, IReadOnlyList<WireItem> current, int[] partner, bool[] taken, List<int> left, List<int> right,
        System.Func<WireItem, WireItem, bool> isSame)
    {
        int next = 0;
        foreach (int i in left.ToList())
        {
            int found = right.FindIndex(next, j => isSame(old[i], current[j]));
            if (found < 0)
                continue;
            partner[i] = right[found];
            taken[right[found]] = true;
            left.Remove(i);
            right.RemoveAt(found);
            next = found;
        }
    }

    private static bool IsRenamed(WireItem left, WireItem right) =>
        left with { Number = default, Name = "", Default = null } == right with { Number = default, Name = "", Default = null };

    /// <summary>A field and padding in its place, or the other way.</summary>
    private static bool IsSlot(WireItem left, WireItem right) =>
        left.Shape is WireShape.Padding != right.Shape is WireShape.Padding && SameConditions(left, right) && left.Count is null && right.Count is null;

    private static List<ItemPair> Merge(IReadOnlyList<WireItem> old, IReadOnlyList<WireItem> current, int[] partner)
    {
        var pairs = new List<ItemPair>();
        int[] source = Enumerable.Repeat(-1, current.Count).ToArray();
        for (int i = 0; i < old.Count; i++)
        {
            if (partner[i] >= 0)
                source[partner[i]] = i;
        }
        var written = new bool[old.Count];
        for (int j = 0; j < current.Count; j++)
        {
            if (source[j] >= 0)
            {
                // Items that are gone come before the first one that stood behind them and is still there.
                for (int i = 0; i < source[j]; i++)
                    Gone(i);
            }
            pairs.Add(new ItemPair(source[j] < 0 ? null : old[source[j]], current[j]));
        }
        for (int i = 0; i < old.Count; i++)
            Gone(i);
        return pairs;

        void Gone(int i)
        {
            if (partner[i] >= 0 || written[i])
                return;
            written[i] = true;
            pairs.Add(new ItemPair(old[i], null));
        }
    }
}
