using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Spectre.Console;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;
using VmStateGen.Tool.Inspection;

namespace VmStateGen.Tool.Rendering;

/// <summary>A report as tables.</summary>
internal static class InspectText
{
    /// <param name="output">Where to.</param>
    /// <param name="report">The report.</param>
    /// <param name="hasFields">Prints the fields of every section that was kept.</param>
    /// <param name="hasOverview">Prints header, sections and RAM.</param>
    /// <param name="hasRam">Prints RAM in detail.</param>
    public static void Write(ToolOutput output, StreamReport report, bool hasOverview, bool hasFields, bool hasRam)
    {
        if (hasOverview || hasRam)
            Header(output, report);
        if (hasOverview)
            Sections(output, report);
        if (report.Ram != null && (hasOverview || hasRam))
            Ram(output, report.Ram, hasRam);
        if (hasFields)
        {
            foreach (StreamPart part in report.Parts.Where(part => part.Data?.Bytes != null))
                Fields(output, part);
        }
        if (hasOverview)
            Sizes(output, report);
    }

    private static void Header(ToolOutput output, StreamReport report)
    {
        output.Writer.WriteLine($"{report.Source}: QEMU stream, version {QemuWire.Version}, {SizeText.Count(report.Length)} bytes");
        if (report.Libvirt is { } libvirt)
            output.Writer.WriteLine($"saved by      libvirt, {(libvirt.WasRunning ? "running" : "paused")}; its XML has {libvirt.XmlLength} bytes at {SizeText.Hex(libvirt.XmlOffset)}");
        if (report.Configuration is { } configuration)
        {
            output.Writer.WriteLine($"machine       {configuration.MachineType}");
            if (configuration.Capabilities.Count > 0)
                output.Writer.WriteLine($"capabilities  {string.Join(", ", configuration.Capabilities)}");
            if (!configuration.Uuid.IsEmpty)
                output.Writer.WriteLine($"uuid          {new System.Guid(configuration.Uuid.Span, bigEndian: true)}");
        }
        if ((report.PageSize ?? report.Ram?.PageSize) is int pageSize)
            output.Writer.WriteLine($"page size     {pageSize}");
        output.Writer.WriteLine($"trailer       {Trailer(report)}{(report.TrailerChecksum is uint sum ? $", crc32c {sum:x8}" : "")}");
    }

    private static string Trailer(StreamReport report) => report.Dialect switch
    {
        VmDescriptionDialect.Qemu72 => "as QEMU 7.2 writes it",
        VmDescriptionDialect.Qemu100 => "as QEMU 10.0 writes it",
        VmDescriptionDialect.Qemu11 => "as QEMU 11 writes it",
        _ => report.HasTrailer ? "yes" : "none",
    };

    private static void Sections(ToolOutput output, StreamReport report)
    {
        Table table = ToolOutput.NewTable("bytes in the file", ">id", "what", "section", ">version", ">data", "");
        for (int i = 0; i < report.Parts.Count; i++)
        {
            StreamPart part = report.Parts[i];
            int last = i;
            // Iterations of one section are one line.
            while (part.Section.Kind == SectionKind.Part && last + 1 < report.Parts.Count
                && report.Parts[last + 1] is { Kind: QemuElementKind.Section, Section.Kind: SectionKind.Part } next && next.Section.Id == part.Section.Id)
            {
                last++;
            }
            bool isSection = part.Kind == QemuElementKind.Section;
            long data = report.Parts.Skip(i).Take(last - i + 1).Sum(each => each.DataLength);
            table.AddRow(
                SizeText.Range(part.Offset, report.Parts[last].End),
                isSection ? part.Section.Id.ToString(CultureInfo.InvariantCulture) : "",
                isSection ? (part.IsInPackage ? "  " : "") + part.Section.Kind.ToString().ToUpperInvariant() + (last > i ? $" × {last - i + 1}" : "") : part.Kind.ToString().ToUpperInvariant(),
                Markup.Escape(isSection ? part.Title : CommandText(part)),
                isSection ? part.Section.Version.ToString(CultureInfo.InvariantCulture) : "",
                SizeText.Count(data),
                Note(part));
            i = last;
        }
        output.Ansi.Write(table);
    }

