using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Threading;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Ram;

/// <summary>The receiving half of <see cref="RamPrecopy"/>: nothing is written to RAM before its place was found to be inside a block that both sides have.</summary>
internal sealed class RamLoader(GuestMemory memory, MigrationFeatures features)
{
    private RamSectionReader reader = new(new RamSectionFormat(memory.PageSize, features.IgnoreShared));
    private readonly Dictionary<RamBlockEntry, Block> blocks = [];
    private const int ZeroRecord = 8 + 1;

    /// <summary>Pages in sequence from which on more of them are expected.</summary>
    private const int FewestPages = 8;

    private readonly byte[] page = new byte[memory.PageSize];
    private readonly int pageShift = BitOperations.Log2((uint)memory.PageSize);
    private readonly PageScatter scatter = new(memory);
    private int sequence;
    private long next;
    private long total;
    private long transferred;
    private long zeroPages;
    private long normalPages;
    private ulong advised;

    /// <summary>Reads records of the main channel; other channels have their own (<see cref="RamSectionReader.ForAnotherChannel"/>).</summary>
    public RamSectionReader Reader => reader;

    public RamTraffic Traffic => new(total, 0, transferred, zeroPages, normalPages, 0, 0);

    /// <param name="Ram">The block here.</param>
    /// <param name="Written">Pages that may hold anything but zeros; <see langword="null"/> of a block that is not moved.</param>
    /// <param name="Received">With postcopy: pages that have come and were not taken back.</param>
    private sealed record Block(RamBlock Ram, DirtyBitmap? Written, DirtyBitmap? Received);

    /// <summary>The blocks that are moved, each with the pages that have come. With postcopy, after START.</summary>
    public IEnumerable<(RamBlock Ram, DirtyBitmap Received)> Moved
    {
        get
        {
            foreach (var block in blocks.Values)
            {
                if (block.Received is { } received)
                    yield return (block.Ram, received);
            }
        }
    }

    /// <summary>Postcopy may follow. Before START, which then says the page size of blocks of huge pages.</summary>
    /// <param name="pageSizes">Those of all blocks or-ed together, in bytes.</param>
    public void Advise(ulong pageSizes)
    {
        advised = pageSizes;
        reader = new RamSectionReader(new RamSectionFormat(memory.PageSize, features.IgnoreShared, AdvisedPageSizes: pageSizes));
    }

    /// <summary>The block here of one in the stream.</summary>
    public RamBlock Find(in RamRecord record)
    {
        var (ram, written, _) = blocks[record.Block!];
        return written is null ? throw Fault.At(ram.Name, "no page of a block that both sides map", record.Kind.ToString(), record.Offset) : ram;
    }

    /// <summary>What came before is worth nothing: it will come again. The memory itself is emptied by whoever pages it.</summary>
    /// <param name="name">Of the block.</param>
    /// <param name="start">Bytes from its start.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="offset">In the stream, for messages.</param>
    public void Discard(string name, ulong start, ulong length, long offset)
    {
        foreach (var block in blocks.Values)
        {
            if (block.Ram.Name != name || block.Received is not { } received)
                continue;
            var unit = (ulong)Math.Max(block.Ram.PageSize, memory.PageSize);
            var used = (ulong)block.Ram.UsedLength;
            if (start > used || length > used - start || start % unit != 0 || length % unit != 0)
                throw Fault.At(name, $"whole pages of 0x{unit:x} bytes within its 0x{used:x}", $"0x{length:x} bytes at 0x{start:x}", offset);
            received.ClearRange((long)start / memory.PageSize, (long)length / memory.PageSize);
            return;
        }
        throw Fault.At(name, "a block that is moved", "another", offset);
    }

    /// <summary>Counts pages that others have read. Any thread.</summary>
    public void Count(long bytes, long zeros, long normal)
    {
        Interlocked.Add(ref transferred, bytes);
        Interlocked.Add(ref zeroPages, zeros);
        Interlocked.Add(ref normalPages, normal);
    }

