using System;
using System.Buffers.Binary;
using System.Collections.Generic;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>
/// What libvirt's <c>virsh save</c> puts in front of QEMU's stream: 92 bytes in the host's byte order, then the domain's XML, zero
/// bytes up to the length that the header tells, and the stream.
/// </summary>
/// <param name="Version">1 or newer.</param>
/// <param name="WasRunning">Whether the guest is to run after a restore.</param>
/// <param name="XmlOffset">Offset of the domain's XML in the file.</param>
/// <param name="XmlLength">Bytes of XML, the save cookie and padding.</param>
public sealed record LibvirtSaveHeader(uint Version, bool WasRunning, long XmlOffset, long XmlLength)
{
    private const int MagicSize = 16;
    private const int Size = 92;

    /// <summary>A domain's XML has some ten kilobytes.</summary>
    private const uint MaxXml = 16 * 1024 * 1024;

    /// <summary>Programs that the stream may have gone through, by libvirt's numbers; the last is QEMU's mapped-ram and no program.</summary>
    private static readonly IReadOnlyList<string> Formats = ["raw", "gzip", "bzip2", "xz", "lzop", "zstd", "sparse"];

    /// <summary>Reads a libvirt header and passes what follows it up to the stream; <see langword="null"/>, and the cursor stays, if there is none.</summary>
    /// <exception cref="VmStateException">There is one, of an image that was not finished, is compressed, or is damaged.</exception>
    internal static LibvirtSaveHeader? TryRead(StreamCursor cursor)
    {
        var start = cursor.Position;
        var magic = cursor.TryPeek(MagicSize);
        if (magic.SequenceEqual("LibvirtQemudPart"u8))
            throw Fault.At("libvirt header", "a finished save image", "one whose saving was not finished (LibvirtQemudPart)", start);
        if (!magic.SequenceEqual("LibvirtQemudSave"u8))
            return null;
        var header = cursor.Peek(Size, "libvirt header");
        // In the byte order of the host that wrote it: a version is a small number.
        var isLittle = BinaryPrimitives.ReadUInt32LittleEndian(header[MagicSize..]) <= ushort.MaxValue;
        var version = Number(header, 0, isLittle);
        var xml = Number(header, 1, isLittle);
        var running = Number(header, 2, isLittle);
        var format = Number(header, 3, isLittle);
        if (version is 0 or > ushort.MaxValue)
            throw Fault.At("libvirt header", "a version", $"{version}", start + MagicSize);
        if (xml is 0 or > MaxXml)
            throw Fault.At("libvirt header", $"1 to {MaxXml} bytes of XML", $"{xml}", start + MagicSize + 4);
        if (format >= Formats.Count)
            throw Fault.At("libvirt header", $"a format from 0 to {Formats.Count - 1}", $"{format}", start + MagicSize + 12);
        if (format != 0 && Formats[(int)format] != "sparse")
            throw Fault.At("libvirt header", "a stream that is not compressed", $"one compressed with {Formats[(int)format]}: unpack it from offset {start + Size + xml} on", start + MagicSize + 12);
        cursor.Skip(Size, "libvirt header");
        cursor.Skip(xml, "libvirt XML");
        return new LibvirtSaveHeader(version, running != 0, start + Size, xml);
    }

    private static uint Number(ReadOnlySpan<byte> header, int index, bool isLittle)
    {
        var at = header[(MagicSize + (4 * index))..];
        return isLittle ? BinaryPrimitives.ReadUInt32LittleEndian(at) : BinaryPrimitives.ReadUInt32BigEndian(at);
    }
}

/// <summary>Names what a file is that people take for a stream.</summary>
internal static class ForeignFile
{
    /// <summary>A few words, or <see langword="null"/> for what is nothing known.</summary>
    public static string? Name(StreamCursor cursor)
    {
        var head = cursor.TryPeek(16);
        if (head.StartsWith("QFI\xFB"u8[..3]) && head.Length > 3 && head[3] == 0xFB)
            return "a qcow2 image: its snapshots' streams lie in its clusters; load the snapshot and save it to a file";
        if (head.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B]))
            return "a gzip file: unpack it first";
        if (head.StartsWith((ReadOnlySpan<byte>)[0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0]))
            return "an xz file: unpack it first";
        if (head.StartsWith((ReadOnlySpan<byte>)[0x28, 0xB5, 0x2F, 0xFD]))
            return "a zstd file: unpack it first";
        if (head.StartsWith("BZh"u8))
            return "a bzip2 file: unpack it first";
        if (head.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'L', (byte)'Z', (byte)'O']))
            return "an lzop file: unpack it first";
        if (head.StartsWith((ReadOnlySpan<byte>)[0x7F, (byte)'E', (byte)'L', (byte)'F']))
            return "an ELF file (a dump of the guest's memory?)";
        if (head.StartsWith((ReadOnlySpan<byte>)[0x11, 0x22, 0x33, 0x44]))
            return "a multifd channel: the stream is on the main channel";
        return head.TrimStart(" \t\r\n"u8).StartsWith("{"u8) ? "JSON" : null;
    }
}