    private static string Note(StreamPart part) =>
        part.IsGuessed ? "[yellow]end guessed[/]"
        : part.Data?.Description is { IsOldStyle: true } ? "old style: opaque"
        : "";

    private static string CommandText(StreamPart part) => part.Command is not { } command ? ""
        : command.Payload.Length == 0 ? command.Id.ToString()
        : $"{command.Id} {FieldText.Bytes(command.Payload.Span)}";

    private static void Ram(ToolOutput output, RamReport ram, bool isDetailed)
    {
        List<string> columns = ["RAM block", ">size", ">pages", ">normal", ram.IsMapped ? ">zero or absent" : ">zero", ">missing"];
        if (ram.Contents != null)
            columns.Add("checksum of contents");
        Table table = ToolOutput.NewTable([.. columns]);
        for (int i = 0; i < ram.Blocks.Count; i++)
        {
            RamBlockStatistics block = ram.Blocks[i];
            List<string> cells =
            [
                Markup.Escape(block.Block.Name), SizeText.Of(block.Block.UsedLength), SizeText.Count(block.Pages),
                SizeText.Count(block.NormalPages), SizeText.Count(block.ZeroPages), SizeText.Count(block.MissingPages),
            ];
            if (ram.Contents != null)
                cells.Add(ram.Contents[i].ToString("x16", CultureInfo.InvariantCulture));
            table.AddRow([.. cells]);
        }
        output.Ansi.Write(table);
        if (isDetailed && ram.Records.Count > 0)
        {
            string records = string.Join(", ", ram.Records.Select(record => $"{SizeText.Count(record.Value)} {record.Key.ToString().ToLowerInvariant()}"));
            output.Writer.WriteLine($"records: {records}; {SizeText.Of(ram.PayloadBytes)} of payload");
        }
    }

    private static void Fields(ToolOutput output, StreamPart part)
    {
        SectionData data = part.Data!;
        string state = data.Description is { IsOldStyle: false } description && description.State.Name != part.Section.Name
            ? $" ({ToolOutput.Safe(description.State.Name)})"
            : "";
        output.Ansi.MarkupLineInterpolated($"[bold]{part.Title}[/]{state}, version {part.Section.Version}, {data.Bytes!.Length} bytes at {SizeText.Hex(data.Offset)}{(part.IsGuessed ? ", end guessed" : "")}");
        Table table = ToolOutput.NewTable(">offset", "field", "type", "value").HideHeaders().Border(TableBorder.None);
        table.Columns[3].NoWrap = !output.IsTerminal;
        foreach (FieldLine line in FieldLine.Of(data))
        {
            bool isHeader = line.First.Kind == VmDescriptionSpanKind.SubsectionHeader;
            table.AddRow(
                new Text("  " + SizeText.Hex(data.Offset + line.First.Offset)),
                new Text(ToolOutput.Safe(line.Path), isHeader ? new Style(decoration: Decoration.Bold) : Style.Plain),
                new Text(isHeader ? "subsection" : ToolOutput.Safe(line.First.Type), new Style(Color.Grey)),
                new Text(isHeader ? $"version {Version(data, line.First)}" : line.Text));
        }
        output.Ansi.Write(table);
        output.Writer.WriteLine();
    }

    /// <summary>The last four bytes of a subsection's header.</summary>
    private static uint Version(SectionData data, in VmDescriptionSpan header) =>
        System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(data.Value(header)[^4..]);

    private static void Sizes(ToolOutput output, StreamReport report)
    {
        Table table = ToolOutput.NewTable("size by section", ">bytes", ">share");
        long all = Sizes(report).Sum(group => group.Bytes);
        foreach (var group in Sizes(report))
        {
            table.AddRow(Markup.Escape(group.Name), SizeText.Count(group.Bytes),
                all == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"{100.0 * group.Bytes / all:0.0} %"));
        }
        output.Ansi.Write(table);
    }

    /// <summary>Bytes by section, the largest first; headers and footers included.</summary>
    public static IEnumerable<(string Name, long Bytes)> Sizes(StreamReport report) => report.Parts
        .GroupBy(part => part.Title)
        .Select(group => (group.Key, group.Sum(part => part.End - part.Offset)))
        .OrderByDescending(group => group.Item2);
}
