using System;
using VmStateGen.Runtime.Ram;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Postcopy;

/// <summary>Takes the pages of one channel and has them placed (qemu-migration.md §5.5, §13.3).</summary>
/// <remarks>For one thread; each channel has its own. Allocates nothing for a page.</remarks>
internal sealed class PageReceiver
{
    private readonly Pager pager;
    private readonly RamLoader loader;
    private readonly RamSectionReader reader;

    // The unit that is being put together, in the channel's own memory: the kernel copies from here.
    private readonly byte[] buffer;
    private readonly int pageSize;
    private RamBlock? block;
    private long offset;
    private int filled;
    private bool isZero;

    /// <param name="pager">Places.</param>
    /// <param name="loader">Knows the blocks, and counts.</param>
    /// <param name="reader">The channel's, with its own last block.</param>
    public PageReceiver(Pager pager, RamLoader loader, RamSectionReader reader)
    {
        this.pager = pager;
        this.loader = loader;
        this.reader = reader;
        pageSize = reader.PageSize;
        var unit = pageSize;
        foreach (var (ram, _) in loader.Moved)
            unit = Math.Max(unit, pager.UnitOf(ram));
        buffer = GC.AllocateArray<byte>(unit, pinned: true);
    }

    /// <summary>Takes records up to the mark that ends them.</summary>
    /// <exception cref="VmStateException">What comes is no page that is missing: another copy, half a huge page, or no record at all.</exception>
    public void Read(StreamCursor input)
    {
        var start = input.Position;
        while (reader.ReadRecord(input, out var record))
        {
            Take(input, record);
            var end = input.Position;
            loader.Count(end - start, record.Kind == RamRecordKind.Zero ? 1 : 0, record.Kind == RamRecordKind.Page ? 1 : 0);
            start = end;
        }
        if (filled != 0)
            throw Fault.At(block!.Name, $"all pages of the 0x{pager.UnitOf(block):x} bytes at 0x{offset:x} in a row", $"the end of the section after 0x{filled:x}", input.Position);
    }

    private void Take(StreamCursor input, in RamRecord record)
    {
        if (record.Kind is not (RamRecordKind.Page or RamRecordKind.Zero))
            throw Fault.At("record", "PAGE or ZERO once the guest runs", record.Kind.ToString(), record.Offset);
        var ram = loader.Find(record);
        var unit = pager.UnitOf(ram);
        if (filled == 0)
        {
            (block, offset, isZero) = (ram, record.PageOffset, true);
            if (offset % unit != 0)
                throw Fault.At(ram.Name, $"the first page of a unit of 0x{unit:x} bytes", $"that at 0x{offset:x}", record.Offset);
        }
        else if (ram != block || record.PageOffset != offset + filled)
        {
            throw Fault.At(block!.Name, $"all pages of the 0x{pager.UnitOf(block):x} bytes at 0x{offset:x} in a row", $"after 0x{filled:x} that of {ram.Name} at 0x{record.PageOffset:x}", record.Offset);
        }
        if (record.Kind == RamRecordKind.Page)
        {
            if (isZero && filled > 0)
                buffer.AsSpan(0, filled).Clear();
            RamPage.Read(input, record, buffer.AsSpan(filled, pageSize));
            isZero = false;
        }
        else if (!isZero)
        {
            buffer.AsSpan(filled, pageSize).Clear();
        }
        filled += pageSize;
        if (filled < unit)
            return;
        filled = 0;
        if (!(isZero ? pager.TryPlaceZero(ram, offset) : pager.TryPlace(ram, offset, buffer.AsSpan(0, unit))))
            throw Fault.At(ram.Name, "each missing page once", $"a second copy of the page at 0x{offset:x}", record.Offset);
    }
}
