using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>
/// Parses the RAM section: the blocks of its START, then the records of each PART and END (qemu-migration.md §5.1–5.4).
/// Keeps the last block across sections, since CONTINUE spans them; use one reader for each channel.
/// </summary>
/// <remarks>For one thread at a time. Page data is passed over, never kept.</remarks>
public sealed class RamSectionReader
{
    /// <summary>A machine has some ten; what comes over a link must not fill this process.</summary>
    private const int MaxBlocks = 1 << 16;

    private readonly RamSectionFormat format;
    private readonly List<RamBlockEntry> blocks = [];
    private readonly Dictionary<string, RamBlockEntry> byName = [];
    private RamBlockEntry? last;
    private bool hasSetup;

    /// <exception cref="ArgumentOutOfRangeException">The page size is no power of two from 1 KiB to 1 MiB.</exception>
    public RamSectionReader(RamSectionFormat format)
    {
        if (format.PageSize is < 1024 or > 1 << 20 || !int.IsPow2(format.PageSize))
            throw new ArgumentOutOfRangeException(nameof(format), format.PageSize, "A page has a power of two from 1 KiB to 1 MiB.");
        this.format = format;
    }

    /// <summary>The blocks in wire order, once START was read.</summary>
    public IReadOnlyList<RamBlockEntry> Blocks => blocks;

    /// <summary>Target page size in bytes.</summary>
    public int PageSize => format.PageSize;

    /// <summary>START ended with a multifd flush (8.1 and newer, with multifd).</summary>
    public bool HasSetupFlush { get; private set; }

    /// <summary>A reader of another channel of the same migration: it knows the blocks and has its own last one.</summary>
    internal RamSectionReader ForAnotherChannel()
    {
        var other = new RamSectionReader(format) { hasSetup = true };
        other.blocks.AddRange(blocks);
        foreach (var block in blocks)
            other.byName.Add(block.Name, block);
        return other;
    }

    /// <summary>The block that a record with CONTINUE goes on with; <see langword="null"/> before the first.</summary>
    internal RamBlockEntry? LastBlock => last;

    /// <summary>Forgets the last block, as the source does after a switch to postcopy or a recovery.</summary>
    public void ForgetLastBlock() => last = null;

    /// <summary>Reads the data of START, up to and with its end mark.</summary>
    public void ReadSetup(StreamCursor cursor)
    {
        ArgumentNullException.ThrowIfNull(cursor);
        if (hasSetup)
            throw Fault.At("setup", "one START", "another", cursor.Position);
        hasSetup = true;
        var start = cursor.Position;
        var header = cursor.ReadUInt64("total size");
        if (FlagsOf(header) != RamFlags.MemSize)
            throw Fault.At("total size", "the flag MEM_SIZE alone", FlagsOf(header).ToString(), start);
        var total = OffsetOf(header);
        if (total > long.MaxValue)
            throw Fault.At("total size", "less than 2^63 bytes", Fault.Hex(total), start);

        var rest = (long)total;
        while (rest > 0)
        {
            var block = ReadBlock(cursor, rest);
            rest -= block.UsedLength;
            if (!byName.TryAdd(block.Name, block))
                throw Fault.At(block.Name, "a block of another name", "the same name again", cursor.Position);
            blocks.Add(block);
            if (blocks.Count > MaxBlocks)
                throw Fault.At("setup", $"at most {MaxBlocks} blocks", "more", cursor.Position);
        }

        var at = cursor.Position;
        var mark = cursor.ReadUInt64("end of setup");
        if (mark == (ulong)RamFlags.MultifdFlush)
        {
            HasSetupFlush = true;
            at = cursor.Position;
            mark = cursor.ReadUInt64("end of setup");
        }
        if (mark != (ulong)RamFlags.EndOfSection)
            throw Fault.At("end of setup", Fault.Hex((ulong)RamFlags.EndOfSection), Fault.Hex(mark), at);
    }