    public void Load(StreamCursor input, SectionKind kind)
    {
        var start = input.Position;
        if (kind == SectionKind.Start)
        {
            reader.ReadSetup(input);
            MatchBlocks(start);
        }
        else
        {
            do
                LoadRun(input);
            while (LoadRecord(input));
        }
        transferred += input.Position - start;
    }

    /// <summary>Both sides must have the same blocks. Checked as a whole before anything is changed here.</summary>
    private void MatchBlocks(long offset)
    {
        var mine = RamPrecopy.MigratableBlocks(memory);
        var found = new HashSet<RamBlock>();
        foreach (var entry in reader.Blocks)
        {
            if (Array.Find(mine, block => block.Name == entry.Name) is not { } ram)
                throw Fault.At(entry.Name, "a block that this machine has", "another", offset);
            Check(entry, ram, offset);
            found.Add(ram);
        }
        if (Array.Find(mine, block => !found.Contains(block)) is { } missing)
            throw Fault.At(missing.Name, "all blocks of this machine", "not this one", offset);

        foreach (var entry in reader.Blocks)
        {
            var ram = Array.Find(mine, block => block.Name == entry.Name)!;
            if (ram.UsedLength != entry.UsedLength)
                memory.Resize(ram, entry.UsedLength);
            total += entry.UsedLength;
            var isMoved = !RamPrecopy.IsIgnored(ram, features);
            var received = isMoved && advised != 0 ? new DirtyBitmap(entry.UsedLength / memory.PageSize, memory.PageSize) : null;
            blocks.Add(entry, new Block(ram, isMoved ? memory.FindTouched(ram) : null, received));
        }
    }

    private void Check(RamBlockEntry entry, RamBlock ram, long offset)
    {
        if (advised != 0 && (entry.PageSize ?? Math.Max(Environment.SystemPageSize, memory.PageSize)) != Math.Max(ram.PageSize, memory.PageSize))
            throw Fault.At(entry.Name, $"pages of 0x{ram.PageSize:x} bytes, as here", entry.PageSize is { } size ? $"0x{size:x}" : "small ones", offset);
        var isFixed = ram.MaxLength == ram.UsedLength || RamPrecopy.IsIgnored(ram, features);
        if (isFixed && entry.UsedLength != ram.UsedLength)
            throw Fault.At(entry.Name, $"0x{ram.UsedLength:x} bytes", $"0x{entry.UsedLength:x}", offset);
        if (entry.UsedLength <= 0 || entry.UsedLength > ram.MaxLength || entry.UsedLength % ram.PageSize != 0)
            throw Fault.At(entry.Name, $"at most 0x{ram.MaxLength:x} bytes in pages of 0x{ram.PageSize:x}", $"0x{entry.UsedLength:x}", offset);
        if (RamPrecopy.IsIgnored(ram, features) && entry.GuestAddress != RamPrecopy.GuestAddress(memory, ram))
            throw Fault.At(entry.Name, $"guest address 0x{RamPrecopy.GuestAddress(memory, ram):x} of a block that is not moved", $"0x{entry.GuestAddress:x}", offset);
    }

    /// <returns>Whether there may be more.</returns>
    private bool LoadRecord(StreamCursor input)
    {
        if (!reader.ReadRecord(input, out var record))
            return false;
        if (record.Kind != RamRecordKind.MultifdFlush)
            LoadPage(input, record);
        return true;
    }

