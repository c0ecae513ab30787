using System;
using System.Buffers.Binary;
using System.IO;
using System.Text;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>What a destination says to its source (qemu-migration.md §1.7).</summary>
public enum ReturnPathMessageKind : ushort
{
    /// <summary>Never sent.</summary>
    Invalid = 0,

    /// <summary>The last one: 0 if all is well.</summary>
    Shut = 1,
    Pong = 2,
    RequestPagesOfBlock = 3,
    RequestPages = 4,
    ReceivedBitmap = 5,
    ResumeAcknowledged = 6,
    SwitchoverAcknowledged = 7,
}

/// <summary>One message of the return path.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Payload">As on the wire; of a bitmap the name of its block, not the bits that follow.</param>
public readonly record struct ReturnPathMessage(ReturnPathMessageKind Kind, ReadOnlyMemory<byte> Payload)
{
    private const int HeaderSize = 4;

    /// <summary>More than this QEMU refuses.</summary>
    private const int MaxPayload = 512;

    /// <summary>Bits of a block of 2^50 bytes would be more than this.</summary>
    private const ulong MaxBitmap = 1UL << 35;

    /// <summary>SHUT: 0 for success.</summary>
    public static ReturnPathMessage Shut(uint error) => new(ReturnPathMessageKind.Shut, Number(error));

    /// <summary>The answer to a PING.</summary>
    public static ReturnPathMessage Pong(uint value) => new(ReturnPathMessageKind.Pong, Number(value));

    /// <summary>The number in SHUT, PONG and the acknowledgement of a resume; else <see langword="null"/>.</summary>
    public uint? Value => Payload.Length == 4 ? BinaryPrimitives.ReadUInt32BigEndian(Payload.Span) : null;

    /// <summary>As on the wire.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[HeaderSize + Payload.Length];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)Kind);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), (ushort)Payload.Length);
        Payload.Span.CopyTo(bytes.AsSpan(HeaderSize));
        return bytes;
    }

    /// <summary>Reads the next message; of a bitmap its bits are passed over.</summary>
    /// <param name="stream">The return path.</param>
    /// <returns><see langword="null"/> at the end.</returns>
    /// <exception cref="VmStateException">It is cut off or no message.</exception>
    public static ReturnPathMessage? Read(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        Span<byte> header = stackalloc byte[HeaderSize];
        var found = stream.ReadAtLeast(header, header.Length, throwOnEndOfStream: false);
        if (found == 0)
            return null;
        if (found < header.Length)
            throw Cut(header.Length, found);
        var kind = (ReturnPathMessageKind)BinaryPrimitives.ReadUInt16BigEndian(header);
        var length = BinaryPrimitives.ReadUInt16BigEndian(header[2..]);
        if (!IsLength(kind, length))
            throw Fault.At("return path", "a message of a known type and its length", $"type {(ushort)kind} with {length} bytes", -1);
        var payload = new byte[length];
        found = stream.ReadAtLeast(payload, length, throwOnEndOfStream: false);
        if (found < length)
            throw Cut(length, found);
        if (kind == ReturnPathMessageKind.ReceivedBitmap)
            SkipBitmap(stream);
        return new ReturnPathMessage(kind, payload);
    }

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        ReturnPathMessageKind.Shut => $"SHUT {Value}",
        ReturnPathMessageKind.Pong => $"PONG {Value}",
        ReturnPathMessageKind.RequestPagesOfBlock =>
            $"REQ_PAGES {Encoding.ASCII.GetString(Payload.Span[13..])} {Range(Payload.Span)}",
        ReturnPathMessageKind.RequestPages => $"REQ_PAGES {Range(Payload.Span)}",
        ReturnPathMessageKind.ReceivedBitmap => $"RECV_BITMAP {Encoding.ASCII.GetString(Payload.Span[1..])}",
        ReturnPathMessageKind.ResumeAcknowledged => $"RESUME_ACK {Value}",
        ReturnPathMessageKind.SwitchoverAcknowledged => "SWITCHOVER_ACK",
        _ => $"type {(ushort)Kind}",
    };

    private static string Range(ReadOnlySpan<byte> payload) =>
        $"0x{BinaryPrimitives.ReadUInt64BigEndian(payload):x}+0x{BinaryPrimitives.ReadUInt32BigEndian(payload[8..]):x}";

    private static bool IsLength(ReturnPathMessageKind kind, int length) => kind switch
    {
        ReturnPathMessageKind.Shut or ReturnPathMessageKind.Pong or ReturnPathMessageKind.ResumeAcknowledged => length == 4,
        ReturnPathMessageKind.RequestPagesOfBlock => length is >= 13 and <= 13 + 255,
        ReturnPathMessageKind.RequestPages => length == 12,
        ReturnPathMessageKind.ReceivedBitmap => length is >= 1 and <= 1 + 255,
        ReturnPathMessageKind.SwitchoverAcknowledged => length == 0,
        _ => false,
    } && length <= MaxPayload;

    /// <summary>The bits follow outside of the message: their length, they, and a mark (§5.9).</summary>
    private static void SkipBitmap(Stream stream)
    {
        var chunk = new byte[4096];
        stream.ReadExactly(chunk, 0, 8);
        var left = BinaryPrimitives.ReadUInt64BigEndian(chunk);
        if (left > MaxBitmap)
            throw Fault.At("return path", $"a bitmap of at most {MaxBitmap} bytes", $"{left}", -1);
        for (left += 8; left > 0;)
        {
            var count = (int)Math.Min(left, (ulong)chunk.Length);
            stream.ReadExactly(chunk, 0, count);
            left -= (ulong)count;
        }
    }

    private static byte[] Number(uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }

    private static VmStateException Cut(int wanted, int found) =>
        Fault.At("return path", $"{wanted} bytes of a message", $"the end after {found}", -1);
}