    /// <summary>Reads the next record of a PART or END, its payload passed over.</summary>
    /// <returns><see langword="false"/> at the end mark, which is consumed.</returns>
    /// <remarks>Optimized at once: a file has a million records, read before the runtime would notice that it should.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool ReadRecord(StreamCursor cursor, out RamRecord record)
    {
        ArgumentNullException.ThrowIfNull(cursor);
        record = default;
        var start = cursor.Position;
        var header = cursor.ReadUInt64("record");
        var flags = FlagsOf(header);
        if (header == (ulong)RamFlags.EndOfSection)
            return false;
        if (header == (ulong)RamFlags.MultifdFlush)
        {
            record = new RamRecord(RamRecordKind.MultifdFlush, null, 0, start, cursor.Position, 0, false);
            return true;
        }

        var isContinued = (flags & RamFlags.Continue) != 0;
        var kind = (flags & ~RamFlags.Continue) switch
        {
            RamFlags.Zero => RamRecordKind.Zero,
            RamFlags.Page => RamRecordKind.Page,
            RamFlags.Xbzrle => RamRecordKind.Xbzrle,
            RamFlags.CompressPage => RamRecordKind.CompressedPage,
            _ => throw Unknown(header, start),
        };
        if (format.IsMapped)
            throw Unexpected(kind, start);

        // Nearly all records are plain pages of the block before: what other ones need is not in their way.
        var block = isContinued && last is { } same ? same : FindBlock(cursor, isContinued, start);
        var offset = OffsetOf(header);
        if (offset >= (ulong)block.UsedLength)
            throw OutsideOf(block, offset, start);
        var length = kind == RamRecordKind.Page ? format.PageSize : ReadPayloadLength(cursor, kind);
        var payload = cursor.Position;
        cursor.Skip(length, "page");
        record = new RamRecord(kind, block, (long)offset, start, payload, length, isContinued);
        return true;
    }

    private static VmStateException Unknown(ulong header, long at) =>
        Fault.At("record", "one of ZERO, PAGE, XBZRLE, COMPRESS_PAGE, MULTIFD_FLUSH and EOS", $"header {Fault.Hex(header)}", at);

    private static VmStateException Unexpected(RamRecordKind kind, long at) =>
        Fault.At("record", "no pages in the stream of a mapped-ram file", kind.ToString(), at);

    private static VmStateException OutsideOf(RamBlockEntry block, ulong offset, long at) =>
        Fault.At(block.Name, $"an offset within its {block.UsedLength} bytes", Fault.Hex(offset), at);

    private RamBlockEntry FindBlock(StreamCursor cursor, bool isContinued, long start)
    {
        if (isContinued)
            throw Fault.At("record", "the name of a block in the first record", "CONTINUE", start);
        var at = cursor.Position;
        var name = cursor.ReadName("block name");
        if (!byName.TryGetValue(name, out var block))
            throw Fault.At("block name", "a block of START", $"\"{name}\"", at);
        return last = block;
    }

    private int ReadPayloadLength(StreamCursor cursor, RamRecordKind kind)
    {
        var at = cursor.Position;
        switch (kind)
        {
            case RamRecordKind.Zero:
                if (cursor.ReadByte("zero page") is not 0 and var fill)
                    throw Fault.At("zero page", "the fill byte 0", $"0x{fill:x2}", at);
                return 0;
            case RamRecordKind.Xbzrle:
                if (cursor.ReadByte("xbzrle") is not 1 and var encoding)
                    throw Fault.At("xbzrle", "the encoding 1", $"{encoding}", at);
                var length = cursor.ReadUInt16("xbzrle");
                if (length > format.PageSize)
                    throw Fault.At("xbzrle", $"at most {format.PageSize} bytes, a page", $"{length}", at + 1);
                return length;
            case RamRecordKind.CompressedPage:
                // zlib's own bound for a page, generously: it adds 5 bytes a block of 16 KiB and a few more.
                var max = (uint)(format.PageSize + format.PageSize / 8 + 64);
                var compressed = cursor.ReadUInt32("compressed page");
                if (compressed > max)
                    throw Fault.At("compressed page", $"at most {max} bytes", $"{compressed}", at);
                return (int)compressed;
            default:
                return format.PageSize;
        }
    }

