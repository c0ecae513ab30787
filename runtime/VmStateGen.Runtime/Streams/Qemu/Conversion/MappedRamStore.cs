using System;
using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>
/// RAM of a mapped-ram file that is filled as the records come (qemu-migration.md §5.10): a later copy of a page overwrites an earlier one, a
/// later zero clears its bit, a difference (§5.4) is applied to what the file has.
/// </summary>
/// <remarks>Memory is half a megabyte and two bits a page. For one thread at a time.</remarks>
internal sealed class MappedRamStore
{
    private const int BatchSize = 512 * 1024;
    private const int BitmapChunk = 64 * 1024;

    private readonly QemuStreamWriter output;
    private readonly RamSectionReader ram;
    private readonly Dictionary<RamBlockEntry, long> pagesOffsets = new(ReferenceEqualityComparer.Instance);
    private readonly byte[] batch;
    private IReadOnlyList<RamBlockEntry> stored = [];
    private RamBlockEntry? lastBlock;
    private long lastPagesOffset;
    private long batchStart;
    private int batchLength;

    /// <param name="output">Writes to a file that can be read, too, from its start.</param>
    /// <param name="ram">The blocks.</param>
    public MappedRamStore(QemuStreamWriter output, RamSectionReader ram)
    {
        this.output = output;
        this.ram = ram;
        Statistics = new RamStatistics(ram);
        batch = new byte[Math.Max(BatchSize, ram.PageSize)];
    }

    /// <summary>What was said of each page last.</summary>
    public RamStatistics Statistics { get; }

    /// <summary>The data of START; the section must be open.</summary>
    public void WriteSetup()
    {
        stored = new MappedRamWriter(output, ram.PageSize).WriteSetup([.. ram.Blocks.Select(block => new RamBlockEntry(block.Name, block.UsedLength))]);
        for (var i = 0; i < stored.Count; i++)
            pagesOffsets.Add(ram.Blocks[i], stored[i].Mapped!.PagesOffset);
    }

    /// <summary>Takes the record that the reader gave last.</summary>
    /// <exception cref="VmStateException">It is damaged, or a difference to a page that was never sent.</exception>
    public void Add(QemuStreamReader reader, in RamRecord record)
    {
        if (record.Block is { } block && record.Kind != RamRecordKind.Zero)
        {
            var slot = Slot(OffsetOf(block) + record.PageOffset);
            if (record.Kind == RamRecordKind.Xbzrle)
                ReadBase(block, record, slot);
            reader.ReadPage(record, slot);
            batchLength += ram.PageSize;
        }
        Statistics.Add(record);
    }

    /// <summary>Writes what is left of the pages, and the bitmaps.</summary>
    public void Finish()
    {
        FlushBatch();
        for (var i = 0; i < stored.Count; i++)
            WriteBitmap(ram.Blocks[i], stored[i]);
    }

    private long OffsetOf(RamBlockEntry block)
    {
        if (lastBlock != (object)block)
            (lastBlock, lastPagesOffset) = (block, pagesOffsets[block]);
        return lastPagesOffset;
    }

    /// <summary>Room for a page that goes to this offset: behind the page before, if it follows that in the file.</summary>
    private Span<byte> Slot(long offset)
    {
        if (offset != batchStart + batchLength || batchLength + ram.PageSize > batch.Length)
        {
            FlushBatch();
            batchStart = offset;
        }
        return batch.AsSpan(batchLength, ram.PageSize);
    }

    private void ReadBase(RamBlockEntry block, in RamRecord record, Span<byte> page)
    {
        switch (Statistics.StateOf(block, record.PageOffset / ram.PageSize))
        {
            case RamPageState.Missing:
                throw Fault.At($"{block.Name} + {Fault.Hex((ulong)record.PageOffset)}", "a page that was sent before", "the difference to one that was not", record.Offset);
            case RamPageState.Zero:
                // The file may still have what the page was before it became zeros.
                page.Clear();
                break;
            default:
                // Not in the batch: that ends where this page begins, and pages in it are in ascending order.
                output.ReadAt(batchStart + batchLength, page);
                break;
        }
    }

    private void FlushBatch()
    {
        if (batchLength > 0)
            output.WriteAt(batchStart, batch.AsSpan(0, batchLength));
        batchLength = 0;
    }

    /// <summary>Little-endian words, so that bit n is bit n % 8 of byte n / 8.</summary>
    private void WriteBitmap(RamBlockEntry block, RamBlockEntry place)
    {
        var pages = block.UsedLength / ram.PageSize;
        var size = (pages + 63) / 64 * 8;
        var chunk = new byte[Math.Min(BitmapChunk, size)];
        for (var start = 0L; start < size; start += chunk.Length)
        {
            Array.Clear(chunk);
            var end = Math.Min(pages, (start + chunk.Length) * 8);
            for (var page = start * 8; page < end; page++)
            {
                if (Statistics.StateOf(block, page) == RamPageState.Normal)
                    chunk[page / 8 - start] |= (byte)(1 << (int)(page % 8));
            }
            output.WriteAt(place.Mapped!.BitmapOffset + start, chunk.AsSpan(0, (int)Math.Min(chunk.Length, size - start)));
        }
    }
}
