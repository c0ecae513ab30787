using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Tool.Inspection;

/// <summary>What an inspection looks at.</summary>
/// <param name="Device">Keeps the values of these sections only; null: of all.</param>
/// <param name="HasContents">Reads the contents of RAM, and sums them up.</param>
/// <param name="KeepsImage">Keeps where the contents of RAM are (<see cref="StreamReport.Image"/>); needs a file.</param>
/// <param name="MayLackTrailer">The machine sends no trailer, so a stream without one is whole.</param>
internal sealed record InspectionOptions(string? Device = null, bool HasContents = false, bool KeepsImage = false, bool MayLackTrailer = false);

/// <summary>Reads a stream from start to end into a <see cref="StreamReport"/>; damage becomes part of the report.</summary>
internal static class StreamInspector
{
    /// <summary>A longer section is no device's; its bytes are not kept.</summary>
    private const int MaxKept = 32 << 20;

    /// <exception cref="IOException">The file cannot be read.</exception>
    public static StreamReport Inspect(string source, Stream stream, InspectionOptions options, IProgress<long>? progress = null)
    {
        var report = new StreamReport { Source = source };
        try
        {
            var reader = new QemuStreamReader(stream);
            try
            {
                new Pass(reader, report, options, progress).Run();
            }
            finally
            {
                report.Length = stream.CanSeek ? stream.Length : report.Parts.LastOrDefault()?.End ?? 0;
            }
        }
        catch (VmStateException e)
        {
            report.Problems.Add(StreamProblem.Of(e));
        }
        return report;
    }

    /// <summary>Whether a name on the command line means this section: with or without instance, with or without device path.</summary>
    public static bool IsMeant(string wanted, in SectionHeader section) =>
        section.Name == wanted || section.ToString() == wanted || $"{section.Name}#{section.InstanceId}" == wanted
        || section.Name[(section.Name.LastIndexOf('/') + 1)..] == wanted;

    private sealed class Pass(QemuStreamReader reader, StreamReport report, InspectionOptions options, IProgress<long>? progress)
    {
        private readonly Dictionary<VmDeviceDescription, bool> seen = new(ReferenceEqualityComparer.Instance);
        private RamCollector? ram;
        private bool isPostcopy;

        public void Run()
        {
            try
            {
                while (reader.Read())
                {
                    report.Libvirt = reader.Libvirt;
                    report.Configuration = reader.Configuration;
                    Element(reader, reader.Current, isPackage: false);
                }
                ram?.ReadMapped(progress);
            }
            finally
            {
                report.PageSize = reader.Description?.PageSize;
                report.Ram = ram?.Report;
                report.Image = ram?.Image;
            }
            Finish();
        }

        private void Element(QemuStreamReader reader, in QemuStreamElement element, bool isPackage)
        {
            progress?.Report(element.Offset);
            isPostcopy |= element.Command?.Id is QemuCommandId.PostcopyAdvise or QemuCommandId.Packaged;
            SectionData? data = null;
            if (element.Kind == QemuElementKind.Section)
            {
                if (reader.Ram != null && element.Section.Name == QemuWire.RamName && element.Section.Kind != SectionKind.Full)
                {
                    ram ??= new RamCollector(reader, options.HasContents, options.KeepsImage);
                    ram.ReadRecords(progress);
                }
                else if (element.Section.Kind == SectionKind.Full)
                {
                    data = Data(reader, element);
                }
            }
            long length = reader.DataLength;
            long end = element.DataOffset + length;
            QemuStreamReader? package = element.Command?.Id == QemuCommandId.Packaged ? reader.OpenPackage() : null;
            if (package == null)
                reader.FinishElement();
            // A footer is a byte and the section's id.
            if (element.Kind == QemuElementKind.Section && reader.HasFooters == true)
                end += 5;
            report.HasTrailer |= element.Kind == QemuElementKind.Trailer;
            report.Parts.Add(new StreamPart(element.Kind, element.Offset, element.DataOffset, length)
            {
                End = end,
                Section = element.Section,
                Command = element.Command,
                Data = data,
                IsGuessed = element.IsGuessed,
                IsInPackage = isPackage,
            });
            while (package?.Read() == true)
                Element(package, package.Current, isPackage: true);
        }

        private SectionData Data(QemuStreamReader reader, in QemuStreamElement element)
        {
            if (element.Description is { } description)
            {
                seen[description] = true;
                if (!description.IsOldStyle && description.State.Version != element.Section.Version)
                {
                    throw Bad(element.Section, "version", $"version {description.State.Version}, as the trailer says",
                        $"version {element.Section.Version}", element.DataOffset - 4);
                }
            }
            bool isKept = reader.DataLength <= MaxKept;
            byte[]? bytes = isKept ? reader.ReadAllData() : null;
            var data = new SectionData(element.Section, element.DataOffset, bytes, element.Description);
            // All is checked, whether it is shown or not.
            try
            {
                foreach (VmDescriptionSpan _ in data.Spans())
                {
                }
            }
            catch (VmStateException e)
            {
                long at = e.Offset >= 0 ? element.DataOffset + e.Offset : -1;
                throw Bad(element.Section, string.Join(" › ", e.FieldPath), e.Expected ?? "what the trailer says", e.Found ?? e.Message, at);
            }
            bool isWanted = options.Device == null || IsMeant(options.Device, element.Section);
            return isWanted ? data : data with { Bytes = null };
        }

        private void Finish()
        {
            foreach (VmDeviceDescription device in reader.Description?.Devices ?? [])
            {
                if (!seen.ContainsKey(device))
                {
                    string name = new SectionHeader(SectionKind.Full, 0, device.Name, device.InstanceId, 0).ToString();
                    report.Problems.Add(new StreamProblem($"{name}: the trailer describes this section, but the stream does not have it", -1, name));
                }
            }
            if (reader.Description is { } description)
            {
                report.Dialect = VmDescriptionFields.DetectDialect(description);
                report.TrailerChecksum = FieldText.Crc(description.Json.Span);
            }
            if (!report.HasTrailer && !isPostcopy && !options.MayLackTrailer)
            {
                long at = report.Parts.LastOrDefault()?.End ?? 0;
                report.Problems.Add(new StreamProblem(
                    $"expected the trailer after EOF, found the end of the stream at offset 0x{at:x}: cut off here, unless its machine sends none (--no-trailer)", at));
            }
        }

        private static VmStateException Bad(in SectionHeader section, string path, string expected, string found, long offset)
        {
            var fault = new VmStateException(expected, found, offset);
            fault.Within(path);
            fault.InDevice(section.ToString());
            return fault;
        }
    }
}
