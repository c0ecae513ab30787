using System;
using System.IO;
using System.Linq;
using System.Text;
using VmStateGen.Schema;
using VmStateGen.Tool.Checking;

namespace VmStateGen.Tool.Rendering;

/// <summary>Findings as lines for people and for GitHub's workflow log.</summary>
internal static class CheckText
{
    public static void Write(TextWriter writer, CompatibilityReport report)
    {
        foreach (Finding finding in report.Findings)
            writer.WriteLine(ToolOutput.Safe($"{Place(finding)}: {Word(finding.Verdict)} {Id(finding.Rule)}: {Message(finding)}"));
        int errors = report.Findings.Count(finding => finding.Verdict == Verdict.Error), warnings = report.Findings.Count(finding => finding.Verdict == Verdict.Warning);
        writer.WriteLine($"{Count(errors, "error")}, {Count(warnings, "warning")}");
    }

    /// <summary>Workflow commands: GitHub shows them at the file.</summary>
    public static void WriteWorkflow(TextWriter writer, CompatibilityReport report, FindingPlaces places)
    {
        foreach (Finding finding in report.Findings)
        {
            string command = finding.Verdict switch { Verdict.Error => "error", Verdict.Warning => "warning", _ => "notice" };
            (string path, int? line) = places.Of(finding);
            writer.WriteLine($"::{command} file={Property(path)}{(line is null ? "" : $",line={line}")},title={Property($"vmstate {Id(finding.Rule)}")}::{Data($"{Place(finding)}: {Message(finding)}")}");
        }
    }

    /// <summary>The section's key in the file, then the path of the field.</summary>
    public static string Place(Finding finding)
    {
        FindingPlace? place = finding.Places.Count > 0 ? finding.Places[0] : null;
        string path = place?.Path ?? (finding.Subsection is null || finding.Path == finding.Subsection ? finding.Path : (finding.Subsection + "/" + finding.Path).TrimEnd('/'));
        string key = place?.SectionKey ?? finding.Type;
        return path.Length == 0 ? key : $"{key} {path}";
    }

    /// <summary>What happened, where else, and whom it breaks.</summary>
    public static string Message(Finding finding)
    {
        var text = new StringBuilder(finding.Message);
        if (finding.Releases.Count > 0)
            text.Append($" (release {string.Join(", ", finding.Releases)})");
        if (finding.Breaks == CompatibilityDirection.Forward)
            text.Append("; breaks loads by the old side");
        else if (finding.Breaks == CompatibilityDirection.Full)
            text.Append("; breaks both directions");
        string[] others = finding.Places.Skip(1).Select(place => place.Path.Length == 0 ? place.SectionKey : $"{place.SectionKey} {place.Path}").ToArray();
        if (others.Length > 0)
            text.Append($"; also {string.Join(", ", others)}");
        return text.ToString();
    }

    /// <summary>The rule as a word with its number: <c>width-changed(14)</c>.</summary>
    public static string Id(CompatibilityRule rule) =>
        string.Concat(rule.ToString().Select((c, i) => char.IsUpper(c) ? (i > 0 ? "-" : "") + char.ToLowerInvariant(c) : c.ToString())) + $"({(int)rule})";

    public static string Word(Verdict verdict) => verdict.ToString().ToLowerInvariant();

    private static string Count(int number, string what) => number == 1 ? $"1 {what}" : $"{number} {what}s";

    private static string Data(string text) => text.Replace("%", "%25", StringComparison.Ordinal).Replace("\r", "%0D", StringComparison.Ordinal).Replace("\n", "%0A", StringComparison.Ordinal);

    private static string Property(string text) => Data(text).Replace(":", "%3A", StringComparison.Ordinal).Replace(",", "%2C", StringComparison.Ordinal);
}
