using System.Collections.Generic;
using VmStateGen.Schema;

namespace VmStateGen.Generator.Emit;

/// <summary>
/// Neighbouring numbers of a run that go in one load or store, whose number is what a save or load takes (docs/performance.md); or one item alone.
/// </summary>
/// <remarks>
/// A word may reach over what follows its items: a save writes that afterwards, since it goes by ascending offsets, and a load does not look at it.
/// It never reaches over the end of its run.
/// </remarks>
internal sealed class RunWord(IReadOnlyList<PlacedItem> items, int size)
{
    private const int Longest = 8;

    /// <summary>The items, in the order of the wire.</summary>
    public IReadOnlyList<PlacedItem> Items { get; } = items;

    public int Offset => Items[0].Offset;

    /// <summary>Whether the items share a load or store.</summary>
    public bool IsShared => Items.Count > 1;

    /// <summary>Bits of a shared word, 32 or 64, as its C# type and BigEndian's methods name them.</summary>
    public int Bits => size * 8;

    /// <summary>C# type of a shared word.</summary>
    public string Type => size == Longest ? "ulong" : "uint";

    /// <summary>How far left in the word an item's last bit is.</summary>
    public int Shift(PlacedItem item) => (Offset + size - item.Offset - item.Size) * 8;

    /// <summary>Cuts the items of a run into words, each with as many items as it holds.</summary>
    public static IEnumerable<RunWord> Cut(IReadOnlyList<PlacedItem> run)
    {
        int end = run.Count == 0 ? 0 : run[run.Count - 1].Offset + run[run.Count - 1].Size;
        for (int first = 0; first < run.Count;)
        {
            int count = 1;
            int size = run[first].Size;
            for (int next = first; next < run.Count && IsNumber(run[next]); next++)
            {
                int used = run[next].Offset + run[next].Size - run[first].Offset;
                if (used > Longest)
                    break;
                int word = used <= 4 ? 4 : Longest;
                if (run[first].Offset + word <= end)
                    (count, size) = (next - first + 1, word);
            }
            var items = new PlacedItem[count];
            for (int i = 0; i < count; i++)
                items[i] = run[first + i];
            yield return new RunWord(items, size);
            first += count;
        }
    }

    private static bool IsNumber(PlacedItem item) =>
        item.Item.Shape is WireShape.Scalar { Array: null } scalar && item.Size == scalar.Kind.Size() && item.Size <= Longest;
}
