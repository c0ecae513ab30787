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

/// <summary>Pages that a destination waits for.</summary>
/// <param name="Block">Their block; <see langword="null"/> for that of the request before.</param>
/// <param name="Start">Bytes from the start of the block.</param>
/// <param name="Length">Bytes.</param>
public readonly record struct PageRequest(string? Block, ulong Start, uint Length);

/// <summary>One message of the return path.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Payload">As on the wire; of a received bitmap the name of its block, without the bits.</param>
/// <param name="Bitmap">Of a received bitmap its bits: page i is bit i % 8 of byte i / 8 (§13.7). Else empty.</param>
public readonly record struct ReturnPathMessage(ReturnPathMessageKind Kind, ReadOnlyMemory<byte> Payload, ReadOnlyMemory<byte> Bitmap = default)
{
    /// <summary>Most bytes of a received bitmap, unless its reader says otherwise: the pages of 2 TiB.</summary>
    public const int DefaultMaxBitmap = 64 << 20;

    /// <summary>Most bytes of a request for pages.</summary>
    internal const int LongestRequest = HeaderSize + RangeSize + 1 + byte.MaxValue;

    private const int HeaderSize = 4;

    /// <summary>More than this QEMU refuses.</summary>
    private const int MaxPayload = 512;

    private const int RangeSize = 8 + 4;

    /// <summary>What follows the bits of a bitmap (§5.9).</summary>
    private const ulong BitmapEnd = 0x0123_4567_89AB_CDEF;

    /// <summary>The number in SHUT, PONG and the acknowledgement of a resume; else <see langword="null"/>.</summary>
    public uint? Value => IsNumber(Kind) ? BinaryPrimitives.ReadUInt32BigEndian(Payload.Span) : null;

    /// <summary>What a request for pages asks for; of another message <see langword="null"/>.</summary>
    public PageRequest? Pages => Kind is ReturnPathMessageKind.RequestPages or ReturnPathMessageKind.RequestPagesOfBlock
        ? new PageRequest(Block, BinaryPrimitives.ReadUInt64BigEndian(Payload.Span), BinaryPrimitives.ReadUInt32BigEndian(Payload.Span[8..]))
        : null;

    /// <summary>The block that a request or a bitmap names; else <see langword="null"/>.</summary>
    public string? Block => NameAt(Kind) is { } at ? Encoding.ASCII.GetString(Payload.Span[(at + 1)..]) : null;

    /// <summary>SHUT: 0 for success.</summary>
    public static ReturnPathMessage Shut(uint error) => new(ReturnPathMessageKind.Shut, Number(error));

    /// <summary>The answer to a PING.</summary>
    public static ReturnPathMessage Pong(uint value) => new(ReturnPathMessageKind.Pong, Number(value));

    /// <summary>Asks for pages.</summary>
    /// <exception cref="ArgumentException">The name is none of 1 to 255 ASCII characters.</exception>
    public static ReturnPathMessage Request(PageRequest pages)
    {
        var name = pages.Block is { } block ? Name(block) : [];
        var payload = new byte[RangeSize + name.Length];
        BinaryPrimitives.WriteUInt64BigEndian(payload, pages.Start);
        BinaryPrimitives.WriteUInt32BigEndian(payload.AsSpan(8), pages.Length);
        name.CopyTo(payload, RangeSize);
        return new(name.Length > 0 ? ReturnPathMessageKind.RequestPagesOfBlock : ReturnPathMessageKind.RequestPages, payload);
    }

    /// <summary>Says which pages of a block are there.</summary>
    /// <param name="block">Its name.</param>
    /// <param name="bitmap">Its bits; a multiple of 8 bytes.</param>
    /// <exception cref="ArgumentException">The name is none of 1 to 255 ASCII characters, or the bitmap is not of whole words.</exception>
    public static ReturnPathMessage Received(string block, ReadOnlyMemory<byte> bitmap)
    {
        if (bitmap.Length % 8 != 0)
            throw new ArgumentException($"Expected whole words of 8 bytes, not {bitmap.Length} bytes.", nameof(bitmap));
        return new(ReturnPathMessageKind.ReceivedBitmap, Name(block), bitmap);
    }

    /// <summary>The destination goes on after a break.</summary>
    public static ReturnPathMessage ResumeAcknowledged() => new(ReturnPathMessageKind.ResumeAcknowledged, Number(1));

    /// <summary>The destination's devices are ready for the switchover.</summary>
    public static ReturnPathMessage SwitchoverAcknowledged() => new(ReturnPathMessageKind.SwitchoverAcknowledged, default);

    /// <summary>As <see cref="Request"/> and <see cref="ToBytes"/>, without an allocation: faults wait for it.</summary>
    /// <param name="destination">At least <see cref="LongestRequest"/> bytes.</param>
    /// <param name="pages">The name is a block's, which was checked when that was made.</param>
    /// <returns>Bytes written.</returns>
    internal static int WriteRequest(Span<byte> destination, in PageRequest pages)
    {
        var length = RangeSize;
        if (pages.Block is { } block)
        {
            destination[HeaderSize + RangeSize] = (byte)block.Length;
            length += 1 + Encoding.ASCII.GetBytes(block, destination[(HeaderSize + RangeSize + 1)..]);
        }
        var kind = pages.Block is null ? ReturnPathMessageKind.RequestPages : ReturnPathMessageKind.RequestPagesOfBlock;
        BinaryPrimitives.WriteUInt16BigEndian(destination, (ushort)kind);
        BinaryPrimitives.WriteUInt16BigEndian(destination[2..], (ushort)length);
        BinaryPrimitives.WriteUInt64BigEndian(destination[HeaderSize..], pages.Start);
        BinaryPrimitives.WriteUInt32BigEndian(destination[(HeaderSize + 8)..], pages.Length);
        return HeaderSize + length;
    }

    /// <summary>As on the wire; a bitmap's bits follow its message, with their length before and a mark behind them.</summary>
    public byte[] ToBytes()
    {
        var hasBitmap = Kind == ReturnPathMessageKind.ReceivedBitmap;
        var bytes = new byte[HeaderSize + Payload.Length + (hasBitmap ? 8 + Bitmap.Length + 8 : 0)];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)Kind);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), (ushort)Payload.Length);
        Payload.Span.CopyTo(bytes.AsSpan(HeaderSize));
        if (hasBitmap)
        {
            var blob = bytes.AsSpan(HeaderSize + Payload.Length);
            BinaryPrimitives.WriteUInt64BigEndian(blob, (ulong)Bitmap.Length);
            Bitmap.Span.CopyTo(blob[8..]);
            BinaryPrimitives.WriteUInt64BigEndian(blob[^8..], BitmapEnd);
        }
        return bytes;
    }

    /// <summary>Reads the next message.</summary>
    /// <param name="stream">The return path.</param>
    /// <param name="maxBitmap">Most bytes of a bitmap. No more than has come is allocated.</param>
    /// <returns><see langword="null"/> at the end.</returns>
    /// <exception cref="VmStateException">It is cut off or no message.</exception>
    public static ReturnPathMessage? Read(Stream stream, int maxBitmap = DefaultMaxBitmap)
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
        Fill(stream, payload);
        CheckName(kind, payload);
        return new ReturnPathMessage(kind, payload, kind == ReturnPathMessageKind.ReceivedBitmap ? ReadBitmap(stream, maxBitmap) : default);
    }

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        ReturnPathMessageKind.Shut => $"SHUT {Value}",
        ReturnPathMessageKind.Pong => $"PONG {Value}",
        ReturnPathMessageKind.RequestPagesOfBlock => $"REQ_PAGES {Block} 0x{Pages!.Value.Start:x}+0x{Pages.Value.Length:x}",
        ReturnPathMessageKind.RequestPages => $"REQ_PAGES 0x{Pages!.Value.Start:x}+0x{Pages.Value.Length:x}",
        ReturnPathMessageKind.ReceivedBitmap => $"RECV_BITMAP {Block}",
        ReturnPathMessageKind.ResumeAcknowledged => $"RESUME_ACK {Value}",
        ReturnPathMessageKind.SwitchoverAcknowledged => "SWITCHOVER_ACK",
        _ => $"type {(ushort)Kind}",
    };

    private static bool IsNumber(ReturnPathMessageKind kind) =>
        kind is ReturnPathMessageKind.Shut or ReturnPathMessageKind.Pong or ReturnPathMessageKind.ResumeAcknowledged;

    /// <summary>Where in the payload the length of a name is, with the name behind it up to the end.</summary>
    private static int? NameAt(ReturnPathMessageKind kind) => kind switch
    {
        ReturnPathMessageKind.RequestPagesOfBlock => RangeSize,
        ReturnPathMessageKind.ReceivedBitmap => 0,
        _ => null,
    };

    private static bool IsLength(ReturnPathMessageKind kind, int length) => kind switch
    {
        ReturnPathMessageKind.RequestPages => length == RangeSize,
        ReturnPathMessageKind.SwitchoverAcknowledged => length == 0,
        _ when IsNumber(kind) => length == 4,
        _ when NameAt(kind) is { } at => length > at + 1 && length <= Math.Min(at + 1 + byte.MaxValue, MaxPayload),
        _ => false,
    };

    private static void CheckName(ReturnPathMessageKind kind, ReadOnlySpan<byte> payload)
    {
        if (NameAt(kind) is not { } at)
            return;
        var name = payload[(at + 1)..];
        if (payload[at] != name.Length || name.ContainsAnyExceptInRange((byte)0x20, (byte)0x7E))
            throw Fault.At("return path", $"the name of a block in the {name.Length} bytes that {kind} has for it", $"a length of {payload[at]}, or bytes that are no text", -1);
    }

    /// <summary>The bits follow outside of the message: their length, they, and a mark (§5.9).</summary>
    private static byte[] ReadBitmap(Stream stream, int maxBitmap)
    {
        const int FirstPiece = 64 << 10;
        Span<byte> number = stackalloc byte[8];
        Fill(stream, number);
        var length = BinaryPrimitives.ReadUInt64BigEndian(number);
        if (length > (ulong)maxBitmap || length % 8 != 0)
            throw Fault.At("return path", $"a bitmap of whole words of 8 bytes and at most {maxBitmap} bytes", $"{length} bytes", -1);

        // What a peer only says that it will send is not worth the memory.
        var bits = new byte[Math.Min((int)length, FirstPiece)];
        Fill(stream, bits);
        while (bits.Length < (int)length)
        {
            var done = bits.Length;
            Array.Resize(ref bits, (int)Math.Min((long)length, 2L * done));
            Fill(stream, bits.AsSpan(done));
        }
        Fill(stream, number);
        var end = BinaryPrimitives.ReadUInt64BigEndian(number);
        return end == BitmapEnd ? bits : throw Fault.At("return path", $"{Fault.Hex(BitmapEnd)} after the bitmap", Fault.Hex(end), -1);
    }

    private static void Fill(Stream stream, Span<byte> bytes)
    {
        var found = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        if (found < bytes.Length)
            throw Cut(bytes.Length, found);
    }

    private static byte[] Number(uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }

    private static byte[] Name(string block)
    {
        if (block.Length is 0 or > byte.MaxValue || block.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            throw new ArgumentException($"Expected a name of 1 to 255 ASCII characters, not \"{block}\".", nameof(block));
        return [(byte)block.Length, .. Encoding.ASCII.GetBytes(block)];
    }

    private static VmStateException Cut(int wanted, int found) =>
        Fault.At("return path", $"{wanted} bytes of a message", $"the end after {found}", -1);
}
