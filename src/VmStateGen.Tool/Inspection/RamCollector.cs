using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using System.Numerics;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Tool.Inspection;

/// <summary>Counts and sums up pages while a stream is read.</summary>
internal sealed class RamCollector
{
    private readonly QemuStreamReader reader;
    private readonly RamStatistics statistics;
    private readonly bool hasContents;
    private readonly Dictionary<RamBlockEntry, ulong> contents = new(ReferenceEqualityComparer.Instance);
    private readonly byte[] page;

    /// <param name="reader">A reader that has read RAM's START.</param>
    /// <param name="hasContents">Reads the pages too.</param>
    /// <param name="keepsImage">Notes where every page is.</param>
    public RamCollector(QemuStreamReader reader, bool hasContents, bool keepsImage)
    {
        this.reader = reader;
        this.hasContents = hasContents;
        Image = keepsImage ? new RamImage(reader) : null;
        statistics = Image?.Statistics ?? new RamStatistics(reader.Ram!);
        page = new byte[reader.Ram!.PageSize];
        foreach (RamBlockEntry block in reader.Ram.Blocks)
            contents.Add(block, 0);
    }

    /// <summary>Where every page is, if it was asked for.</summary>
    public RamImage? Image { get; }

    /// <summary>The counts as they are now.</summary>
    public RamReport Report => new(
        page.Length, statistics.Blocks, statistics.Records, statistics.PayloadBytes,
        hasContents ? reader.Ram!.Blocks.Select(block => contents[block]).ToList() : null);

    /// <summary>Counts the current PART or END.</summary>
    public void ReadRecords(IProgress<long>? progress)
    {
        while (reader.ReadRamRecord(out RamRecord record))
        {
            // The image counts too.
            if (Image != null)
                Image.Add(record);
            else
                statistics.Add(record);
            if (hasContents && record.Block != null && record.Kind != RamRecordKind.Zero)
            {
                // A difference is summed up by what it writes.
                if (record.Kind == RamRecordKind.Xbzrle)
                    Array.Clear(page);
                reader.ReadPage(record, page);
                contents[record.Block] += Sum(record.PageOffset);
            }
            progress?.Report(record.Offset);
        }
    }

    /// <summary>Reads the pages of a mapped-ram file, which are not in the stream.</summary>
    public void ReadMapped(IProgress<long>? progress)
    {
        if (!hasContents || !reader.CanSeek || !reader.Ram!.Blocks.Any(block => block.Mapped is { PagesOffset: > 0 }))
            return;
        using var image = new RamImage(reader);
        foreach (RamBlockEntry block in reader.Ram.Blocks.Where(block => block.Mapped is { PagesOffset: > 0 }))
        {
            long pages = image.PageCount(block);
            for (long i = 0; i < pages; i++)
            {
                if (image.ReadPage(block, i, page) == RamPageState.Normal)
                    contents[block] += Sum(i * page.Length);
                progress?.Report(block.Mapped!.PagesOffset + i * page.Length);
            }
        }
    }

    /// <summary>Sums of pages add up in any order, as long as each knows its place.</summary>
    private ulong Sum(long offset)
    {
        uint low = BitOperations.Crc32C(0, (ulong)offset);
        uint high = ~low;
        for (int i = 0; i < page.Length; i += 8)
        {
            ulong word = BinaryPrimitives.ReadUInt64LittleEndian(page.AsSpan(i));
            low = BitOperations.Crc32C(low, word);
            high = BitOperations.Crc32C(high, BitOperations.RotateLeft(word, 17));
        }
        // A checksum is linear: without this the sum over a whole block would tell little.
        ulong sum = ((ulong)high << 32 | low) * 0x9E37_79B9_7F4A_7C15;
        sum = (sum ^ sum >> 32) * 0xD6E8_FEB8_6659_FD93;
        return sum ^ sum >> 32;
    }
}
