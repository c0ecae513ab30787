using System;
using System.Collections.Generic;
using System.IO;
using System.IO.Compression;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Tests.Streams;

/// <summary>Whole streams of a small machine with the same RAM in every form that a QEMU writes.</summary>
internal static class RamFixture
{
    public const int PageSize = 4096;
    public const int Pages = 70;

    public const string Json =
        """
        {"configuration": {"vmsd_name": "configuration", "version": 1, "fields": [{"name": "len", "type": "uint32", "size": 4}, {"name": "name", "type": "buffer", "size": 4}]}, "page_size": 4096, "devices": [{"name": "dev", "instance_id": 0, "vmsd_name": "dev", "version": 1, "fields": [{"name": "a", "type": "uint32", "size": 4}]}]}
        """;

    /// <summary>What is in a page in the end: every third one zeros.</summary>
    public static byte[] Page(int number)
    {
        var page = new byte[PageSize];
        if (number % 3 != 0)
            new Random(number).NextBytes(page.AsSpan(100, 2000));
        return page;
    }

    /// <summary>A stream whose first round sends stale pages, and whose second sends those that differ in the given form.</summary>
    /// <param name="kind">The form of the second round's records.</param>
    /// <param name="trailer">Whether there is a trailer.</param>
    public static byte[] Plain(RamRecordKind kind = RamRecordKind.Page, bool trailer = true)
    {
        var b = new Bytes().Header().Configuration("mach").U8(0x08).Be16(1).Be16(0).U8(0x08).Be16(2).Be16(4).Be32(1);
        b.Section(0x01, 2, "ram", 0, 4).Be64(((Pages + 1) * PageSize) | 4).Name("pc.ram").Be64(Pages * PageSize).Name("rom").Be64(PageSize).Be64(0x10).Footer(2);
        b.U8(0x02).Be32(2);
        for (var i = 0; i < Pages; i++)
            Record(b, RamRecordKind.Page, i, isFirst: i == 0, Stale(i), Stale(i));
        b.Be64(0 | 8).Name("rom").U8(Page(1)).Be64(0x10).Footer(2);
        b.U8(0x02).Be32(2);
        for (var i = 0; i < Pages; i++)
        {
            var page = Page(i);
            var isZero = page.AsSpan().IndexOfAnyExcept((byte)0) < 0;
            Record(b, isZero ? RamRecordKind.Zero : kind, i, isFirst: i == 0, page, Stale(i));
        }
        b.Be64(0x10).Footer(2).U8(0x08).Be16(11).Be16(0).U8(0x03).Be32(2).Be64(0x10).Footer(2);
        b.Section(0x04, 9, "dev", 0, 1).Be32(0x01020304).Footer(9).U8(0);
        return (trailer ? b.Trailer(Json) : b).ToArray();
    }

    /// <summary>The same as a mapped-ram file.</summary>
    public static byte[] Mapped() => Convert(Plain(), RamLayout.MappedRam);

    public static byte[] Convert(byte[] stream, RamLayout layout)
    {
        var output = new MemoryStream();
        QemuStreamConverter.Convert(new MemoryStream(stream), output, layout);
        return output.ToArray();
    }

    /// <summary>Every page of every block, by name and number.</summary>
    public static Dictionary<string, byte[]> Contents(byte[] stream)
    {
        using var image = RamImage.Read(new MemoryStream(stream))!;
        var result = new Dictionary<string, byte[]>();
        foreach (var block in image.Blocks)
        {
            var content = new byte[block.UsedLength];
            for (var page = 0; page < image.PageCount(block); page++)
                image.ReadPage(block, page, content.AsSpan(page * PageSize, PageSize));
            result.Add(block.Name, content);
        }
        return result;
    }

    private static byte[] Stale(int number)
    {
        var page = Page(number);
        page[90] ^= 1;
        page[500] ^= 0xFF;
        page[4095] = 7;
        return page;
    }

    private static void Record(Bytes b, RamRecordKind kind, int number, bool isFirst, byte[] page, byte[] before)
    {
        var flag = kind switch { RamRecordKind.Zero => 2, RamRecordKind.Xbzrle => 0x40, RamRecordKind.CompressedPage => 0x100, _ => 8 };
        b.Be64((ulong)(number * PageSize) | (ulong)flag | (isFirst ? 0u : 0x20u));
        if (isFirst)
            b.Name("pc.ram");
        switch (kind)
        {
            case RamRecordKind.Zero:
                b.U8(0);
                break;
            case RamRecordKind.Xbzrle:
                var encoded = Encode(before, page);
                b.U8(1).Be16((ushort)encoded.Length).U8(encoded);
                break;
            case RamRecordKind.CompressedPage:
                var zlib = new MemoryStream();
                using (var stream = new ZLibStream(zlib, CompressionLevel.Fastest, leaveOpen: true))
                    stream.Write(page);
                b.Be32((uint)zlib.Length).U8(zlib.ToArray());
                break;
            default:
                b.U8(page);
                break;
        }
    }

    /// <summary>Runs of equal bytes and of changed ones, each with its length (qemu-migration.md §5.4).</summary>
    private static byte[] Encode(byte[] before, byte[] after)
    {
        var b = new Bytes();
        for (var i = 0; i < after.Length;)
        {
            var start = i;
            while (i < after.Length && before[i] == after[i])
                i++;
            if (i == after.Length)
                break;
            Length(b, i - start);
            start = i;
            while (i < after.Length && before[i] != after[i])
                i++;
            Length(b, i - start);
            b.U8(after[start..i]);
        }
        return b.ToArray();
    }

    private static void Length(Bytes b, int value)
    {
        if (value < 0x80)
            b.U8((byte)value);
        else
            b.U8((byte)(value & 0x7F | 0x80), (byte)(value >> 7));
    }
}
