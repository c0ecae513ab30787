using System.Collections.Generic;
using System.Linq;
using VmStateGen.Schema;

namespace VmStateGen.Analyzers;

/// <summary>A finding in words: where on the wire, what happened, which releases it breaks, what to do.</summary>
internal static class FindingText
{
    private const int MostPaths = 4;

    /// <summary>Every place on the wire; without one, the type and the item.</summary>
    public static string Path(Finding finding)
    {
        List<string> paths = finding.Places.Select(place => place.Path.Length == 0 ? place.Section : place.Section + "/" + place.Path).Distinct().ToList();
        if (paths.Count == 0)
            return finding.Path.Length == 0 ? finding.Type : $"{finding.Type}/{finding.Path}";
        return string.Join(", ", paths.Take(MostPaths)) + (paths.Count > MostPaths ? $" and {paths.Count - MostPaths} more" : "");
    }

    public static string Text(Finding finding)
    {
        string text = finding.Message;
        if (Consequence(finding) is string consequence)
            text += "; " + consequence;
        if (finding.Fixes.Select(fix => Fix(fix, finding)).FirstOrDefault(fix => fix is not null) is string first)
            text += "; " + first;
        return text;
    }

    private static string? Consequence(Finding finding)
    {
        if (finding.Rule is CompatibilityRule.NotRecorded or CompatibilityRule.NotInCode || finding.Breaks == CompatibilityDirection.None)
            return null;
        string releases = finding.Releases.Count == 0 ? "the last release" : "release " + string.Join(", ", finding.Releases);
        if (finding.Verdict < Verdict.Error)
            return $"compare {releases}";
        string old = $"streams of {releases} do not load";
        string back = $"{releases} does not load its streams";
        return finding.Breaks switch
        {
            CompatibilityDirection.Backward => old,
            CompatibilityDirection.Forward => back,
            _ => $"{old} and {back}",
        };
    }

    /// <summary>What would mend it, as a person would be told; null where the message says it.</summary>
    private static string? Fix(SuggestedFix fix, Finding finding) => fix.Kind switch
    {
        FixKind.Restore when fix.Target is not null => fix.Value is { Length: > 0 } ? $"restore {fix.Target} = {fix.Value}" : $"restore {fix.Target} as it was",
        FixKind.RestoreName => $"restore the name \"{fix.Value}\"",
        FixKind.RestoreOrder => fix.Value is null ? "move it back to the front" : $"move it back behind {fix.Value}",
        FixKind.BumpVersion when finding.Item is not null => $"raise the version to {fix.Value} and give the field Version = {fix.Value}",
        FixKind.BumpVersion => $"raise the version to {fix.Value} and tag what is new",
        FixKind.KeepUntil => $"raise the version to {fix.Value} and keep the field until the one before",
        FixKind.AddRemoved => $"put [Removed(\"{fix.Target}\", {fix.Value})] in its place",
        FixKind.MoveToSubsection => $"move it to a subsection such as \"{fix.Value}\"",
        FixKind.SplitUseSites => $"split the use sites by StructVersion at {fix.Value}",
        FixKind.KeepEncoding => $"keep the wire by As = WireType.{fix.Value?.ToUpperInvariant()}",
        FixKind.AddRemovedSection => $"read it by [assembly: RemovedSection(\"{fix.Target}\", typeof(…))]",
        FixKind.AddRemovedSubsection => $"read it by [RemovedSubsection(\"{fix.Target}\", typeof(…))]",
        FixKind.RemoveCondition => $"remove {fix.Target}",
        FixKind.MoveSupportWindow => "move the support window",
        FixKind.AddFormerName => $"FormerName = \"{fix.Value}\" lets tools follow",
        FixKind.AddDefault => "give it a Default, or the type an [AfterLoad] method",
        FixKind.AddNeeded => "give the subsection a Needed predicate",
        FixKind.Accept => "accept it into VmState.Unshipped.txt (vmstate baseline accept)",
        _ => null,
    };
}
