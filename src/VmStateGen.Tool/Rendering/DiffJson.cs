using System.Collections.Generic;
using System.IO;
using System.Text.Json;
using VmStateGen.Tool.Diffing;
using VmStateGen.Tool.Inspection;

namespace VmStateGen.Tool.Rendering;

/// <summary>Differences as JSON.</summary>
internal static class DiffJson
{
    /// <param name="output">Where to.</param>
    /// <param name="report">Null if the streams could not be compared.</param>
    /// <param name="nameA">The first stream.</param>
    /// <param name="nameB">The second one.</param>
    /// <param name="hasPages">Says which pages differ.</param>
    /// <param name="problems">Damage.</param>
    public static void Write(TextWriter output, DiffReport? report, string nameA, string nameB, bool hasPages, IReadOnlyList<StreamProblem> problems)
    {
        InspectJson.Document(output, json =>
        {
            json.WriteString("a", nameA);
            json.WriteString("b", nameB);
            if (report != null)
            {
                json.WriteBoolean("same", report.IsSame);
                json.WriteStartArray("stream");
                foreach (ValueDifference difference in report.Streams)
                    Value(json, difference);
                json.WriteEndArray();
                Sections(json, report);
                Ram(json, report, hasPages);
                json.WriteNumber("ignored", report.Ignored);
            }
            InspectJson.Problems(json, problems);
        });
    }

    private static void Sections(Utf8JsonWriter json, DiffReport report)
    {
        json.WriteStartArray("sections");
        foreach (SectionDifference section in report.Sections)
        {
            json.WriteStartObject();
            json.WriteString("section", section.Name);
            json.WriteBoolean("in_a", section.IsInA);
            json.WriteBoolean("in_b", section.IsInB);
            json.WriteStartArray("fields");
            foreach (ValueDifference field in section.Fields)
                Value(json, field);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void Ram(Utf8JsonWriter json, DiffReport report, bool hasPages)
    {
        json.WriteStartArray("ram");
        foreach (BlockDifference block in report.Blocks)
        {
            json.WriteStartObject();
            json.WriteString("block", block.Name);
            if (block.SizeA is long a)
                json.WriteNumber("size_a", a);
            if (block.SizeB is long b)
                json.WriteNumber("size_b", b);
            json.WriteNumber("pages", block.Pages);
            if (hasPages)
            {
                json.WriteStartArray("ranges");
                foreach ((long first, long count) in block.Ranges)
                {
                    json.WriteStartObject();
                    json.WriteNumber("offset", first * block.PageSize);
                    json.WriteNumber("length", count * block.PageSize);
                    json.WriteEndObject();
                }
                json.WriteEndArray();
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void Value(Utf8JsonWriter json, ValueDifference difference)
    {
        json.WriteStartObject();
        json.WriteString("path", difference.Path);
        if (difference.Type.Length > 0)
            json.WriteString("type", difference.Type);
        json.WriteString("a", difference.A);
        json.WriteString("b", difference.B);
        json.WriteEndObject();
    }
}
