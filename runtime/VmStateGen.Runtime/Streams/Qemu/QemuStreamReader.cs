using System;
using System.Buffers.Binary;
using System.IO;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>
/// Reads QEMU's stream, version 3, from a file or a pipe, element by element: <see cref="Read"/>, then look at
/// <see cref="Current"/> and, if wanted, at its data (qemu-migration.md §1).
/// </summary>
/// <remarks>
/// <para>QEMU's stream does not say how long a section is. The reader parses RAM and dirty bitmaps itself; other bounds come from
/// <see cref="QemuStreamReaderOptions.Bounds"/> and from the trailer, which the constructor looks for at the end of a
/// file. A section that none of them knows is guessed by its footer, if it has one, and else is an error.</para>
/// <para>On a pipe elements are read as they come, up to the first section that needs the trailer: from there on the rest is kept,
/// up to <see cref="QemuStreamReaderOptions.SpoolLimit"/>, until the trailer is there. The data of an element must be taken before
/// the next one; a page's payload right after its record.</para>
/// <para>Memory is constant but for the trailer and that: neither pages nor sections are kept.</para>
/// <para>Every fault of the stream is a <see cref="VmStateException"/> that names section, offset, what was expected and
/// what was found; a reader that has thrown one can only be dropped. What the file itself throws
/// (<see cref="IOException"/>) passes through. For one thread at a time.</para>
/// </remarks>
public sealed partial class QemuStreamReader : ISectionReader
{
    private const int CopyChunk = 64 * 1024;

    private readonly StreamCursor cursor;
    private readonly QemuStreamReaderOptions options;
    private readonly SectionBoundsFinder bounds;
    private readonly SectionFraming framing;
    private readonly bool isPackage;
    private bool isPostcopy;

    private Phase phase = Phase.Header;
    private QemuStreamElement current;
    private long dataEnd = -1;
    private long dataPosition;
    private long nextOffset;
    private bool isFinished = true;
    private ulong advisedPageSizes;
    private bool isRamDone;

    private enum Phase
    {
        Header,
        Configuration,
        Elements,
        Trailer,
        Done,
        Failed,
    }

    /// <summary>A reader of the stream that starts at the file's or pipe's present position and ends at its end.</summary>
    /// <param name="stream">Readable; the reader moves it and does not close it. A file should be opened without a buffer of its own.</param>
    /// <param name="options">Nothing: what reads every file of a stock QEMU.</param>
    /// <exception cref="ArgumentException">The stream cannot be read.</exception>
    /// <exception cref="VmStateException">There is a trailer, but it is no description.</exception>
    public QemuStreamReader(Stream stream, QemuStreamReaderOptions? options = null)
        : this(OpenCursor(stream, options), options ?? new QemuStreamReaderOptions())
    {
        if (cursor.CanSeek)
            bounds.SearchTrailer();
    }

    private QemuStreamReader(StreamCursor cursor, QemuStreamReaderOptions options, SectionFraming? outer = null)
    {
        this.cursor = cursor;
        this.options = options;
        nextOffset = cursor.Position;
        framing = outer is null ? new SectionFraming(cursor, KnownFooters(options.Footers)) : new SectionFraming(cursor, outer);
        bounds = new SectionBoundsFinder(options, cursor, framing);
    }

    /// <summary>
    /// The trailer; <see langword="null"/> if there is none. Of a file it is known from the start, of a pipe once a section
    /// needed it or the end was reached.
    /// </summary>
    public VmDescription? Description => bounds.Description;

    /// <summary>What libvirt has put in front of the stream, once the header was read; <see langword="null"/> of QEMU's own files.</summary>
    public LibvirtSaveHeader? Libvirt { get; private set; }

    /// <summary>Whether the stream is a file, of which any byte can be read at any time.</summary>
    public bool CanSeek => cursor.CanSeek;

    /// <summary>The configuration, once it was read; <see langword="null"/> if the stream has none.</summary>
    public QemuConfiguration? Configuration { get; private set; }

    /// <summary>Whether sections have footers; <see langword="null"/> until the first section has ended.</summary>
    public bool? HasFooters => framing.HasFooters;

    /// <summary>The RAM section's blocks, once its START was read.</summary>
    public RamSectionReader? Ram { get; private set; }

    /// <summary>The element that the last <see cref="Read"/> found.</summary>
    public QemuStreamElement Current => current;

    /// <summary>Bytes of the current element's data; of a command those of its package. Parses what is left of a RAM section.</summary>
    public long DataLength
    {
        get
        {
            FindDataEnd();
            return dataEnd - current.DataOffset;
        }
    }

    /// <inheritdoc/>
    public SectionHeader Section => current.Section;

    /// <inheritdoc/>
    public long SectionOffset => current.DataOffset;

    /// <inheritdoc/>
    public long? SectionLength => dataEnd >= 0 ? dataEnd - current.DataOffset : null;

