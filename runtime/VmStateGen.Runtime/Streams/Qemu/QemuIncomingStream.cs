using System;
using System.Collections.Generic;
using System.IO;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>
/// Reads QEMU's stream from a live connection, for whoever has the objects that know how long their state is: it never waits for a byte that
/// the element at hand does not have (qemu-migration.md §1). <see cref="QemuStreamReader"/> is for those who have no such objects.
/// </summary>
/// <remarks>
/// The data of a section is taken from <see cref="Cursor"/> or <see cref="OpenState"/>, all of it, before the next <see cref="Read"/>. Faults are
/// as the other reader's. For one thread at a time.
/// </remarks>
internal sealed class QemuIncomingStream
{
    // A machine has some hundred; what comes over a link must not fill this process.
    private const int MaxSections = 1 << 16;

    private readonly Dictionary<uint, SectionHeader> sections = [];
    private SectionHeader? open;
    private bool? hasFooters;

    public QemuIncomingStream(Stream stream) => Cursor = new StreamCursor(new PipeSource(stream, 0), 0, long.MaxValue);

    /// <summary>At the data of the current section.</summary>
    public StreamCursor Cursor { get; }

    /// <summary>Magic, version, and the configuration if there is one.</summary>
    public QemuConfiguration? ReadPreamble()
    {
        var start = Cursor.Position;
        var magic = Cursor.ReadUInt32("magic");
        if (magic != QemuWire.Magic)
            throw Fault.At("magic", $"{Fault.Hex(QemuWire.Magic)} (QEVM)", Fault.Hex(magic), start);
        var version = Cursor.ReadUInt32("version");
        if (version != QemuWire.Version)
            throw Fault.At("version", "version 3", $"version {version}", start + 4);
        if (Cursor.PeekByte() != QemuWire.Configuration)
            return null;
        Cursor.Skip(1, "configuration");
        try
        {
            return QemuConfiguration.Read(Cursor, null);
        }
        catch (VmStateException e) when (e.Within("configuration"))
        {
            throw;
        }
    }

    /// <summary>The next section, command or EOF; of a section that went before the footer is checked.</summary>
    public QemuStreamElement Read()
    {
        if (open is { } section)
            ReadFooter(section);
        open = null;
        var start = Cursor.Position;
        var type = Cursor.ReadByte("element");
        if (type == QemuWire.Eof)
            return new QemuStreamElement(QemuElementKind.Eof, start, Cursor.Position);
        if (type == QemuWire.Command)
        {
            var command = QemuCommand.Read(Cursor);
            return new QemuStreamElement(QemuElementKind.Command, start, Cursor.Position, Command: command);
        }
        if (QemuWire.KindOf(type) is not { } kind)
            throw Fault.At("element", "a section, a command or EOF (0x00 to 0x04, 0x08)", $"0x{type:x2}", start);
        open = ReadSectionStart(kind, start);
        return new QemuStreamElement(QemuElementKind.Section, start, Cursor.Position, open.Value);
    }

    /// <summary>What follows EOF, up to the end of the connection or of the trailer, is of no use to a machine that has its state.</summary>
    public void SkipTrailer()
    {
        if (Cursor.PeekByte() != QemuWire.VmDescription)
            return;
        Cursor.Skip(1, "vmdescription");
        for (var left = (long)Cursor.ReadUInt32("vmdescription"); left > 0;)
        {
            var piece = (int)Math.Min(left, 4096);
            Cursor.Peek(piece, "vmdescription");
            Cursor.Skip(piece, "vmdescription");
            left -= piece;
        }
    }

    /// <summary>The current section's data, for a device: what the device does not take stays.</summary>
    public VmStateInput OpenState() => new CursorInput(Cursor);

    private SectionHeader ReadSectionStart(SectionKind kind, long start)
    {
        var id = Cursor.ReadUInt32("section id");
        if (kind is SectionKind.Part or SectionKind.End)
        {
            if (!sections.TryGetValue(id, out var started) || started.Kind != SectionKind.Start)
                throw Fault.At("section id", "the id of a section that has started and not ended", $"{id}", start + 1);
            if (kind == SectionKind.End)
                sections[id] = started with { Kind = SectionKind.End };
            return started with { Kind = kind };
        }
        var name = Cursor.ReadName("section name");
        var section = new SectionHeader(kind, id, name, Cursor.ReadUInt32("instance id"), Cursor.ReadUInt32("version"));
        if (!sections.TryAdd(id, section))
            throw Fault.At("section id", $"an id other than that of {sections[id]}", $"{id}", start + 1);
        if (sections.Count > MaxSections)
            throw Fault.At("section", $"at most {MaxSections} sections", "more", start);
        return section;
    }

    /// <summary>All sections have footers or none has; the first one tells (§1.1).</summary>
    private void ReadFooter(SectionHeader section)
    {
        var start = Cursor.Position;
        try
        {
            hasFooters ??= Cursor.PeekByte() == QemuWire.SectionFooter;
            if (hasFooters == false)
                return;
            var type = Cursor.ReadByte("footer");
            if (type != QemuWire.SectionFooter)
                throw Fault.At("footer", $"0x{QemuWire.SectionFooter:x2}", $"0x{type:x2}", start);
            var id = Cursor.ReadUInt32("footer");
            if (id != section.Id)
                throw Fault.At("footer", $"section id {section.Id}", $"{id}", start + 1);
        }
        catch (VmStateException e) when (e.InDevice(section.ToString()))
        {
            throw;
        }
    }

    private sealed class CursorInput(StreamCursor cursor) : VmStateInput
    {
        public override ReadOnlySpan<byte> Advance(int consumed, int size)
        {
            cursor.Skip(consumed, "state");
            return cursor.PeekBuffered(size);
        }
    }
}
