using System;
using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using System.Numerics;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Tool.Inspection;

/// <summary>Counts pages while a stream is read. Memory: two bits for each page that the stream has.</summary>
internal sealed class RamCollector
{
    private const int BitmapChunk = 64 * 1024;

    private readonly QemuStreamReader reader;
    private readonly bool hasChecksums;
    private readonly Dictionary<RamBlockEntry, (RamBlockReport Report, PageMap Map)> blocks = new(ReferenceEqualityComparer.Instance);
    private readonly byte[] payload;
    private RamBlockEntry? lastBlock;
    private (RamBlockReport Report, PageMap Map) last;

    public RamCollector(QemuStreamReader reader, bool hasChecksums)
    {
        this.reader = reader;
        this.hasChecksums = hasChecksums;
        PageSize = reader.Ram!.PageSize;
        payload = new byte[2 * PageSize + 64];
        foreach (RamBlockEntry block in reader.Ram.Blocks)
            blocks.Add(block, (new RamBlockReport(block, PageSize) { Checksum = hasChecksums ? 0 : null }, new PageMap()));
        Report = new RamReport(PageSize, reader.Ram.Blocks.Select(block => blocks[block].Report).ToList());
    }

    public RamReport Report { get; }

    private int PageSize { get; }

    /// <summary>Counts the current PART or END.</summary>
    public void ReadRecords(IProgress<long>? progress)
    {
        while (reader.ReadRamRecord(out RamRecord record))
        {
            if (record.Block != null)
                Add(record);
            progress?.Report(record.Offset);
        }
    }

    /// <summary>Reads the bitmaps of a mapped-ram file, which are written when the stream is.</summary>
    public void ReadBitmaps(List<StreamProblem> problems)
    {
        foreach ((RamBlockReport report, _) in blocks.Values)
        {
            if (report.Block.Mapped is { } mapped && mapped.BitmapOffset != 0)
                ReadBitmap(report, mapped, problems);
        }
    }

    private void Add(in RamRecord record)
    {
        if (!ReferenceEquals(record.Block, lastBlock))
        {
            lastBlock = record.Block;
            last = blocks[record.Block!];
        }
        (RamBlockReport report, PageMap map) = last;
        PageState state = record.Kind == RamRecordKind.Zero ? PageState.Zero : PageState.Normal;
        PageState before = map.Set(record.PageOffset / PageSize, state);
        if (before != state)
        {
            report.Normal += Change(before, state, PageState.Normal);
            report.Zero += Change(before, state, PageState.Zero);
        }
        report.Records++;
        report.Bytes += record.PayloadLength;
        if (record.Kind == RamRecordKind.Xbzrle)
            report.Differences++;
        if (record.Kind == RamRecordKind.CompressedPage)
            report.Compressed++;
        if (hasChecksums)
        {
            Span<byte> data = payload.AsSpan(0, record.PayloadLength);
            reader.ReadAt(record.PayloadOffset, data);
            report.Checksum += Sum(record.PageOffset, data);
        }
    }

    private static int Change(PageState before, PageState after, PageState which) => (after == which ? 1 : 0) - (before == which ? 1 : 0);

    /// <summary>Sums of pages add up in any order, as long as each knows its place.</summary>
    private static ulong Sum(long offset, ReadOnlySpan<byte> data)
    {
        uint low = BitOperations.Crc32C(0, (ulong)offset);
        uint high = ~low;
        while (data.Length >= 8)
        {
            ulong word = BinaryPrimitives.ReadUInt64LittleEndian(data);
            low = BitOperations.Crc32C(low, word);
            high = BitOperations.Crc32C(high, BitOperations.RotateLeft(word, 17));
            data = data[8..];
        }
        foreach (byte b in data)
            low = BitOperations.Crc32C(low, b);
        return ((ulong)high << 32 | low) | 1;
    }

    private void ReadBitmap(RamBlockReport report, MappedRamHeader mapped, List<StreamProblem> problems)
    {
        long words = (report.Pages + 63) / 64;
        byte[] chunk = ArrayPool<byte>.Shared.Rent(BitmapChunk);
        byte[] page = hasChecksums ? new byte[PageSize] : [];
        long set = 0;
        for (long word = 0; word < words;)
        {
            int count = (int)Math.Min(BitmapChunk / 8, words - word);
            reader.ReadAt(mapped.BitmapOffset + 8 * word, chunk.AsSpan(0, 8 * count));
            for (int i = 0; i < count; i++, word++)
            {
                ulong bits = BinaryPrimitives.ReadUInt64LittleEndian(chunk.AsSpan(8 * i));
                set += BitOperations.PopCount(bits);
                int valid = (int)Math.Min(64, report.Pages - 64 * word);
                if (valid < 64 && bits >> valid != 0)
                {
                    long at = mapped.BitmapOffset + 8 * word;
                    problems.Add(new StreamProblem(
                        $"ram › {report.Block.Name} › bitmap: expected no page beyond the block's {report.Pages}, found one at offset 0x{at:x}", at, "ram", report.Block.Name));
                    set -= BitOperations.PopCount(bits >> valid);
                }
                for (ulong rest = hasChecksums ? bits & (ulong.MaxValue >> (64 - valid)) : 0; rest != 0; rest &= rest - 1)
                {
                    long offset = (64 * word + BitOperations.TrailingZeroCount(rest)) * PageSize;
                    reader.ReadAt(mapped.PagesOffset + offset, page);
                    report.Checksum += Sum(offset, page);
                }
            }
        }
        ArrayPool<byte>.Shared.Return(chunk);
        report.Normal = set;
        report.Zero = report.Pages - set;
        report.Records = set;
        report.Bytes = set * PageSize;
    }
}
