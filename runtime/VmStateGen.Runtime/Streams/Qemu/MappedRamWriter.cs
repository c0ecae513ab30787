using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Text;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>
/// Writes RAM as a mapped-ram file has it: in the START of RAM each block with its bitmap and its pages at fixed places
/// (qemu-migration.md §5.10). The PART and END sections of such a file hold an end mark and nothing else.
/// </summary>
/// <remarks>
/// First <see cref="WriteSetup"/>, then the pages in ascending order, block by block as in the setup, then <see cref="Finish"/>; the
/// caller opens and closes the sections. Memory is a megabyte, whatever the size of RAM. For one thread at a time.
/// </remarks>
public sealed class MappedRamWriter
{
    private const int BatchSize = 512 * 1024;
    private const int BitmapChunk = 64 * 1024;

    private readonly QemuStreamWriter output;
    private readonly int pageSize;
    private readonly byte[] batch;
    private readonly byte[] bitmap = new byte[BitmapChunk];
    private List<RamBlockEntry> blocks = [];
    private int block;
    private long lastPage = -1;
    private long batchStart;
    private int batchLength;
    private long bitmapStart;

    /// <param name="output">Writes to a file that seeks and starts where the stream starts: the offsets in the file count from there.</param>
    /// <param name="pageSize">Target page size in bytes.</param>
    public MappedRamWriter(QemuStreamWriter output, int pageSize)
    {
        ArgumentNullException.ThrowIfNull(output);
        if (pageSize is < 1024 or > 1 << 20 || !int.IsPow2(pageSize))
            throw new ArgumentOutOfRangeException(nameof(pageSize), pageSize, "A page has a power of two from 1 KiB to 1 MiB.");
        this.output = output;
        this.pageSize = pageSize;
        batch = new byte[Math.Max(BatchSize, pageSize)];
    }

    /// <summary>The data of START, with room for bitmaps and pages. A START section must be open.</summary>
    /// <param name="given">Name and length of each block, whole pages.</param>
    /// <returns>The same blocks with their places.</returns>
    public IReadOnlyList<RamBlockEntry> WriteSetup(IReadOnlyList<RamBlockEntry> given)
    {
        ArgumentNullException.ThrowIfNull(given);
        var total = 0L;
        foreach (var entry in given)
        {
            WireName.Check(entry.Name, nameof(given));
            if (entry.UsedLength < 0 || entry.UsedLength % pageSize != 0)
                throw new ArgumentException($"Block {entry} must be whole pages.", nameof(given));
            total = checked(total + entry.UsedLength);
        }
        blocks = new List<RamBlockEntry>(given.Count);
        Write64((ulong)total | (ulong)RamFlags.MemSize);
        foreach (var entry in given)
        {
            output.Write([(byte)entry.Name.Length]);
            output.Write(Encoding.ASCII.GetBytes(entry.Name));
            Write64((ulong)entry.UsedLength);

            var bitmapOffset = output.Position + MappedRamHeader.Size;
            var pagesOffset = bitmapOffset + BitmapSize(entry) + MappedRamHeader.PagesAlignment - 1;
            pagesOffset -= pagesOffset % MappedRamHeader.PagesAlignment;
            output.Write([0, 0, 0, (byte)MappedRamHeader.Version]);
            Write64((ulong)pageSize);
            Write64((ulong)bitmapOffset);
            Write64((ulong)pagesOffset);
            output.Skip(pagesOffset + entry.UsedLength - output.Position);
            blocks.Add(entry with { PageSize = null, Mapped = new MappedRamHeader(pageSize, bitmapOffset, pagesOffset) });
        }
        Write64((ulong)RamFlags.EndOfSection);
        return blocks;
    }

    /// <summary>A page that is not all zeros; pages of zeros are not written.</summary>
    /// <param name="index">Number of the block in the setup; not lower than that of the page before.</param>
    /// <param name="page">Number of the page in the block; higher than that of the page before in the same block.</param>
    /// <param name="data">The page.</param>
    public void WritePage(int index, long page, ReadOnlySpan<byte> data)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(index, block);
        if (data.Length != pageSize)
            throw new ArgumentException($"Expected a page of {pageSize} bytes.", nameof(data));
        while (block < index)
            EndBlock();
        var mapped = blocks[block].Mapped!;
        if (page <= lastPage || page >= blocks[block].UsedLength / pageSize)
            throw new ArgumentOutOfRangeException(nameof(page), page, $"Expected a page of {blocks[block]} after {lastPage}.");
        lastPage = page;

        var offset = mapped.PagesOffset + page * pageSize;
        if (offset != batchStart + batchLength || batchLength + data.Length > batch.Length)
        {
            FlushBatch();
            batchStart = offset;
        }
        data.CopyTo(batch.AsSpan(batchLength));
        batchLength += data.Length;

        while (page / 8 >= bitmapStart + bitmap.Length)
            FlushBitmap();
        bitmap[page / 8 - bitmapStart] |= (byte)(1 << (int)(page % 8));
    }

    /// <summary>Writes what is left of pages and bitmaps.</summary>
    public void Finish()
    {
        while (block < blocks.Count)
            EndBlock();
    }

    private long BitmapSize(RamBlockEntry entry) => (entry.UsedLength / pageSize + 63) / 64 * 8;

    private void EndBlock()
    {
        FlushBatch();
        while (bitmapStart < BitmapSize(blocks[block]))
            FlushBitmap();
        block++;
        lastPage = -1;
        bitmapStart = 0;
    }

    private void FlushBatch()
    {
        if (batchLength > 0)
            output.WriteAt(batchStart, batch.AsSpan(0, batchLength));
        batchLength = 0;
    }

    /// <summary>Little-endian words, so that bit n is bit n % 8 of byte n / 8.</summary>
    private void FlushBitmap()
    {
        var size = BitmapSize(blocks[block]);
        output.WriteAt(blocks[block].Mapped!.BitmapOffset + bitmapStart, bitmap.AsSpan(0, (int)Math.Min(bitmap.Length, size - bitmapStart)));
        bitmapStart += bitmap.Length;
        Array.Clear(bitmap);
    }

    private void Write64(ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        output.Write(bytes);
    }
}