    /// <summary>Goes to the next element; the rest of the current one is checked and passed over.</summary>
    /// <returns><see langword="false"/> at the end of the file.</returns>
    /// <exception cref="VmStateException">The stream is cut off, damaged, or has a section of unknown length.</exception>
    public bool Read()
    {
        FinishElement();
        CheckUsable();
        try
        {
            // Data may have been read after the element was finished.
            cursor.Seek(nextOffset, "element");
            return ReadNext();
        }
        catch (Exception e) when (Fail(e))
        {
            throw;
        }
    }

    /// <inheritdoc/>
    public bool ReadSection()
    {
        while (Read())
        {
            if (current.Kind == QemuElementKind.Section)
                return true;
        }
        return false;
    }

    /// <summary>The next bytes of the current element's data, raw.</summary>
    /// <returns>Bytes read: fewer than asked for at the end of the data.</returns>
    public int ReadData(Span<byte> destination)
    {
        FindDataEnd();
        var count = (int)Math.Min(destination.Length, dataEnd - dataPosition);
        cursor.Seek(dataPosition, "data");
        cursor.Read(destination[..count], "data");
        dataPosition += count;
        return count;
    }

    /// <summary>All of the current element's data, raw: for devices, the configuration and the trailer.</summary>
    /// <exception cref="InvalidOperationException">It is more than an array holds: use <see cref="ReadData"/>.</exception>
    public byte[] ReadAllData()
    {
        if (DataLength > Array.MaxLength)
            throw new InvalidOperationException($"{DataLength} bytes are too many for an array.");
        var data = new byte[DataLength];
        cursor.ReadAt(current.DataOffset, data, "data");
        return data;
    }

    /// <summary>Copies all of the current element's data, raw, in pieces of at most 64 KiB.</summary>
    public void CopyDataTo(ISectionWriter output)
    {
        ArgumentNullException.ThrowIfNull(output);
        FindDataEnd();
        dataPosition = current.DataOffset;
        var chunk = new byte[(int)Math.Min(CopyChunk, dataEnd - dataPosition)];
        while (dataPosition < dataEnd)
            output.Write(chunk.AsSpan(0, ReadData(chunk)));
    }

    /// <summary>Reads bytes of the file wherever they are, such as the payload of a <see cref="RamRecord"/>; the reader's place stays.</summary>
    public void ReadAt(long offset, Span<byte> destination) => cursor.ReadAt(offset, destination, "data");

    /// <summary>Goes to the end of the current element and checks its footer. <see cref="Read"/> does it, if nobody has.</summary>
    public void FinishElement()
    {
        if (isFinished)
            return;
        FindDataEnd();
        CheckUsable();
        try
        {
            cursor.Seek(dataEnd, "data");
            if (current.Kind == QemuElementKind.Section)
            {
                framing.ReadFooter(current.Section);
                isRamDone |= current.Section.Kind == SectionKind.End && IsRam(current.Section);
            }
        }
        catch (Exception e) when (Fail(e))
        {
            throw;
        }
        isFinished = true;
        nextOffset = cursor.Position;
    }

    private void FindDataEnd()
    {
        if (dataEnd >= 0)
            return;
        if (!isRamPart)
            throw new InvalidOperationException("There is no current element.");
        while (ReadRamRecord(out _))
        {
        }
    }

    /// <summary>For exception filters: names the section, and lets nobody go on. A success pays nothing for it.</summary>
    private bool Fail(Exception fault)
    {
        if (fault is VmStateException e && current.Kind == QemuElementKind.Section && !isFinished)
            e.InDevice(current.Section.ToString());
        phase = Phase.Failed;
        return false;
    }

    private void CheckUsable()
    {
        if (phase == Phase.Failed)
            throw new InvalidOperationException("The stream could not be read further before.");
    }

    private bool ReadNext()
    {
        switch (phase)
        {
            case Phase.Header:
                ReadHeader();
                phase = Phase.Configuration;
                return true;
            case Phase.Configuration:
                phase = Phase.Elements;
                if (cursor.PeekByte() != QemuWire.Configuration)
                    return ReadElement();
                ReadConfiguration();
                return true;
            case Phase.Elements:
                return ReadElement();
            case Phase.Trailer:
                phase = Phase.Done;
                return ReadTrailer();
            default:
                dataEnd = cursor.Position;
                return false;
        }
    }

    private void Begin(QemuElementKind kind, long offset, SectionHeader section = default, QemuCommand? command = null)
    {
        // A pipe keeps an element's data until the next one; not pages, which are too many.
        var isRam = kind == QemuElementKind.Section && IsRam(section);
        isRamPart = isRam && section.Kind != SectionKind.Start;
        if (isRamPart || (isRam && IsMapped))
            cursor.Release();
        else
            cursor.Hold();
        current = new QemuStreamElement(kind, offset, cursor.Position, section, command);
        dataPosition = cursor.Position;
        dataEnd = -1;
        isFinished = false;
    }

