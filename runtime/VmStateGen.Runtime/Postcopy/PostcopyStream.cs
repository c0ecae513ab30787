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

    /// <summary>What a package has between LISTEN and RUN: sections, and the PINGs behind them.</summary>
    /// <param name="package">All of it.</param>
    /// <param name="offset">Of it in the stream, for messages.</param>
    public static (ReadOnlyMemory<byte> Devices, IReadOnlyList<uint> Pings) OpenPackage(ReadOnlyMemory<byte> package, long offset)
    {
        ReadOnlySpan<byte> listen = [QemuWire.Command, 0, (byte)QemuCommandId.PostcopyListen, 0, 0];
        ReadOnlySpan<byte> run = [QemuWire.Command, 0, (byte)QemuCommandId.PostcopyRun, 0, 0];
        ReadOnlySpan<byte> ping = [QemuWire.Command, 0, (byte)QemuCommandId.Ping, 0, 4];
        if (!package.Span.StartsWith(listen))
            throw Fault.At("package", "POSTCOPY_LISTEN first", "something else", offset);
        if (package.Length < listen.Length + run.Length || !package.Span.EndsWith(run))
            throw Fault.At("package", "POSTCOPY_RUN last", "something else", offset);
        var devices = package[listen.Length..^run.Length];
        var pings = new List<uint>();

        // A section's footer ends in five bytes that are no PING: from the end on, what looks like one is one.
        while (devices.Length >= ping.Length + 4 && devices.Span[^(ping.Length + 4)..].StartsWith(ping))
        {
            pings.Insert(0, BinaryPrimitives.ReadUInt32BigEndian(devices.Span[^4..]));
            devices = devices[..^(ping.Length + 4)];
        }
        return (devices, pings);
    }

    /// <summary>The block and the ranges of POSTCOPY_RAM_DISCARD's payload.</summary>
    public static (string Block, IReadOnlyList<(ulong Start, ulong Length)> Ranges) ReadDiscard(ReadOnlySpan<byte> payload, long offset)
    {
        var name = payload.Length > 2 && payload.Length >= 3 + payload[1] ? payload.Slice(2, payload[1]) : default;
        if (payload[0] != 0 || name.IsEmpty || payload[2 + name.Length] != 0 || (payload.Length - 3 - name.Length) % 16 != 0)
            throw Fault.At("command PostcopyRamDiscard", "version 0, the name of a block, 0, and ranges of 16 bytes", $"{payload.Length} bytes that are not", offset);
        var ranges = new List<(ulong, ulong)>();
        for (var rest = payload[(3 + name.Length)..]; !rest.IsEmpty; rest = rest[16..])
            ranges.Add((BinaryPrimitives.ReadUInt64BigEndian(rest), BinaryPrimitives.ReadUInt64BigEndian(rest[8..])));
        return (Encoding.ASCII.GetString(name), ranges);
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
