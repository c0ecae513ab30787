using System;
using System.Buffers.Binary;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;
using VmStateGen.Runtime.Channels;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>
/// Writes QEMU's stream, version 3: header, configuration, then sections and commands, EOF, trailer (qemu-migration.md §1).
/// </summary>
/// <remarks>
/// What is written is collected in 64 KiB; nothing is sure to be in the stream before <see cref="Flush"/>. The stream is
/// not closed. Calls in a wrong order are <see cref="InvalidOperationException"/>s. For one thread at a time.
/// </remarks>
public sealed class QemuStreamWriter : ISectionWriter
{
    private const int BufferSize = 64 * 1024;

    private readonly Stream stream;
    private readonly byte[] buffer = new byte[BufferSize];
    private int buffered;
    private long flushed;
    private Phase phase = Phase.Header;
    private SectionHeader section;

    private enum Phase
    {
        Header,
        Configuration,
        Elements,
        InSection,
        AfterEof,
        Done,
    }

    /// <param name="stream">Writable; need not seek.</param>
    /// <param name="hasFooters">Whether a footer follows each section; only machine types of old have none.</param>
    public QemuStreamWriter(Stream stream, bool hasFooters = true)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (!stream.CanWrite)
            throw new ArgumentException("The stream must be writable.", nameof(stream));
        this.stream = stream;
        HasFooters = hasFooters;
    }

    /// <summary>Whether a footer follows each section.</summary>
    public bool HasFooters { get; set; }

    /// <summary>Bytes written so far, flushed or not.</summary>
    public long Position => flushed + buffered;

    /// <summary>A writer of elements alone: of a package, or of a connection that goes on where another broke off (qemu-migration.md §13.7).</summary>
    internal static QemuStreamWriter OfElements(Stream stream, bool hasFooters = true) => new(stream, hasFooters) { phase = Phase.Elements };

    /// <summary>Magic and version: first of all.</summary>
    public void WriteHeader()
    {
        Expect(Phase.Header);
        WriteUInt32(QemuWire.Magic);
        WriteUInt32(QemuWire.Version);
        phase = Phase.Configuration;
    }

    /// <summary>The configuration section: after the header or not at all.</summary>
    public void WriteConfiguration(QemuConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        Expect(Phase.Configuration);
        WriteByte(QemuWire.Configuration);
        WriteBytes(configuration.ToBytes());
        phase = Phase.Elements;
    }

    /// <inheritdoc/>
    public void BeginSection(SectionHeader section)
    {
        ExpectElement();
        WireName.Check(section.Name, nameof(section));
        WriteByte(QemuWire.TypeOf(section.Kind));
        WriteUInt32(section.Id);
        if (section.Kind is SectionKind.Start or SectionKind.Full)
        {
            WriteByte((byte)section.Name.Length);
            WriteBytes(Encoding.ASCII.GetBytes(section.Name));
            WriteUInt32(section.InstanceId);
            WriteUInt32(section.Version);
        }
        this.section = section;
        phase = Phase.InSection;
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> data)
    {
        Expect(Phase.InSection);
        WriteBytes(data);
    }

    /// <inheritdoc/>
    public bool TryPassDescriptor(byte payload, SafeHandle descriptor)
    {
        Expect(Phase.InSection);
        if (stream is not IDescriptorStream { CanPassDescriptors: true } passing)
            return false;
        FlushBuffer();
        passing.PassDescriptor(payload, descriptor);
        flushed++;
        return true;
    }

    /// <inheritdoc/>
    public void EndSection()
    {
        Expect(Phase.InSection);
        if (HasFooters)
        {
            WriteByte(QemuWire.SectionFooter);
            WriteUInt32(section.Id);
        }
        phase = Phase.Elements;
    }

    /// <summary>Leaves a hole in the open section's data, for <see cref="WriteAt"/>. The stream must seek.</summary>
    internal void Skip(long count)
    {
        Expect(Phase.InSection);
        FlushBuffer();
        stream.Seek(count, SeekOrigin.Current);
        flushed += count;
    }

    /// <summary>
    /// Hands over what was collected, and counts bytes of the open section's data that the caller then writes to the stream's transport itself.
    /// </summary>
    internal void PassBy(long count)
    {
        Expect(Phase.InSection);
        FlushBuffer();
        flushed += count;
    }

    /// <summary>Writes somewhere else in the stream, which must seek; the writer's place stays. Offsets are those of <see cref="Position"/>.</summary>
    internal void WriteAt(long offset, ReadOnlySpan<byte> bytes)
    {
        FlushBuffer();
        var here = stream.Position;
        stream.Position = here - flushed + offset;
        stream.Write(bytes);
        stream.Position = here;
    }

    /// <summary>Reads what was written somewhere in the stream, which must seek and be readable; the writer's place stays.</summary>
    internal void ReadAt(long offset, Span<byte> bytes)
    {
        FlushBuffer();
        var here = stream.Position;
        stream.Position = here - flushed + offset;
        stream.ReadExactly(bytes);
        stream.Position = here;
    }

    /// <summary>A whole section.</summary>
    public void WriteSection(SectionHeader section, ReadOnlySpan<byte> data)
    {
        BeginSection(section);
        Write(data);
        EndSection();
    }

    /// <summary>A command; a package goes with <see cref="WritePackage"/>.</summary>
    public void WriteCommand(QemuCommandId id, ReadOnlySpan<byte> payload = default)
    {
        if (id == QemuCommandId.Packaged)
            throw new ArgumentException("A package is written with its bytes.", nameof(id));
        WriteCommandHeader(id, payload);
    }

    /// <summary>PACKAGED and its package, a stream of elements without header.</summary>
    public void WritePackage(ReadOnlySpan<byte> package)
    {
        BeginPackage(package.Length);
        WriteBytes(package);
    }

    /// <summary>Elements as they are on the wire.</summary>
    internal void WriteElements(ReadOnlySpan<byte> elements)
    {
        ExpectElement();
        WriteBytes(elements);
        phase = Phase.Elements;
    }

    /// <summary>The byte that ends the sections.</summary>
    public void WriteEof()
    {
        ExpectElement();
        WriteByte(QemuWire.Eof);
        phase = Phase.AfterEof;
    }

    /// <summary>The JSON trailer (see <see cref="VmDescriptionTrailer"/>): after EOF, last of all.</summary>
    public void WriteTrailer(ReadOnlySpan<byte> json)
    {
        Expect(Phase.AfterEof);
        WriteByte(QemuWire.VmDescription);
        WriteUInt32((uint)json.Length);
        WriteBytes(json);
        phase = Phase.Done;
    }

    /// <summary>Hands all that was written to the stream, and flushes it.</summary>
    public void Flush()
    {
        FlushBuffer();
        stream.Flush();
    }

    /// <summary>
    /// Writes the reader's current element again, sections raw, byte for byte as it was. Footers become the reader's.
    /// </summary>
    /// <exception cref="VmStateException">The rest of the element is damaged; half of it may have been written.</exception>
    public void CopyElement(QemuStreamReader reader)
    {
        ArgumentNullException.ThrowIfNull(reader);
        var element = reader.Current;
        switch (element.Kind)
        {
            case QemuElementKind.Header:
                WriteHeader();
                break;
            case QemuElementKind.Configuration:
                WriteConfiguration(reader.Configuration!);
                break;
            case QemuElementKind.Section:
                BeginSection(element.Section);
                reader.CopyDataTo(this);
                reader.FinishElement();
                HasFooters = reader.HasFooters ?? HasFooters;
                EndSection();
                break;
            case QemuElementKind.Command when element.Command!.Id == QemuCommandId.Packaged:
                BeginPackage(element.Command.PackageLength);
                reader.CopyDataTo(new PackageOutput(this));
                break;
            case QemuElementKind.Command:
                WriteCommand(element.Command!.Id, element.Command.Payload.Span);
                break;
            case QemuElementKind.Eof:
                WriteEof();
                break;
            default:
                WriteTrailer(reader.ReadAllData());
                break;
        }
    }

    /// <summary>A package of that many bytes, which must follow by <see cref="WriteBytes"/>.</summary>
    private void BeginPackage(long length)
    {
        Span<byte> payload = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(payload, checked((uint)length));
        WriteCommandHeader(QemuCommandId.Packaged, payload);
    }

    private void WriteCommandHeader(QemuCommandId id, ReadOnlySpan<byte> payload)
    {
        QemuCommand.CheckPayload(id, payload.Length);
        ExpectElement();
        WriteByte(QemuWire.Command);
        Span<byte> header = stackalloc byte[4];
        BinaryPrimitives.WriteUInt16BigEndian(header, (ushort)id);
        BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)payload.Length);
        WriteBytes(header);
        WriteBytes(payload);
        phase = Phase.Elements;
    }

    private void Expect(Phase expected)
    {
        if (phase != expected)
            throw new InvalidOperationException($"This belongs into the phase {expected} of a stream, which is in {phase}.");
    }

    private void ExpectElement()
    {
        if (phase != Phase.Configuration)
            Expect(Phase.Elements);
    }

    private void WriteByte(byte value) => WriteBytes([value]);

    private void WriteUInt32(uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        WriteBytes(bytes);
    }

    private void WriteBytes(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > BufferSize - buffered)
            FlushBuffer();
        if (bytes.Length >= BufferSize)
        {
            stream.Write(bytes);
            flushed += bytes.Length;
            return;
        }
        bytes.CopyTo(buffer.AsSpan(buffered));
        buffered += bytes.Length;
    }

    private void FlushBuffer()
    {
        if (buffered == 0)
            return;
        stream.Write(buffer, 0, buffered);
        flushed += buffered;
        buffered = 0;
    }

    /// <summary>Lets a package be copied as a section's data is.</summary>
    private sealed class PackageOutput(QemuStreamWriter writer) : ISectionWriter
    {
        public void BeginSection(SectionHeader section) => throw new NotSupportedException();

        public void Write(ReadOnlySpan<byte> data) => writer.WriteBytes(data);

        public void EndSection() => throw new NotSupportedException();
    }
}
