using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using VmStateGen.Runtime.Ram;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Postcopy;

/// <summary>
/// What is learnt by reading a plain stream once: where the newest copy of each page is, and the sections that are not RAM. It is kept in a
/// file of its own; pages that the stream has only compressed or as differences are in there, too.
/// </summary>
/// <remarks>The file is for the machine that wrote it: its byte order, no other version. One that is not understood is made again.</remarks>
internal sealed class SnapshotIndex
{
    private const ulong Magic = 0x3158_4449_5453_4D56; // "VMSTIDX1"
    private const int HeaderSize = 8 + 8 + 8 + 4 + 4 + 8 + 8;

    // A place is an offset and two bits; nothing at all is 0.
    private const int Zero = 1;
    private const int InStream = 2;
    private const int InIndex = 3;

    private SnapshotIndex(SnapshotSections sections, IReadOnlyList<(string Name, long Length)> blocks, int pageSize, long[][] places, long pagesOffset)
        => (Sections, Blocks, PageSize, Places, PagesOffset) = (sections, blocks, pageSize, places, pagesOffset);

    public SnapshotSections Sections { get; }

    public IReadOnlyList<(string Name, long Length)> Blocks { get; }

    public int PageSize { get; }

    public long[][] Places { get; }

    /// <summary>Where in the index file its pages are.</summary>
    public long PagesOffset { get; }

    /// <summary>Which pages of a block are not zeros.</summary>
    public DirtyBitmap ContentsOf(int block)
    {
        var places = Places[block];
        var contents = new DirtyBitmap(places.Length, PageSize);
        for (var page = 0; page < places.Length; page++)
        {
            if ((places[page] & 3) >= InStream)
                contents.Set(page);
        }
        return contents;
    }

    /// <summary>Where a page is.</summary>
    /// <returns>An offset, in the stream's file or in the index file; −1 for zeros.</returns>
    public long PlaceOf(int block, long page, out bool isInIndex)
    {
        var place = Places[block][page];
        isInIndex = (place & 3) == InIndex;
        return (place & 3) >= InStream ? place >> 2 : -1;
    }

    /// <summary>Reads all of a stream and writes what is learnt.</summary>
    /// <param name="stream">The file, at the start of its stream.</param>
    /// <param name="stamp">Its own.</param>
    /// <param name="output">The index file, empty, which seeks.</param>
    /// <param name="progress">Told offsets in the stream.</param>
    /// <exception cref="VmStateException">The stream is damaged, or lacks a page.</exception>
    public static void Build(Stream stream, in FileStamp stamp, Stream output, IProgress<long>? progress)
    {
        var reader = new QemuStreamReader(stream);
        RamImage? image = null;
        try
        {
            var sections = SnapshotSections.Read(reader, () => image = new RamImage(reader), record =>
            {
                image!.Add(record);
                progress?.Report(record.Offset);
            });
            image!.CheckWhole();
            Write(sections, image, stamp, output);
        }
        finally
        {
            image?.Dispose();
        }
    }

    /// <summary>Reads an index file.</summary>
    /// <returns><see langword="null"/> if it is of another file, of that file as it was, or no index.</returns>
    public static SnapshotIndex? TryRead(SafeFileHandle file, in FileStamp stamp)
    {
        try
        {
            using var input = new BinaryReader(new HandleStream(file));
            if (input.ReadUInt64() != Magic || new FileStamp(input.ReadInt64(), input.ReadInt64(), input.ReadUInt32()) != stamp)
                return null;
            var crc = input.ReadUInt32();
            var length = input.ReadInt64();
            var pagesOffset = input.ReadInt64();
            if (length < 0 || length > Array.MaxLength || pagesOffset < HeaderSize + length || pagesOffset > RandomAccess.GetLength(file))
                return null;
            var content = input.ReadBytes((int)length);
            if (content.Length != length || Checksum.Add(~0u, content) != crc)
                return null;
            return Parse(content, pagesOffset);
        }
        catch (Exception e) when (e is EndOfStreamException or IOException)
        {
            return null;
        }
    }