    /// <summary>
    /// Takes the records that nearly all are, zeros and whole pages of the block before, straight from where they were received to. Whatever is
    /// anything else, or wrong, is left to who reads one record at a time.
    /// </summary>
    /// <remarks>Optimized at once: a migration of a second is over before the runtime would notice that it should.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void LoadRun(StreamCursor input)
    {
        if (reader.LastBlock is not { } last || blocks[last] is not { Written: not null } block)
            return;
        var pageSize = memory.PageSize;
        var mask = (ulong)pageSize - 1;
        while (true)
        {
            var records = input.PeekBuffered(8);
            var at = 0;
            while (records.Length - at > 8)
            {
                var header = BinaryPrimitives.ReadUInt64BigEndian(records[at..]);
                var page = (long)(header >> pageShift);
                if (header >= (ulong)last.UsedLength)
                    break;
                if ((header & mask) == (ulong)(RamFlags.Zero | RamFlags.Continue) && records[at + 8] == 0)
                {
                    var count = CountZeros(records[at..], header, block.Written.PageCount - page);
                    LoadZeros(block, page, count);
                    at += ZeroRecord * count;
                }
                else if ((header & mask) == (ulong)(RamFlags.Page | RamFlags.Continue) && records.Length - at >= 8 + pageSize)
                {
                    memory.Write(block.Ram, page << pageShift, records.Slice(at + 8, pageSize));
                    Came(block, page, 1);
                    at += 8 + pageSize;
                }
                else
                {
                    break;
                }
            }
            input.Skip(at, "page");
            if (!LoadAhead(input, block) && at == 0)
                return;
        }
    }

    /// <returns>How many records follow each other that say of one page after the other that it is zeros; the first one is such a record.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int CountZeros(ReadOnlySpan<byte> records, ulong header, long mostPages)
    {
        var count = 1;
        var pageSize = 1UL << pageShift;
        for (records = records[ZeroRecord..]; records.Length >= ZeroRecord && count < mostPages; records = records[ZeroRecord..], count++)
        {
            header += pageSize;
            if (BinaryPrimitives.ReadUInt64BigEndian(records) != header || records[8] != 0)
                break;
        }
        return count;
    }

    /// <summary>Receives pages straight into RAM where that is likely to go well, so far as it does.</summary>
    /// <returns>Whether it got anywhere.</returns>
    private bool LoadAhead(StreamCursor input, Block block)
    {
        if (sequence < FewestPages || scatter.MostPages < FewestPages || !input.CanScatter)
            return false;
        var isAhead = false;
        while (true)
        {
            // As many as were right so far: a wrong guess costs no more than the right ones have saved.
            var most = Math.Min(Math.Min(sequence, scatter.MostPages), block.Written!.PageCount - next);
            var count = (int)(block.Written.FindNextBefore(next, next + most) - next);
            if (count < FewestPages)
                return isAhead;
            var loaded = scatter.Load(input, block.Ram, next, count);
            isAhead |= loaded > 0;
            if (loaded > 0)
                Came(block, next, loaded);
            if (loaded < count)
            {
                sequence = 0;
                return isAhead;
            }
        }
    }

    /// <summary>Whole pages have come.</summary>
    private void Came(Block block, long page, int count)
    {
        sequence = page == next ? sequence + count : count;
        next = page + count;
        block.Written!.SetRange(page, count);
        block.Received?.SetRange(page, count);
        normalPages += count;
    }

    private void LoadZeros(Block block, long page, int count)
    {
        // Fresh memory is zeros already: writing them would make it be there.
        var end = page + count;
        for (var dirty = block.Written!.FindNextBefore(page, end); dirty < end; dirty = block.Written.FindNextBefore(dirty + 1, end))
            memory.Fill(block.Ram, dirty << pageShift, memory.PageSize, 0);
        block.Received?.SetRange(page, count);
        zeroPages += count;
        sequence = 0;
    }

    private void LoadPage(StreamCursor input, in RamRecord record)
    {
        Find(record);
        var block = blocks[record.Block!];
        var number = record.PageOffset >> pageShift;
        if (record.Kind == RamRecordKind.Zero)
        {
            LoadZeros(block, number, 1);
            return;
        }
        if (record.Kind == RamRecordKind.Xbzrle)
            memory.Read(block.Ram, record.PageOffset, page);
        RamPage.Read(input, record, page);
        memory.Write(block.Ram, record.PageOffset, page);
        Came(block, number, 1);
        if (record.Kind != RamRecordKind.Page || !record.IsContinued)
            sequence = 0;
    }
}
