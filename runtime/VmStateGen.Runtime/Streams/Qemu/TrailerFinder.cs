using System;
using System.Buffers.Binary;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>Finds the trailer from the end of a file, before anything else of it is understood.</summary>
internal static class TrailerFinder
{
    /// <summary>VMDESCRIPTION and the length.</summary>
    public const int HeaderSize = 5;

    private const int ChunkSize = 64 * 1024;

    /// <summary>More than any machine's trailer by far (a hundred times that of a machine with 1024 queues a device).</summary>
    private const int MaxJson = 256 * 1024 * 1024;

    /// <summary>
    /// Offset of the VMDESCRIPTION byte, or -1 if the file has no trailer. JSON text holds no control bytes but blanks, and
    /// the type byte 06 is one: so the header starts at most four bytes before the last control byte of the file, and the
    /// search ends there, however long the trailer or the file may be.
    /// </summary>
    public static long Find(StreamCursor cursor)
    {
        var start = cursor.Position;
        var control = LastControlByte(cursor, start);
        for (var at = control; at >= Math.Max(start + 1, control - HeaderSize + 1); at--)
        {
            if (IsTrailer(cursor, at))
                return at;
        }
        return -1;
    }

    /// <summary>The same in bytes that may or may not be the last of a stream.</summary>
    /// <returns>Index of the VMDESCRIPTION byte, or -1 if they do not end with a trailer.</returns>
    public static int Find(ReadOnlySpan<byte> bytes)
    {
        var control = bytes.Length - 1;
        while (control >= 0 && !IsControl(bytes[control]))
            control--;
        for (var at = control; at >= Math.Max(1, control - HeaderSize + 1); at--)
        {
            if (at + HeaderSize < bytes.Length && IsHeader(bytes.Slice(at - 1, 1 + HeaderSize + 1), bytes.Length - at - HeaderSize))
                return at;
        }
        return -1;
    }

    /// <summary>The JSON of a trailer that <see cref="Find(StreamCursor)"/> has found.</summary>
    public static byte[] ReadJson(StreamCursor cursor, long at)
    {
        var length = cursor.Length - at - HeaderSize;
        if (length > MaxJson)
            throw Fault.At("vmdescription", $"at most {MaxJson} bytes", $"{length}", at + 1);
        var json = new byte[length];
        cursor.ReadAt(at + HeaderSize, json, "vmdescription");
        return json;
    }

    private static bool IsTrailer(StreamCursor cursor, long at)
    {
        // The byte before is EOF: a trailer never comes elsewhere.
        Span<byte> header = stackalloc byte[1 + HeaderSize + 1];
        if (at < 1 || at - 1 + header.Length > cursor.Length)
            return false;
        cursor.ReadAt(at - 1, header, "vmdescription");
        return IsHeader(header, cursor.Length - at - HeaderSize);
    }

    /// <param name="header">EOF, VMDESCRIPTION, a length, and the first byte of the JSON.</param>
    /// <param name="length">Bytes from there to the end.</param>
    private static bool IsHeader(ReadOnlySpan<byte> header, long length) =>
        header[0] == QemuWire.Eof
        && header[1] == QemuWire.VmDescription
        && BinaryPrimitives.ReadUInt32BigEndian(header[2..]) == length
        && header[^1] == (byte)'{';

    private static bool IsControl(byte value) => value < 0x20 && value is not ((byte)'\t' or (byte)'\n' or (byte)'\r');

    private static long LastControlByte(StreamCursor cursor, long start)
    {
        var chunk = new byte[ChunkSize];
        var end = cursor.Length;
        // Past this, what is there is no trailer that would be read.
        var lowest = Math.Max(start, end - MaxJson - HeaderSize);
        while (end > lowest)
        {
            var count = (int)Math.Min(ChunkSize, end - lowest);
            var bytes = chunk.AsSpan(0, count);
            cursor.ReadAt(end - count, bytes, "vmdescription");
            for (var i = count - 1; i >= 0; i--)
            {
                if (IsControl(bytes[i]))
                    return end - count + i;
            }
            end -= count;
        }
        return -1;
    }
}
