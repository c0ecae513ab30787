using System;
using System.Collections.Generic;
using System.IO;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;

namespace QemuDevices;

/// <summary>What became of one section.</summary>
/// <param name="Name">Section name and instance.</param>
/// <param name="Bytes">Bytes of data.</param>
/// <param name="Fields">Fields that were decoded; null if it was carried opaque.</param>
/// <param name="Reason">Why it was carried opaque.</param>
/// <param name="IsMisfit">There is a class for it, but it does not fit.</param>
internal sealed record SectionReport(string Name, long Bytes, int? Fields, string Reason, bool IsMisfit)
{
    /// <summary>Guest memory: read and written page by page, so neither a device with fields nor bytes that nobody looked into.</summary>
    public bool IsRam { get; init; }
}

/// <summary>Copies a stream, its device sections by way of objects.</summary>
internal static class StreamRewriter
{
    /// <summary>Reads <paramref name="input"/> and writes it again.</summary>
    /// <param name="input">A seekable stream.</param>
    /// <param name="output">Gets the same bytes, but for what the changes say.</param>
    /// <param name="changes">Fields to be set.</param>
    /// <returns>One report a section, in wire order; RAM once.</returns>
    /// <exception cref="VmStateGen.VmStateException">The input is damaged.</exception>
    /// <exception cref="FieldChangeException">A change is refused.</exception>
    public static IReadOnlyList<SectionReport> Rewrite(Stream input, Stream output, IReadOnlyList<FieldChange> changes)
    {
        var reports = new List<SectionReport>();
        var reader = new QemuStreamReader(input);
        var writer = new QemuStreamWriter(output);
        VmDescriptionTrailer? trailer = reader.Description is null ? null : new VmDescriptionTrailer(reader.Description);
        FieldChanges pending = FieldChanges.Resolve(changes, reader.Description);
        while (reader.Read())
        {
            QemuStreamElement element = reader.Current;
            if (element is { Kind: QemuElementKind.Section, Description: VmDeviceDescription description })
            {
                Section(reader, writer, trailer!, description, pending, reports);
                continue;
            }
            if (element.Kind == QemuElementKind.Section && element.Section.Kind != SectionKind.Part)
                Iterative(reader, reports);
            if (element.Kind == QemuElementKind.Trailer)
                writer.WriteTrailer(trailer!.ToJson());
            else
                writer.CopyElement(reader);
        }
        writer.Flush();
        pending.RequireAllDone();
        return reports;
    }

    private static void Section(
        QemuStreamReader reader, QemuStreamWriter writer, VmDescriptionTrailer trailer, VmDeviceDescription description,
        FieldChanges changes, List<SectionReport> reports)
    {
        SectionHeader section = reader.Section;
        byte[] data = reader.ReadAllData();
        DecodedSection? decoded = SectionDecoder.Decode(description, section.Version, data, out string reason, out bool hasClass);
        if (decoded is not null)
        {
            decoded = changes.Apply(section, description, decoded);
            int index = IndexOf(reader.Description!, description);
            trailer.Devices[index] = decoded.Description;
        }
        else
        {
            changes.Refuse(description, reason);
        }
        reader.FinishElement();
        writer.HasFooters = reader.HasFooters ?? true;
        writer.WriteSection(section, decoded?.Data ?? data);
        reports.Add(new SectionReport(section.ToString(), data.Length, decoded?.Fields.Count, reason, hasClass && decoded is null));
    }

    private static int IndexOf(VmDescription description, VmDeviceDescription device)
    {
        for (int i = 0; i < description.Devices.Count; i++)
        {
            if (ReferenceEquals(description.Devices[i], device))
                return i;
        }
        throw new InvalidOperationException($"{device.Name} is not of this trailer");
    }

    private static void Iterative(QemuStreamReader reader, List<SectionReport> reports)
    {
        if (reader.Section.Kind == SectionKind.Start)
            reports.Add(new SectionReport(reader.Section.ToString(), 0, null, "iterative", false) { IsRam = reader.Section.Name == "ram" });
    }
}
