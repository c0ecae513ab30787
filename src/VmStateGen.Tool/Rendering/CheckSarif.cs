using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using VmStateGen.Schema;
using VmStateGen.Tool.Checking;

namespace VmStateGen.Tool.Rendering;

/// <summary>Findings as SARIF 2.1.0, which code scanning services read.</summary>
internal static class CheckSarif
{
    public static void Write(TextWriter writer, CompatibilityReport report, FindingPlaces places) => CheckJson.Write(writer, json =>
    {
        CompatibilityRule[] rules = report.Findings.Select(finding => finding.Rule).Distinct().Order().ToArray();
        json.WriteStartObject();
        json.WriteString("$schema", "https://json.schemastore.org/sarif-2.1.0.json");
        json.WriteString("version", "2.1.0");
        json.WriteStartArray("runs");
        json.WriteStartObject();
        json.WriteStartObject("tool");
        json.WriteStartObject("driver");
        json.WriteString("name", "vmstate");
        json.WriteString("version", typeof(CheckSarif).Assembly.GetName().Version?.ToString(3));
        json.WriteStartArray("rules");
        foreach (CompatibilityRule rule in rules)
        {
            json.WriteStartObject();
            json.WriteString("id", CheckText.Id(rule));
            json.WriteString("name", rule.ToString());
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteStartArray("results");
        foreach (Finding finding in report.Findings)
            Write(json, finding, Array.IndexOf(rules, finding.Rule), places.Of(finding));
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    });

    private static void Write(Utf8JsonWriter json, Finding finding, int rule, (string Path, int? Line) place)
    {
        json.WriteStartObject();
        json.WriteString("ruleId", CheckText.Id(finding.Rule));
        json.WriteNumber("ruleIndex", rule);
        json.WriteString("level", finding.Verdict switch { Verdict.Error => "error", Verdict.Warning => "warning", _ => "note" });
        json.WriteStartObject("message");
        json.WriteString("text", $"{CheckText.Place(finding)}: {CheckText.Message(finding)}");
        json.WriteEndObject();
        json.WriteStartArray("locations");
        json.WriteStartObject();
        json.WriteStartObject("physicalLocation");
        json.WriteStartObject("artifactLocation");
        json.WriteString("uri", Uri.EscapeDataString(place.Path.Replace('\\', '/')).Replace("%2F", "/", StringComparison.Ordinal));
        json.WriteEndObject();
        if (place.Line is int line)
        {
            json.WriteStartObject("region");
            json.WriteNumber("startLine", line);
            json.WriteEndObject();
        }
        json.WriteEndObject();
        json.WriteStartArray("logicalLocations");
        json.WriteStartObject();
        json.WriteString("fullyQualifiedName", finding.Path.Length == 0 ? finding.Type : $"{finding.Type}/{finding.Path}");
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
