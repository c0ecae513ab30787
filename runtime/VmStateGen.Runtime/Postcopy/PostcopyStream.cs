using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Text;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Postcopy;

/// <summary>The elements that only a postcopy source writes (qemu-migration.md §1.6, §13.2).</summary>
internal static class PostcopyStream
{
    // QEMU sends 12 and takes what a command holds; a command has 64 KiB.
    private const int RangesOfCommand = 1024;

    /// <summary>Page sizes, which the destination compares with its own: all blocks' or-ed together, and the guest's.</summary>
    public static void WriteAdvise(QemuStreamWriter output, UnsentPages unsent)
    {
        var sizes = 0UL;
        foreach (var block in unsent.Blocks)
            sizes |= (uint)block.UnitSize;
        Span<byte> payload = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(payload, sizes);
        BinaryPrimitives.WriteUInt64BigEndian(payload[8..], (uint)unsent.PageSize);
        output.WriteCommand(QemuCommandId.PostcopyAdvise, payload);
    }

    /// <summary>The START of RAM, with the size of pages that are not the guest's.</summary>
    public static void WriteRamStart(QemuStreamWriter output, PostcopySection section, UnsentPages unsent)
    {
        var entries = new List<RamBlockEntry>();
        foreach (var block in unsent.Blocks)
            entries.Add(new RamBlockEntry(block.Name, block.Length, block.UnitSize == unsent.PageSize ? null : block.UnitSize));
        output.BeginSection(new SectionHeader(SectionKind.Start, section.Id, QemuWire.RamName, 0, QemuWire.RamVersion));
        new RamSectionWriter(output, unsent.PageSize).WriteSetup(entries);
        output.EndSection();
    }

    /// <summary>
    /// What is missing is to be discarded. There is at least one range, be it an empty one: a destination that was told of none hangs (§13.2).
    /// </summary>
    public static void WriteDiscards(QemuStreamWriter output, UnsentPages unsent)
    {
        var any = false;
        for (var i = 0; i < unsent.Blocks.Count; i++)
        {
            var payload = StartDiscard(unsent.Blocks[i].Name);
            var ranges = 0;
            foreach (var (start, length) in unsent.MissingRanges(i))
            {
                AddRange(payload, start, length);
                if (++ranges < RangesOfCommand)
                    continue;
                output.WriteCommand(QemuCommandId.PostcopyRamDiscard, payload.ToArray());
                (payload, ranges, any) = (StartDiscard(unsent.Blocks[i].Name), 0, true);
            }
            if (ranges == 0)
                continue;
            output.WriteCommand(QemuCommandId.PostcopyRamDiscard, payload.ToArray());
            any = true;
        }
        if (any)
            return;
        var empty = StartDiscard(unsent.Blocks[0].Name);
        AddRange(empty, 0, 0);
        output.WriteCommand(QemuCommandId.PostcopyRamDiscard, empty.ToArray());
    }

    /// <summary>The package: listening begins before the devices are loaded, for they touch RAM; the guest runs at its end.</summary>
    /// <param name="devices">Sections, as on the wire.</param>
    /// <param name="hasFooters">Whether they have footers.</param>
    public static byte[] MakePackage(ReadOnlySpan<byte> devices, bool hasFooters)
    {
        var package = new MemoryStream();
        WriteCommand(package, QemuCommandId.PostcopyListen);
        package.Write(devices);
        var writer = QemuStreamWriter.OfElements(package, hasFooters);
        WritePing(writer, PostcopySender.LoadedPing);
        writer.WriteCommand(QemuCommandId.PostcopyRun);
        writer.Flush();
        return package.ToArray();
    }

    public static void WritePing(QemuStreamWriter output, uint value)
    {
        Span<byte> payload = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(payload, value);
        output.WriteCommand(QemuCommandId.Ping, payload);
    }

    private static void WriteCommand(Stream output, QemuCommandId id)
    {
        var writer = QemuStreamWriter.OfElements(output);
        writer.WriteCommand(id);
        writer.Flush();
    }

    private static MemoryStream StartDiscard(string block)
    {
        var payload = new MemoryStream();
        payload.Write([0, (byte)block.Length]);
        payload.Write(Encoding.ASCII.GetBytes(block));
        payload.WriteByte(0);
        return payload;
    }

    private static void AddRange(MemoryStream payload, long start, long length)
    {
        Span<byte> range = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(range, start);
        BinaryPrimitives.WriteInt64BigEndian(range[8..], length);
        payload.Write(range);
    }
}
