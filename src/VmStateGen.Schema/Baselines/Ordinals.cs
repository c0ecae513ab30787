using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Schema;

/// <summary>Gives the items of code the ordinals that are recorded; new ones get their own, between those that stay.</summary>
internal static class Ordinals
{
    /// <param name="current">The code's schema, with items in order.</param>
    /// <param name="recorded">What is recorded of the type, or null.</param>
    /// <param name="used">Ordinals that the type ever had: none of them is given away.</param>
    public static StateSchema Assign(StateSchema current, StateSchema? recorded, ISet<ItemNumber> used)
    {
        var known = new Dictionary<WireItem, ItemNumber>(new ByReference());
        foreach (string? body in current.Items.Select(item => item.Subsection).Distinct())
        {
            List<WireItem> old = (recorded?.Items ?? default).Where(item => item.Subsection == body).ToList();
            List<WireItem> now = current.Items.Where(item => item.Subsection == body).ToList();
            foreach (ItemPair pair in ItemMatcher.Match(old, now, new SchemaSet(), new SchemaSet()))
            {
                if (pair.Old is not null && pair.New is not null)
                    known[pair.New] = pair.Old.Number;
            }
        }
        List<WireItem> items = current.Items.ToList();
        List<int> matched = Enumerable.Range(0, items.Count).Where(i => known.ContainsKey(items[i])).ToList();
        List<ItemNumber> order = matched.Select(i => known[items[i]]).OrderBy(number => number).ToList();
        HashSet<int> kept = ItemMatcher.Increasing(matched.Select(i => order.IndexOf(known[items[i]])).ToList());
        var fixedNumbers = matched.Where((_, index) => kept.Contains(index)).ToDictionary(i => i, i => known[items[i]]);

        // Nothing stands before 0: who has it makes room.
        if (items.Count > 0 && !fixedNumbers.ContainsKey(0) && fixedNumbers.FirstOrDefault(entry => entry.Value.CompareTo(new ItemNumber(0)) <= 0) is { Value: ItemNumber } first
            && fixedNumbers.ContainsKey(first.Key) && first.Value.Equals(new ItemNumber(0)))
        {
            fixedNumbers.Remove(first.Key);
        }
        return current with { Items = Number(items, fixedNumbers, new HashSet<ItemNumber>(used)).ToEquatableArray() };
    }

    /// <summary>Every ordinal of the type in any file.</summary>
    public static ISet<ItemNumber> Used(BaselineSet files, string type)
    {
        var used = new HashSet<ItemNumber>();
        IEnumerable<BaselineFile> all = files.Files().Concat(files.Unshipped is null ? Enumerable.Empty<BaselineFile>() : new[] { files.Unshipped });
        foreach (BaselineLine line in all.SelectMany(file => file.Lines).Where(line => line.Type == type && line.Key.Length > type.Length && line.Key[type.Length] == '#'))
        {
            if (ItemNumber.TryParse(line.Key.Substring(type.Length + 1), out ItemNumber number))
                used.Add(number);
        }
        return used;
    }

    private static IEnumerable<WireItem> Number(List<WireItem> items, Dictionary<int, ItemNumber> fixedNumbers, HashSet<ItemNumber> used)
    {
        ItemNumber? last = null;
        for (int i = 0; i < items.Count; i++)
        {
            if (!fixedNumbers.TryGetValue(i, out ItemNumber number))
            {
                ItemNumber? next = fixedNumbers.Where(entry => entry.Key > i).OrderBy(entry => entry.Key).Select(entry => (ItemNumber?)entry.Value).FirstOrDefault();
                ItemNumber? free = ItemNumber.Between(last, next);
                while (free is ItemNumber taken && !used.Add(taken))
                    free = ItemNumber.Between(taken, next);
                number = free ?? default;
            }
            last = number;
            yield return items[i] with { Number = number };
        }
    }

    /// <summary>Two equal items of one type are still two.</summary>
    private sealed class ByReference : IEqualityComparer<WireItem>
    {
        public bool Equals(WireItem? x, WireItem? y) => ReferenceEquals(x, y);

        public int GetHashCode(WireItem obj) => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(obj);
    }
}
