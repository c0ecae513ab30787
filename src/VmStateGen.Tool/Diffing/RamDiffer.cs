using System;
using System.Collections.Generic;
using System.Linq;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Tool.Diffing;

/// <summary>Compares RAM page by page, whatever form each stream has it in.</summary>
internal static class RamDiffer
{
    public static IReadOnlyList<BlockDifference> Compare(RamImage? a, RamImage? b, IgnorePatterns ignore, IProgress<long>? progress)
    {
        var differences = new List<BlockDifference>();
        IEnumerable<string> names = (a?.Blocks ?? []).Concat(b?.Blocks ?? []).Select(block => block.Name).Distinct();
        long done = 0;
        foreach (string name in names)
        {
            RamBlockEntry? left = a?.FindBlock(name);
            RamBlockEntry? right = b?.FindBlock(name);
            if (left == null || right == null)
            {
                long length = (left ?? right)!.UsedLength;
                int size = (left != null ? a! : b!).PageSize;
                long pages = (length + size - 1) / size;
                Add(new BlockDifference(name, left?.UsedLength, right?.UsedLength, pages, size, [(0, pages)]));
                continue;
            }
            Add(Block(a!, left, b!, right, done, progress));
            done += left.UsedLength;
        }
        return differences;

        void Add(BlockDifference difference)
        {
            bool isSame = difference.Pages == 0 && difference.SizeA == difference.SizeB;
            if (!isSame && !ignore.IgnoresAll($"{QemuWire.RamName}/{difference.Name}"))
                differences.Add(difference);
        }
    }

    private static BlockDifference Block(RamImage a, RamBlockEntry left, RamImage b, RamBlockEntry right, long done, IProgress<long>? progress)
    {
        int pageSize = a.PageSize;
        // Other page sizes are other machines; nothing inside can be told apart then.
        if (b.PageSize != pageSize)
            return new BlockDifference(left.Name, left.UsedLength, right.UsedLength, a.PageCount(left), pageSize, [(0, a.PageCount(left))]);
        long common = Math.Min(a.PageCount(left), b.PageCount(right));
        long all = Math.Max(a.PageCount(left), b.PageCount(right));
        var ranges = new List<(long First, long Count)>();
        var one = new byte[pageSize];
        var two = new byte[pageSize];
        long count = 0;
        for (long page = 0; page < common; page++)
        {
            if (IsSame(a, left, b, right, page, one, two))
                continue;
            count++;
            Extend(ranges, page, 1);
            progress?.Report(done + page * pageSize);
        }
        if (all > common)
            Extend(ranges, common, all - common);
        return new BlockDifference(left.Name, left.UsedLength, right.UsedLength, count + all - common, pageSize, ranges);
    }

    private static bool IsSame(RamImage a, RamBlockEntry left, RamImage b, RamBlockEntry right, long page, byte[] one, byte[] two)
    {
        RamPageState state = a.StateOf(left, page);
        RamPageState other = b.StateOf(right, page);
        // What one stream does not say may be anything.
        if (state == RamPageState.Missing || other == RamPageState.Missing)
            return state == other;
        if (state == RamPageState.Zero && other == RamPageState.Zero)
            return true;
        a.ReadPage(left, page, one);
        b.ReadPage(right, page, two);
        return one.AsSpan().SequenceEqual(two);
    }

    private static void Extend(List<(long First, long Count)> ranges, long page, long count)
    {
        if (ranges.Count > 0 && ranges[^1] is (long first, long length) && first + length == page)
            ranges[^1] = (first, length + count);
        else
            ranges.Add((page, count));
    }
}