    private void ReadHeader()
    {
        Libvirt = LibvirtSaveHeader.TryRead(cursor);
        var start = cursor.Position;
        Begin(QemuElementKind.Header, start);
        if (BinaryPrimitives.ReadUInt32BigEndian(cursor.Peek(4, "magic")) != QemuWire.Magic && ForeignFile.Name(cursor) is { } foreign)
            throw Fault.At("magic", $"{Fault.Hex(QemuWire.Magic)} (QEVM)", foreign, start);
        SectionFraming.ReadMagic(cursor);
        dataEnd = cursor.Position;
    }

    private void ReadConfiguration()
    {
        var start = cursor.Position;
        cursor.Skip(1, "configuration");
        Begin(QemuElementKind.Configuration, start);
        try
        {
            Configuration = QemuConfiguration.Read(cursor, Description?.Configuration);
            if (Configuration.TargetPageBits is { } bits && Description?.PageSize is { } size && size != 1 << bits)
                throw Fault.At("target_page_bits", $"the page size of the trailer, {size}", $"{1 << bits}", start);
        }
        catch (VmStateException e) when (e.Within("configuration"))
        {
            throw;
        }
        dataEnd = cursor.Position;
    }

    private bool ReadElement()
    {
        var start = cursor.Position;
        if (isPackage && cursor.Remaining == 0)
        {
            dataEnd = start;
            return false;
        }
        if (!cursor.CanSeek && !isPackage && !isPostcopy && cursor.PeekByte() == QemuWire.Eof)
        {
            // The search wants the EOF in front of the trailer, too.
            cursor.Hold();
            bounds.SearchTrailer();
        }
        var type = cursor.ReadByte("element");
        switch (type)
        {
            case QemuWire.Eof:
                Begin(QemuElementKind.Eof, start);
                if (bounds.TrailerOffset >= 0 && bounds.TrailerOffset != cursor.Position)
                    throw Fault.At("EOF", $"EOF right before the trailer, at {Fault.Hex((ulong)bounds.TrailerOffset - 1)}", "it earlier", start);
                dataEnd = cursor.Position;
                phase = isPostcopy ? Phase.Done : Phase.Trailer;
                return true;
            case QemuWire.Command:
                var command = QemuCommand.Read(cursor);
                Begin(QemuElementKind.Command, start, command: command);
                if (command.PackageLength > cursor.Remaining)
                    throw Fault.At("package", $"{command.PackageLength} bytes", $"the end of the stream after {cursor.Remaining}", cursor.Position);
                // A source waits for SHUT after the EOF of a postcopy, which has no trailer (§5.5).
                isPostcopy |= options.IsLive && command.Id == QemuCommandId.Packaged;
                if (command.AdvisedPageSizes is { } sizes)
                    advisedPageSizes = sizes.Blocks;
                dataEnd = cursor.Position + command.PackageLength;
                return true;
            default:
                ReadSectionStart(type, start);
                return true;
        }
    }

    private void ReadSectionStart(byte type, long start)
    {
        var section = framing.ReadHeader(type, start);
        Begin(QemuElementKind.Section, start, section);
        if (IsRam(section))
            BeginRam(section);
        else
        {
            var found = bounds.Find(section, framing.Sections, isPackage, HasFooters, isEarly: !isRamDone);
            dataEnd = found.End;
            current = current with { Description = found.Description, IsGuessed = found.IsGuessed };
        }
    }

    private bool ReadTrailer()
    {
        if (!bounds.SearchTrailer() || !cursor.HoldUntil(long.MaxValue))
            throw Fault.At("vmdescription", $"the end of the stream within {options.SpoolLimit} bytes, the most that is kept of a pipe", "more", cursor.Position);
        if (cursor.Remaining == 0)
        {
            dataEnd = cursor.Position;
            return false;
        }
        var start = cursor.Position;
        var type = cursor.ReadByte("vmdescription");
        if (type != QemuWire.VmDescription)
            throw Fault.At("vmdescription", $"0x{QemuWire.VmDescription:x2} or the end of the file", $"0x{type:x2}", start);
        var length = cursor.ReadUInt32("vmdescription");
        if (length != cursor.Remaining)
            throw Fault.At("vmdescription", $"{cursor.Remaining} bytes up to the end of the file", $"a length of {length}", start + 1);
        // The constructor takes every well-formed trailer: this one is of the right length, but no object.
        if (options.UseTrailer && Description == null)
            throw Fault.At("vmdescription", "a JSON object", "what is none", cursor.Position);
        Begin(QemuElementKind.Trailer, start);
        dataEnd = cursor.Length;
        return true;
    }

    private static bool? KnownFooters(QemuFooterMode mode) => mode switch
    {
        QemuFooterMode.Present => true,
        QemuFooterMode.Absent => false,
        _ => null,
    };

    private static StreamCursor OpenCursor(Stream stream, QemuStreamReaderOptions? options)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (!stream.CanRead)
            throw new ArgumentException("The stream must be readable.", nameof(stream));
        return stream.CanSeek
            ? new StreamCursor(stream)
            : new StreamCursor(new PipeSource(stream, (options ?? new QemuStreamReaderOptions()).SpoolLimit), 0, long.MaxValue);
    }
}
