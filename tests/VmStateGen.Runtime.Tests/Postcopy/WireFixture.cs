using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Text;
using VmStateGen.Runtime.Postcopy;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Tests.Postcopy;

/// <summary>Postcopy's messages, read without the code that writes them.</summary>
internal static class WireFixture
{
    /// <summary>The ranges that a source would have discarded.</summary>
    public static List<(string Block, long Start, long Length)> Discards(UnsentPages unsent)
    {
        var stream = new MemoryStream();
        var writer = QemuStreamWriter.OfElements(stream);
        PostcopyStream.WriteDiscards(writer, unsent);
        writer.Flush();
        var bytes = stream.ToArray();
        var found = new List<(string, long, long)>();
        for (var at = 0; at < bytes.Length;)
        {
            Assert.Equal([8, 0, 6], bytes[at..(at + 3)]);
            var length = BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(at + 3));
            found.AddRange(Ranges(bytes.AsSpan(at + 5, length)));
            at += 5 + length;
        }
        return found;
    }

    /// <summary>The ranges of one command.</summary>
    public static List<(string Block, long Start, long Length)> Ranges(ReadOnlySpan<byte> payload)
    {
        Assert.Equal(0, payload[0]);
        var name = Encoding.ASCII.GetString(payload.Slice(2, payload[1]));
        Assert.Equal(0, payload[2 + name.Length]);
        var found = new List<(string, long, long)>();
        for (var at = 3 + name.Length; at < payload.Length; at += 16)
            found.Add((name, BinaryPrimitives.ReadInt64BigEndian(payload[at..]), BinaryPrimitives.ReadInt64BigEndian(payload[(at + 8)..])));
        return found;
    }

    /// <summary>RECV_BITMAP's bits.</summary>
    /// <param name="received">For each unit.</param>
    /// <param name="each">Pages of a unit.</param>
    public static byte[] Bitmap(bool[] received, int each)
    {
        var pages = received.Length * each;
        var bytes = new byte[(pages + 63) / 64 * 8];
        for (var page = 0; page < pages; page++)
        {
            if (received[page / each])
                bytes[page / 8] |= (byte)(1 << (page % 8));
        }
        return bytes;
    }
}
