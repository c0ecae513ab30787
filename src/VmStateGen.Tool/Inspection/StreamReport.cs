using System;
using System.Collections.Generic;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Tool.Inspection;

/// <summary>What is in a stream: what text and JSON are rendered from.</summary>
internal sealed class StreamReport
{
    /// <summary>The file, or what it is called in messages.</summary>
    public required string Source { get; init; }

    /// <summary>Bytes read; those of the file where it has a length.</summary>
    public long Length { get; set; }

    public QemuConfiguration? Configuration { get; set; }

    /// <summary>What libvirt put in front of the stream, if anything.</summary>
    public LibvirtSaveHeader? Libvirt { get; set; }

    /// <summary>Target page size in bytes, where the stream says it.</summary>
    public int? PageSize { get; set; }

    /// <summary>The form of the trailer, which tells the release that wrote it; null without a trailer.</summary>
    public VmDescriptionDialect? Dialect { get; set; }

    public bool HasTrailer { get; set; }

    /// <summary>CRC-32C of the trailer's text: not all of it shows elsewhere.</summary>
    public uint? TrailerChecksum { get; set; }

    public List<StreamPart> Parts { get; } = [];

    /// <summary>The blocks of RAM, if the stream has RAM.</summary>
    public RamReport? Ram { get; set; }

    /// <summary>The contents of RAM, if they were to be kept; good as long as the file is open, and to be disposed of.</summary>
    public RamImage? Image { get; set; }

    /// <summary>Damage, in the order found.</summary>
    public List<StreamProblem> Problems { get; } = [];
}

/// <summary>Something wrong with a stream.</summary>
/// <param name="Message">The whole sentence: section, field, expected, found, offset.</param>
/// <param name="Offset">Where, -1 if nowhere in particular.</param>
/// <param name="Section">Which section, if any.</param>
/// <param name="Path">Which field, if any.</param>
internal sealed record StreamProblem(string Message, long Offset = -1, string Section = "", string Path = "")
{
    public static StreamProblem Of(VmStateException e) => new(e.Message, e.Offset, e.Device, e.FieldPath);
}

/// <summary>One element of the stream.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Offset">First byte.</param>
/// <param name="DataOffset">First byte of its data.</param>
/// <param name="DataLength">Bytes of data.</param>
internal sealed record StreamPart(QemuElementKind Kind, long Offset, long DataOffset, long DataLength)
{
    /// <summary>First byte after it, footer included.</summary>
    public long End { get; init; }

    /// <summary>The section, if it is one.</summary>
    public SectionHeader Section { get; init; }

    public QemuCommand? Command { get; init; }

    /// <summary>Fields and values of a device's section.</summary>
    public SectionData? Data { get; init; }

    /// <summary>Its end was guessed, and no trailer has confirmed it.</summary>
    public bool IsGuessed { get; init; }

    /// <summary>It is part of a postcopy package, the command before it.</summary>
    public bool IsInPackage { get; init; }

    /// <summary>Name and instance, <c>i8259#1</c>; what the element is, if it is no section.</summary>
    public string Title => Kind switch
    {
        QemuElementKind.Section => Section.ToString(),
        QemuElementKind.Command => $"command {Command!.Id}",
        _ => Kind.ToString().ToLowerInvariant(),
    };
}

/// <summary>A section's bytes with their description.</summary>
/// <param name="Section">The section.</param>
/// <param name="Offset">Of the data in the stream.</param>
/// <param name="Bytes">The data; null if it is too long to be shown.</param>
/// <param name="Description">The trailer's; null if there is none.</param>
internal sealed record SectionData(SectionHeader Section, long Offset, byte[]? Bytes, VmDeviceDescription? Description)
{
    /// <summary>The ranges of the data in wire order: fields, subsection headers, markers.</summary>
    /// <exception cref="VmStateException">Data and description do not fit, found while enumerating.</exception>
    public IEnumerable<VmDescriptionSpan> Spans() =>
        Bytes == null ? []
        : Description == null ? [new VmDescriptionSpan(VmDescriptionSpanKind.Field, "data", "buffer", 0, Bytes.Length, "")]
        : VmDescriptionFields.Spans(Description, Bytes);

    /// <summary>The fields alone.</summary>
    public IEnumerable<VmDescriptionSpan> Fields()
    {
        foreach (VmDescriptionSpan span in Spans())
        {
            if (span.Kind == VmDescriptionSpanKind.Field)
                yield return span;
        }
    }

    /// <summary>The bytes of one range.</summary>
    public ReadOnlySpan<byte> Value(in VmDescriptionSpan span) => Bytes.AsSpan((int)span.Offset, span.Size);
}
