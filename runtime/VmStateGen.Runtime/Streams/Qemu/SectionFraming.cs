using System.Collections.Generic;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>What is around the data of sections (qemu-migration.md §1.1, §1.3): their headers and footers, and the rules for their ids.</summary>
internal sealed class SectionFraming
{
    // A machine has some hundred; what comes over a link must not fill this process.
    private const int MaxSections = 1 << 16;

    private readonly StreamCursor cursor;
    private readonly Dictionary<uint, SectionHeader> sections = [];

    public SectionFraming(StreamCursor cursor, bool? hasFooters = null)
    {
        this.cursor = cursor;
        HasFooters = hasFooters;
    }

    /// <summary>That of a package: it goes on where the stream around it is.</summary>
    public SectionFraming(StreamCursor package, SectionFraming outer)
        : this(package, outer.HasFooters)
    {
        foreach (var (id, section) in outer.sections)
            sections.Add(id, section);
    }

    /// <summary>All sections so far, by id.</summary>
    public IReadOnlyDictionary<uint, SectionHeader> Sections => sections;

    /// <summary>All sections have footers or none has; the first one tells.</summary>
    public bool? HasFooters { get; private set; }

    /// <summary>Magic and version.</summary>
    public static void ReadMagic(StreamCursor cursor)
    {
        var start = cursor.Position;
        var magic = cursor.ReadUInt32("magic");
        if (magic != QemuWire.Magic)
            throw Fault.At("magic", $"{Fault.Hex(QemuWire.Magic)} (QEVM)", Fault.Hex(magic), start);
        var version = cursor.ReadUInt32("version");
        if (version != QemuWire.Version)
            throw Fault.At("version", "version 3", $"version {version}", start + 4);
    }

    /// <summary>A section's header.</summary>
    /// <param name="type">The byte that was read.</param>
    /// <param name="start">Where it was.</param>
    public SectionHeader ReadHeader(byte type, long start)
    {
        if (QemuWire.KindOf(type) is not { } kind)
            throw Fault.At("element", "a section, a command or EOF (0x00 to 0x04, 0x08)", $"0x{type:x2}", start);
        var id = cursor.ReadUInt32("section id");
        if (kind is SectionKind.Part or SectionKind.End)
        {
            if (!sections.TryGetValue(id, out var started) || started.Kind != SectionKind.Start)
                throw Fault.At("section id", "the id of a section that has started and not ended", $"{id}", start + 1);
            if (kind == SectionKind.End)
                sections[id] = started with { Kind = SectionKind.End };
            return started with { Kind = kind };
        }
        var name = cursor.ReadName("section name");
        var section = new SectionHeader(kind, id, name, cursor.ReadUInt32("instance id"), cursor.ReadUInt32("version"));
        if (!sections.TryAdd(id, section))
            throw Fault.At("section id", $"an id other than that of {sections[id]}", $"{id}", start + 1);
        if (sections.Count > MaxSections)
            throw Fault.At("section", $"at most {MaxSections} sections", "more", start);
        return section;
    }

    /// <summary>A section's footer, if sections have any.</summary>
    public void ReadFooter(in SectionHeader section)
    {
        var start = cursor.Position;
        HasFooters ??= cursor.PeekByte() == QemuWire.SectionFooter;
        if (HasFooters == false)
            return;
        var type = cursor.ReadByte("footer");
        if (type != QemuWire.SectionFooter)
            throw Fault.At("footer", $"0x{QemuWire.SectionFooter:x2}", $"0x{type:x2}", start);
        var id = cursor.ReadUInt32("footer");
        if (id != section.Id)
            throw Fault.At("footer", $"section id {section.Id}", $"{id}", start + 1);
    }
}