    private RamBlockEntry ReadBlock(StreamCursor cursor, long rest)
    {
        var name = cursor.ReadName("block name");
        try
        {
            var at = cursor.Position;
            var length = cursor.ReadUInt64("used_length");
            if (length > (ulong)rest)
                throw Fault.At("used_length", $"at most {rest}, what is left of the total size", $"{length}", at);
            if (length % (ulong)format.PageSize != 0)
                throw Fault.At("used_length", $"whole pages of {format.PageSize} bytes", $"{length}", at);
            var pageSize = ReadBlockPageSize(cursor);
            ulong? address = format.HasGuestAddresses ? cursor.ReadUInt64("guest address") : null;
            var mapped = format.IsMapped ? ReadMapped(cursor, (long)length) : null;
            return new RamBlockEntry(name, (long)length, pageSize, address, mapped);
        }
        catch (VmStateException e) when (e.Within(name))
        {
            throw;
        }
    }

    /// <summary>
    /// With postcopy a block of large host pages says their size (§5.2), and nothing announces it. But it starts with a zero
    /// byte, which the next block's name cannot, and unlike the marks after the last block it is a page size of the advice.
    /// </summary>
    private long? ReadBlockPageSize(StreamCursor cursor)
    {
        if (format.AdvisedPageSizes == 0 || cursor.TryPeek(8) is not { Length: 8 } next)
            return null;
        var value = BinaryPrimitives.ReadUInt64BigEndian(next);
        if (value < 1024 || value > 1UL << 50 || !ulong.IsPow2(value) || (value & format.AdvisedPageSizes) == 0)
            return null;
        cursor.Skip(8, "page size");
        return (long)value;
    }

    private MappedRamHeader ReadMapped(StreamCursor cursor, long usedLength)
    {
        var start = cursor.Position;
        var version = cursor.ReadUInt32("mapped-ram version");
        if (version != MappedRamHeader.Version)
            throw Fault.At("mapped-ram version", $"{MappedRamHeader.Version}", $"{version}", start);
        var pageSize = cursor.ReadUInt64("mapped-ram page size");
        if (pageSize != (ulong)format.PageSize)
            throw Fault.At("mapped-ram page size", $"{format.PageSize}", $"{pageSize}", start + 4);
        var bitmap = cursor.ReadUInt64("bitmap offset");
        var pages = cursor.ReadUInt64("pages offset");
        // An ignored shared block has no data (11.x), and the next record follows at once.
        if (bitmap == 0 && pages == 0)
            return new MappedRamHeader((long)pageSize, 0, 0);

        var count = ((ulong)usedLength + pageSize - 1) / pageSize;
        var words = (count + 63) / 64;
        var after = (ulong)cursor.Position;
        if (bitmap < after || bitmap > (ulong)cursor.Length)
            throw Fault.At("bitmap offset", $"an offset in the file from {Fault.Hex(after)}", Fault.Hex(bitmap), start + 12);
        if (pages < bitmap + 8 * words || pages > (ulong)cursor.Length)
            throw Fault.At("pages offset", $"an offset in the file from {Fault.Hex(bitmap + 8 * words)}", Fault.Hex(pages), start + 20);
        cursor.Seek((long)bitmap, "bitmap offset");
        var stored = CountBits(cursor, (long)count);
        cursor.Seek((long)pages, "pages offset");
        cursor.Skip(usedLength, "pages");
        return new MappedRamHeader((long)pageSize, (long)bitmap, (long)pages) { StoredPages = stored };
    }

    /// <summary>Passes a bitmap of little-endian words and counts its bits. What is beyond the last page says nothing.</summary>
    private static long CountBits(StreamCursor cursor, long pages)
    {
        var stored = 0L;
        for (var left = pages; left > 0; left -= 64)
        {
            var word = BinaryPrimitives.ReverseEndianness(cursor.ReadUInt64("bitmap"));
            stored += BitOperations.PopCount(left >= 64 ? word : word & (1UL << (int)left) - 1);
        }
        return stored;
    }

    private RamFlags FlagsOf(ulong header) => (RamFlags)(header & (ulong)(format.PageSize - 1));

    private ulong OffsetOf(ulong header) => header & ~(ulong)(format.PageSize - 1);
}
