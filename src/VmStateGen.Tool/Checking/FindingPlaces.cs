using System.Collections.Generic;
using System.Linq;
using VmStateGen.Schema;

namespace VmStateGen.Tool.Checking;

/// <summary>Where in the inputs a finding stands, for those who show it there: a line of a baseline file, or else the new side's file.</summary>
internal sealed class FindingPlaces
{
    private readonly CheckInput current;
    private readonly Dictionary<string, (string Path, int Line)> oldLines;
    private readonly Dictionary<string, (string Path, int Line)> currentLines;

    public FindingPlaces(CheckInput old, CheckInput current)
    {
        this.current = current;
        oldLines = Index(old);
        currentLines = Index(current);
    }

    /// <summary>The file, and the line if it has lines that say it.</summary>
    public (string Path, int? Line) Of(Finding finding)
    {
        // What is gone stands in the old file only, and so does everything where the new side is an assembly.
        bool isGone = finding.Item is null && finding.OldItem is not null;
        return (isGone ? Find(oldLines, $"{finding.Type}#{finding.OldItem!.Number}") : null)
            ?? Keys(finding, finding.Item).Select(key => Find(currentLines, key)).FirstOrDefault(place => place is not null)
            ?? Keys(finding, finding.OldItem).Select(key => Find(oldLines, key)).FirstOrDefault(place => place is not null)
            ?? (current.Path, null);
    }

    private static (string Path, int? Line)? Find(Dictionary<string, (string Path, int Line)> lines, string key) =>
        lines.TryGetValue(key, out (string Path, int Line) place) ? place : null;

    /// <summary>The most precise first.</summary>
    private static IEnumerable<string> Keys(Finding finding, WireItem? item)
    {
        if (item is not null)
            yield return $"{finding.Type}#{item.Number}";
        if (finding.Subsection is string subsection)
            yield return $"{finding.Type} @subsection {SchemaWriter.Quote(subsection)}";
        yield return finding.Type + " @type";
        yield return finding.Type + " @enum";
    }

    private static Dictionary<string, (string Path, int Line)> Index(CheckInput input)
    {
        var lines = new Dictionary<string, (string, int)>();
        foreach (BaselineFile file in input.Files)
        {
            foreach (BaselineLine line in file.Lines.Where(line => !line.IsRemoval))
                lines[line.Key] = (file.Name, line.Number);
        }
        return lines;
    }
}
