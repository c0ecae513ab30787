using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Text;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>
/// Writes the data of a RAM section into the sections that the caller opens: <see cref="WriteSetup"/> in START, records in
/// PART and END, <see cref="WriteEndOfSection"/> at the end of each (qemu-migration.md §5.1–5.3). Names a block only where
/// it changes, as QEMU does, also across sections.
/// </summary>
/// <remarks>For one thread at a time. Wrong arguments are <see cref="ArgumentException"/>s.</remarks>
public sealed class RamSectionWriter
{
    private readonly ISectionWriter output;
    private readonly int pageSize;
    private RamBlockEntry? last;

    /// <param name="output">Where the data goes.</param>
    /// <param name="pageSize">Target page size in bytes, a power of two from 1 KiB to 1 MiB.</param>
    public RamSectionWriter(ISectionWriter output, int pageSize)
    {
        ArgumentNullException.ThrowIfNull(output);
        if (pageSize is < 1024 or > 1 << 20 || !int.IsPow2(pageSize))
            throw new ArgumentOutOfRangeException(nameof(pageSize), pageSize, "A page has a power of two from 1 KiB to 1 MiB.");
        this.output = output;
        this.pageSize = pageSize;
    }

    /// <summary>The next record names its block again.</summary>
    public void ForgetLastBlock() => last = null;

    /// <summary>The data of START: total size, blocks and end mark. Blocks of a mapped-ram file are not written here.</summary>
    /// <param name="blocks">In the order of the block list; sizes are multiples of the page size.</param>
    /// <param name="withFlush">Puts a multifd flush in front of the end mark.</param>
    public void WriteSetup(IReadOnlyList<RamBlockEntry> blocks, bool withFlush = false)
    {
        ArgumentNullException.ThrowIfNull(blocks);
        var total = 0L;
        foreach (var block in blocks)
        {
            WireName.Check(block.Name, nameof(blocks));
            if (block.UsedLength < 0 || block.UsedLength % pageSize != 0 || block.Mapped != null)
                throw new ArgumentException($"Block {block} must be whole pages, in the stream.", nameof(blocks));
            total = checked(total + block.UsedLength);
        }
        WriteUInt64((ulong)total | (ulong)RamFlags.MemSize);
        foreach (var block in blocks)
        {
            WriteName(block.Name);
            WriteUInt64((ulong)block.UsedLength);
            if (block.PageSize is { } size)
                WriteUInt64((ulong)size);
            if (block.GuestAddress is { } address)
                WriteUInt64(address);
        }
        if (withFlush)
            WriteMultifdFlush();
        WriteEndOfSection();
    }

    /// <summary>A page of zeros.</summary>
    public void WriteZeroPage(RamBlockEntry block, long offset) => WriteRecord(RamRecordKind.Zero, block, offset, []);

    /// <summary>A page and its bytes.</summary>
    public void WritePage(RamBlockEntry block, long offset, ReadOnlySpan<byte> page) => WriteRecord(RamRecordKind.Page, block, offset, page);

    /// <summary>A record of any kind that has a block; the payload is as <see cref="RamRecord"/> defines it.</summary>
    public void WriteRecord(RamRecordKind kind, RamBlockEntry block, long offset, ReadOnlySpan<byte> payload)
    {
        ArgumentNullException.ThrowIfNull(block);
        if (offset < 0 || offset >= block.UsedLength || offset % pageSize != 0)
            throw new ArgumentOutOfRangeException(nameof(offset), offset, $"Expected the offset of a page in {block}.");
        var isRightLength = kind switch
        {
            RamRecordKind.Zero => payload.IsEmpty,
            RamRecordKind.Page => payload.Length == pageSize,
            RamRecordKind.Xbzrle => payload.Length <= Math.Min(pageSize, ushort.MaxValue),
            _ => true,
        };
        if (!isRightLength)
            throw new ArgumentException($"{payload.Length} bytes are no payload of {kind}.", nameof(payload));
        var flag = kind switch
        {
            RamRecordKind.Zero => RamFlags.Zero,
            RamRecordKind.Page => RamFlags.Page,
            RamRecordKind.Xbzrle => RamFlags.Xbzrle,
            RamRecordKind.CompressedPage => RamFlags.CompressPage,
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Expected a record that has a block."),
        };

        // By name, so that a block of another reader's list is the same block.
        var isContinued = last?.Name == block.Name;
        WriteUInt64((ulong)offset | (ulong)flag | (isContinued ? (ulong)RamFlags.Continue : 0));
        if (!isContinued)
            WriteName(block.Name);
        last = block;

        Span<byte> length = stackalloc byte[4];
        switch (kind)
        {
            case RamRecordKind.Zero:
                output.Write([0]);
                break;
            case RamRecordKind.Xbzrle:
                length[1] = 1;
                BinaryPrimitives.WriteUInt16BigEndian(length[2..], (ushort)payload.Length);
                output.Write(length[1..]);
                break;
            case RamRecordKind.CompressedPage:
                BinaryPrimitives.WriteUInt32BigEndian(length, (uint)payload.Length);
                output.Write(length);
                break;
        }
        output.Write(payload);
    }

    /// <summary>Says that the multifd channels are flushed here.</summary>
    public void WriteMultifdFlush() => WriteUInt64((ulong)RamFlags.MultifdFlush);

    /// <summary>The mark that ends the data of a PART or END; <see cref="WriteSetup"/> writes its own.</summary>
    public void WriteEndOfSection() => WriteUInt64((ulong)RamFlags.EndOfSection);

    private void WriteName(string name)
    {
        Span<byte> bytes = stackalloc byte[1 + 255];
        bytes[0] = (byte)name.Length;
        Encoding.ASCII.GetBytes(name, bytes[1..]);
        output.Write(bytes[..(1 + name.Length)]);
    }

    private void WriteUInt64(ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        output.Write(bytes);
    }
}
