using System;
using System.Collections.Generic;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>What a stream says about a page.</summary>
public enum RamPageState
{
    /// <summary>Nothing: the stream is cut off before it, or the block is shared and left out (§5.11).</summary>
    Missing,

    /// <summary>It is all zeros.</summary>
    Zero,

    /// <summary>It has contents.</summary>
    Normal,
}

/// <summary>How many pages of a block a stream holds, each counted once, by what was said of it last.</summary>
/// <param name="Block">The block.</param>
/// <param name="Pages">Pages of the block.</param>
/// <param name="NormalPages">Pages with contents.</param>
/// <param name="ZeroPages">Pages of zeros.</param>
public readonly record struct RamBlockStatistics(RamBlockEntry Block, long Pages, long NormalPages, long ZeroPages)
{
    /// <summary>Pages of which the stream says nothing.</summary>
    public long MissingPages => Pages - NormalPages - ZeroPages;
}

/// <summary>
/// Counts the pages of a stream's RAM, of a plain one from its records and of a mapped-ram file from its bitmaps. Two bits a page, and
/// only where the stream has pages: sizes that a damaged stream claims cost nothing.
/// </summary>
/// <remarks>For one thread at a time.</remarks>
public sealed class RamStatistics
{
    private readonly List<Counter> counters = [];
    private readonly Dictionary<RamBlockEntry, Counter> byBlock = new(ReferenceEqualityComparer.Instance);
    private readonly long[] records = new long[(int)RamRecordKind.MultifdFlush + 1];
    private readonly int pageShift;
    private Counter? last;

    /// <param name="ram">The RAM section's blocks: <see cref="QemuStreamReader.Ram"/> after its START.</param>
    public RamStatistics(RamSectionReader ram)
    {
        ArgumentNullException.ThrowIfNull(ram);
        pageShift = int.Log2(ram.PageSize);
        foreach (var block in ram.Blocks)
        {
            var counter = new Counter(block, (block.UsedLength + ram.PageSize - 1) >> pageShift);
            counters.Add(counter);
            byBlock.Add(block, counter);
        }
    }

    /// <summary>Records by kind, those of pages that came again included.</summary>
    public IReadOnlyDictionary<RamRecordKind, long> Records
    {
        get
        {
            var result = new Dictionary<RamRecordKind, long>();
            for (var i = 0; i < records.Length; i++)
            {
                if (records[i] > 0)
                    result.Add((RamRecordKind)i, records[i]);
            }
            return result;
        }
    }

    /// <summary>Bytes of the records' payloads.</summary>
    public long PayloadBytes { get; private set; }

    /// <summary>The counts as they are now, in the order of the blocks.</summary>
    public IReadOnlyList<RamBlockStatistics> Blocks
    {
        get
        {
            var result = new RamBlockStatistics[counters.Count];
            for (var i = 0; i < result.Length; i++)
                result[i] = counters[i].Statistics;
            return result;
        }
    }

    /// <summary>Counts a record.</summary>
    public void Add(in RamRecord record)
    {
        records[(int)record.Kind]++;
        PayloadBytes += record.PayloadLength;
        if (record.Block is not { } block)
            return;
        if (last?.Block != (object)block)
            last = byBlock[block];
        last.Set(record.PageOffset >> pageShift, record.Kind == RamRecordKind.Zero ? RamPageState.Zero : RamPageState.Normal);
    }

    /// <summary>Checks that every page of every block came, but of blocks that are left out on purpose (§5.11).</summary>
    internal void CheckWhole(RamSectionReader ram, bool allowMissing)
    {
        foreach (var block in ram.Blocks)
            CheckWhole(ram, block, allowMissing || block.GuestAddress != null);
    }

    /// <summary>Checks that every page of the block came.</summary>
    internal void CheckWhole(RamSectionReader ram, RamBlockEntry block, bool allowMissing)
    {
        var counted = byBlock[block].Statistics;
        if (allowMissing || counted.MissingPages == 0)
            return;
        var where = ram.HasSetupFlush ? ": they were sent through the other channels of multifd" : "";
        throw Fault.At($"ram › {block.Name}", $"all {counted.Pages} pages", $"nothing of {counted.MissingPages} of them{where}", -1);
    }

    /// <summary>What the records said of a page last. Of a mapped-ram file <see cref="RamImage"/> knows.</summary>
    public RamPageState StateOf(RamBlockEntry block, long page)
    {
        ArgumentNullException.ThrowIfNull(block);
        if (last?.Block != (object)block)
            last = byBlock[block];
        return last.Get(page);
    }

    /// <summary>The page is as if nothing had been said of it.</summary>
    internal void Forget(RamBlockEntry block, long page)
    {
        if (StateOf(block, page) != RamPageState.Missing)
            last!.Set(page, RamPageState.Missing);
    }

    private sealed class Counter(RamBlockEntry block, long pages)
    {
        // Small pieces: nine bytes of a damaged stream can name any page, and should not cost a kilobyte.
        private const int PieceShift = 8;
        private readonly Dictionary<long, byte[]> pieces = [];
        private long lastKey = -1;
        private byte[] lastPiece = [];
        private long zero = block.Mapped is { PagesOffset: > 0 } mapped ? pages - mapped.StoredPages : 0;
        private long normal = block.Mapped?.StoredPages ?? 0;

        public RamBlockEntry Block => block;

        public RamBlockStatistics Statistics => new(block, pages, normal, zero);

        public RamPageState Get(long page)
        {
            if (page >> PieceShift != lastKey)
            {
                if (!pieces.TryGetValue(page >> PieceShift, out var piece))
                    return RamPageState.Missing;
                (lastKey, lastPiece) = (page >> PieceShift, piece);
            }
            return (RamPageState)(lastPiece[(int)(page & 255) >> 2] >> (2 * (int)(page & 3)) & 3);
        }

        public void Set(long page, RamPageState state)
        {
            var key = page >> PieceShift;
            if (key != lastKey)
            {
                if (!pieces.TryGetValue(key, out var piece))
                    pieces.Add(key, piece = new byte[(1 << PieceShift) / 4]);
                (lastKey, lastPiece) = (key, piece);
            }
            ref var four = ref lastPiece[(int)(page & 255) >> 2];
            var shift = 2 * (int)(page & 3);
            var before = (RamPageState)(four >> shift & 3);
            if (before == state)
                return;
            four = (byte)(four & ~(3 << shift) | (int)state << shift);
            zero += (state == RamPageState.Zero ? 1 : 0) - (before == RamPageState.Zero ? 1 : 0);
            normal += (state == RamPageState.Normal ? 1 : 0) - (before == RamPageState.Normal ? 1 : 0);
        }
    }
}
