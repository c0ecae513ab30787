using System;
using System.Collections.Generic;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Ram;

/// <summary>The receiving half of <see cref="RamPrecopy"/>: nothing is written to RAM before its place was found to be inside a block that both sides have.</summary>
internal sealed class RamLoader(GuestMemory memory, MigrationFeatures features)
{
    private readonly RamSectionReader reader = new(new RamSectionFormat(memory.PageSize, features.IgnoreShared));
    private readonly Dictionary<RamBlockEntry, Block> blocks = [];
    private readonly byte[] page = new byte[memory.PageSize];
    private long total;
    private long transferred;
    private long zeroPages;
    private long normalPages;

    public RamTraffic Traffic => new(total, 0, transferred, zeroPages, normalPages, 0, 0);

    /// <param name="Ram">The block here.</param>
    /// <param name="Written">Pages that may hold anything but zeros; <see langword="null"/> of a block that is not moved.</param>
    private sealed record Block(RamBlock Ram, DirtyBitmap? Written);

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
            while (reader.ReadRecord(input, out var record))
            {
                if (record.Kind != RamRecordKind.MultifdFlush)
                    LoadPage(input, record);
            }
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
            blocks.Add(entry, new Block(ram, RamPrecopy.IsIgnored(ram, features) ? null : memory.FindTouched(ram)));
        }
    }

    private void Check(RamBlockEntry entry, RamBlock ram, long offset)
    {
        var isFixed = ram.MaxLength == ram.UsedLength || RamPrecopy.IsIgnored(ram, features);
        if (isFixed && entry.UsedLength != ram.UsedLength)
            throw Fault.At(entry.Name, $"0x{ram.UsedLength:x} bytes", $"0x{entry.UsedLength:x}", offset);
        if (entry.UsedLength <= 0 || entry.UsedLength > ram.MaxLength || entry.UsedLength % ram.PageSize != 0)
            throw Fault.At(entry.Name, $"at most 0x{ram.MaxLength:x} bytes in pages of 0x{ram.PageSize:x}", $"0x{entry.UsedLength:x}", offset);
        if (RamPrecopy.IsIgnored(ram, features) && entry.GuestAddress != RamPrecopy.GuestAddress(memory, ram))
            throw Fault.At(entry.Name, $"guest address 0x{RamPrecopy.GuestAddress(memory, ram):x} of a block that is not moved", $"0x{entry.GuestAddress:x}", offset);
    }

    private void LoadPage(StreamCursor input, in RamRecord record)
    {
        var (ram, written) = blocks[record.Block!];
        if (written is null)
            throw Fault.At(ram.Name, "no page of a block that both sides map", record.Kind.ToString(), record.Offset);
        var number = record.PageOffset / memory.PageSize;
        if (record.Kind == RamRecordKind.Zero)
        {
            // Fresh memory is zeros already: writing them would make it be there.
            if (written[number])
                memory.Fill(ram, record.PageOffset, memory.PageSize, 0);
            zeroPages++;
            return;
        }
        if (record.Kind == RamRecordKind.Xbzrle)
            memory.Read(ram, record.PageOffset, page);
        RamPage.Read(input, record, page);
        memory.Write(ram, record.PageOffset, page);
        written.Set(number);
        normalPages++;
    }
}
