using System;
using System.Buffers;
using System.IO;
using System.IO.Compression;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>Makes a page out of a record's payload (qemu-migration.md §5.3, §5.4).</summary>
internal static class RamPage
{
    /// <summary>Reads the page; of a difference, <paramref name="page"/> holds what it is applied to.</summary>
    public static void Read(StreamCursor cursor, in RamRecord record, Span<byte> page)
    {
        switch (record.Kind)
        {
            case RamRecordKind.Zero:
                page.Clear();
                return;
            case RamRecordKind.Page:
                if (page.Length != record.PayloadLength)
                    throw new ArgumentException($"Expected a page of {record.PayloadLength} bytes.", nameof(page));
                cursor.ReadAt(record.PayloadOffset, page, "page");
                return;
            case RamRecordKind.Xbzrle or RamRecordKind.CompressedPage:
                var payload = ArrayPool<byte>.Shared.Rent(record.PayloadLength);
                try
                {
                    cursor.ReadAt(record.PayloadOffset, payload.AsSpan(0, record.PayloadLength), "page");
                    if (record.Kind == RamRecordKind.Xbzrle)
                        Xbzrle.Apply(payload.AsSpan(0, record.PayloadLength), page, record.PayloadOffset);
                    else
                        Inflate(payload, record, page);
                }
                finally
                {
                    ArrayPool<byte>.Shared.Return(payload);
                }
                return;
            default:
                throw new ArgumentException("The record is no page.", nameof(record));
        }
    }

    private static void Inflate(byte[] payload, in RamRecord record, Span<byte> page)
    {
        try
        {
            using var zlib = new ZLibStream(new MemoryStream(payload, 0, record.PayloadLength), CompressionMode.Decompress);
            var read = zlib.ReadAtLeast(page, page.Length, throwOnEndOfStream: false);
            if (read < page.Length)
                throw Fault.At("compressed page", $"a page of {page.Length} bytes", $"{read}", record.PayloadOffset);
            if (zlib.ReadByte() >= 0)
                throw Fault.At("compressed page", $"a page of {page.Length} bytes", "more", record.PayloadOffset);
        }
        catch (InvalidDataException)
        {
            throw Fault.At("compressed page", "a zlib stream", "what is none", record.PayloadOffset);
        }
    }
}

/// <summary>QEMU's difference of two pages (qemu-migration.md §5.4): runs of equal bytes and runs of new ones, each with its length.</summary>
internal static class Xbzrle
{
    /// <summary>Applies a difference to the page it was made against.</summary>
    /// <param name="encoded">The difference.</param>
    /// <param name="page">The old page, and then the new one.</param>
    /// <param name="offset">Offset of <paramref name="encoded"/> in the stream, for messages.</param>
    public static void Apply(ReadOnlySpan<byte> encoded, Span<byte> page, long offset)
    {
        var from = 0;
        var to = 0;
        while (from < encoded.Length)
        {
            var equal = ReadLength(encoded, ref from, offset);
            if (equal == 0 && to != 0)
                throw Fault.At("xbzrle", "a run of equal bytes", "an empty one", offset + from);
            to += equal;
            var changed = ReadLength(encoded, ref from, offset);
            if (changed == 0)
                throw Fault.At("xbzrle", "a run of changed bytes", "an empty one", offset + from);
            if (to + changed > page.Length)
                throw Fault.At("xbzrle", $"at most the {page.Length} bytes of a page", $"{to + changed}", offset + from);
            if (changed > encoded.Length - from)
                throw Fault.At("xbzrle", $"{changed} changed bytes", $"the end of the record after {encoded.Length - from}", offset + from);
            encoded.Slice(from, changed).CopyTo(page[to..]);
            from += changed;
            to += changed;
        }
    }

    /// <summary>7 bits, and with the top bit 7 more in a second byte.</summary>
    private static int ReadLength(ReadOnlySpan<byte> encoded, ref int at, long offset)
    {
        if (at >= encoded.Length)
            throw Fault.At("xbzrle", "the length of a run", "the end of the record", offset + at);
        int value = encoded[at++];
        if (value < 0x80)
            return value;
        if (at >= encoded.Length || encoded[at] >= 0x80)
            throw Fault.At("xbzrle", "a length of at most two bytes", at >= encoded.Length ? "the end of the record" : "a third", offset + at);
        return (value & 0x7F) | (encoded[at++] << 7);
    }
}
