using System.Globalization;
using System.Linq;
using Spectre.Console;
using VmStateGen.Tool.Diffing;

namespace VmStateGen.Tool.Rendering;

/// <summary>Differences as tables.</summary>
internal static class DiffText
{
    private const string Absent = "(absent)";

    public static void Write(ToolOutput output, DiffReport report, string nameA, string nameB, bool hasPages)
    {
        if (report.Streams.Count + report.Sections.Count > 0)
        {
            Table table = ToolOutput.NewTable("section", "field", nameA, nameB);
            table.Columns[2].NoWrap = table.Columns[3].NoWrap = !output.IsTerminal;
            foreach (ValueDifference difference in report.Streams)
                Row(table, "(stream)", difference.Path, difference.A, difference.B);
            foreach (SectionDifference section in report.Sections)
            {
                if (!section.IsInA || !section.IsInB)
                    Row(table, section.Name, "(section)", section.IsInA ? "present" : null, section.IsInB ? "present" : null);
                foreach (ValueDifference field in section.Fields)
                    Row(table, section.Name, field.Path, field.A, field.B);
            }
            output.Ansi.Write(table);
        }
        if (report.Blocks.Count > 0)
        {
            Table table = ToolOutput.NewTable("RAM block", ">pages that differ", ">of", "");
            foreach (BlockDifference block in report.Blocks)
            {
                long size = System.Math.Max(block.SizeA ?? 0, block.SizeB ?? 0);
                string note = block.SizeA == null ? $"only in {nameB}" : block.SizeB == null ? $"only in {nameA}"
                    : block.SizeA != block.SizeB ? $"{SizeText.Of(block.SizeA.Value)} and {SizeText.Of(block.SizeB.Value)}" : "";
                table.AddRow(new Text(block.Name), new Text(SizeText.Count(block.Pages)).RightJustified(),
                    new Text(SizeText.Count((size + block.PageSize - 1) / block.PageSize)).RightJustified(), new Text(note));
            }
            output.Ansi.Write(table);
            if (hasPages)
                Pages(output, report);
        }
        string ignored = report.Ignored == 0 ? "" : $"; {report.Ignored} ignored";
        output.Writer.WriteLine(report.IsSame
            ? $"no difference{ignored}"
            : string.Create(CultureInfo.InvariantCulture, $"{report.Fields + report.Streams.Count} fields, {report.Sections.Count(section => !section.IsInA || !section.IsInB)} sections and {report.Pages} pages differ{ignored}"));
    }

    private static void Pages(ToolOutput output, DiffReport report)
    {
        foreach (BlockDifference block in report.Blocks)
        {
            foreach ((long first, long count) in block.Ranges)
                output.Writer.WriteLine($"{block.Name} {SizeText.Range(first * block.PageSize, (first + count) * block.PageSize)} ({count} {(count == 1 ? "page" : "pages")})");
        }
    }

    private static void Row(Table table, string section, string path, string? a, string? b) => table.AddRow(
        new Text(section), new Text(ToolOutput.Safe(path)), new Text(a ?? Absent, new Style(Color.Red)), new Text(b ?? Absent, new Style(Color.Green)));
}
