using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Text;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>Reads what is in the commands of a postcopy source (qemu-migration.md §1.6, §13.2).</summary>
internal static class PostcopyPayload
{
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
}