    private static void Write(SnapshotSections sections, RamImage image, in FileStamp stamp, Stream output)
    {
        var content = new MemoryStream();
        var writer = new BinaryWriter(content);
        writer.Write(sections.MachineType);
        WriteBytes(writer, sections.Preamble);
        WriteBytes(writer, sections.BeforeRam);
        WriteBytes(writer, sections.AfterRam);
        WriteBytes(writer, sections.Devices);
        writer.Write(sections.Ram.Id);
        writer.Write(sections.Ram.HasFooters);
        writer.Write(image.PageSize);
        writer.Write(image.Blocks.Count);
        foreach (var block in image.Blocks)
        {
            writer.Write(block.Name);
            writer.Write(block.UsedLength);
        }

        // How many pages go into the index decides nothing of what is in front of them.
        var made = new List<(RamBlockEntry Block, long Page)>();
        foreach (var block in image.Blocks)
        {
            for (var page = 0L; page < image.PageCount(block); page++)
            {
                var offset = image.PlainOffsetOf(block, page);
                if (offset >= 0)
                {
                    writer.Write(offset << 2 | InStream);
                }
                else if (image.StateOf(block, page) == RamPageState.Zero)
                {
                    writer.Write((long)Zero);
                }
                else
                {
                    writer.Write((long)made.Count * image.PageSize << 2 | InIndex);
                    made.Add((block, page));
                }
            }
        }
        var pagesOffset = HeaderSize + content.Length + image.PageSize - 1;
        pagesOffset -= pagesOffset % image.PageSize;

        output.Position = pagesOffset - 1;
        output.WriteByte(0);
        var bytes = new byte[image.PageSize];
        foreach (var (block, page) in made)
        {
            image.ReadPage(block, page, bytes);
            output.Write(bytes);
        }
        output.Position = HeaderSize;
        output.Write(content.GetBuffer(), 0, (int)content.Length);
        output.Position = 0;
        var header = new MemoryStream();
        var head = new BinaryWriter(header);
        head.Write(Magic);
        head.Write(stamp.Length);
        head.Write(stamp.ChangedTicks);
        head.Write(stamp.Fingerprint);
        head.Write(Checksum.Add(~0u, content.GetBuffer().AsSpan(0, (int)content.Length)));
        head.Write(content.Length);
        head.Write(pagesOffset);
        output.Write(header.ToArray());
        output.Flush();
    }

    private static SnapshotIndex Parse(byte[] content, long pagesOffset)
    {
        var reader = new BinaryReader(new MemoryStream(content), Encoding.UTF8);
        var sections = new SnapshotSections(
            reader.ReadString(), ReadBytes(reader), ReadBytes(reader), ReadBytes(reader), ReadBytes(reader), new PostcopySection(reader.ReadUInt32(), reader.ReadBoolean()));
        var pageSize = reader.ReadInt32();
        var blocks = new (string Name, long Length)[reader.ReadInt32()];
        for (var i = 0; i < blocks.Length; i++)
            blocks[i] = (reader.ReadString(), reader.ReadInt64());
        var places = new long[blocks.Length][];
        var at = (int)reader.BaseStream.Position;
        for (var i = 0; i < blocks.Length; i++)
        {
            places[i] = MemoryMarshal.Cast<byte, long>(content.AsSpan(at, checked((int)(blocks[i].Length / pageSize * 8)))).ToArray();
            at += 8 * places[i].Length;
        }
        return new SnapshotIndex(sections, blocks, pageSize, places, pagesOffset);
    }

    private static void WriteBytes(BinaryWriter writer, byte[] bytes)
    {
        writer.Write(bytes.Length);
        writer.Write(bytes);
    }

    private static byte[] ReadBytes(BinaryReader reader) => reader.ReadBytes(reader.ReadInt32());

    /// <summary>A file from its start, whoever else reads it.</summary>
    private sealed class HandleStream(SafeFileHandle file) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get; set; }

        public override int Read(Span<byte> buffer)
        {
            var count = RandomAccess.Read(file, buffer, Position);
            Position += count;
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
