using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Schema;

/// <summary>Rules 32 and 33: whether the files record what the code has.</summary>
internal static class RecordComparison
{
    /// <param name="recorded">Unshipped over Shipped.</param>
    /// <param name="current">The code's.</param>
    /// <param name="report">What is reported already: a type with something worse needs no more.</param>
    public static IEnumerable<Finding> Compare(SchemaSet recorded, SchemaSet current, CompatibilityReport report)
    {
        var worse = new HashSet<string>(report.Findings.Where(finding => finding.Verdict > Verdict.Info).Select(finding => finding.Type));
        foreach (StateSchema state in current.States.Where(state => !worse.Contains(state.Key)))
        {
            StateSchema? known = recorded.Find(state.Key);
            if (known is null || !Normal(known).Equals(Normal(state)))
                yield return Stale(state.Key, CompatibilityRule.NotRecorded, known is null ? "the type is not in the baseline" : "the baseline does not have its changes yet");
        }
        foreach (EnumSchema value in current.Enums.Where(value => !worse.Contains(value.Key)))
        {
            EnumSchema? known = recorded.FindEnum(value.Key);
            if (value != known)
                yield return Stale(value.Key, CompatibilityRule.NotRecorded, known is null ? "the enum is not in the baseline" : "the baseline does not have its changes yet");
        }
        foreach (RemovedSectionSchema removed in current.RemovedSections.Where(removed => recorded.FindRemovedSection(removed.Name) != removed && !worse.Contains(removed.Type)))
            yield return Stale(removed.Type, CompatibilityRule.NotRecorded, $"that it reads the removed section \"{removed.Name}\" is not in the baseline");

        foreach (StateSchema state in recorded.States.Where(state => current.Find(state.Key) is null && !worse.Contains(state.Key)))
            yield return Stale(state.Key, CompatibilityRule.NotInCode, "the baseline has it, the code does not") with { IsTypeGone = true };
        foreach (EnumSchema value in recorded.Enums.Where(value => current.FindEnum(value.Key) is null && !worse.Contains(value.Key)))
            yield return Stale(value.Key, CompatibilityRule.NotInCode, "the baseline has it, the code does not") with { IsTypeGone = true };
        foreach (RemovedSectionSchema removed in recorded.RemovedSections.Where(removed => current.FindRemovedSection(removed.Name) is null && !worse.Contains(removed.Type)))
        {
            yield return Stale(removed.Type, CompatibilityRule.NotInCode, $"nothing reads the removed section \"{removed.Name}\" any more") with
            {
                IsTypeGone = current.Find(removed.Type) is null,
            };
        }
    }

    /// <summary>The code counts its items, the files keep ordinals; neither is what the schema says.</summary>
    private static StateSchema Normal(StateSchema state) => state with
    {
        Items = state.Items.Select(item => item with { Number = default }).ToEquatableArray(),
        Subsections = state.Subsections.OrderBy(subsection => subsection.Name, System.StringComparer.Ordinal).ToEquatableArray(),
        RemovedSubsections = state.RemovedSubsections.OrderBy(removed => removed.Name, System.StringComparer.Ordinal).ToEquatableArray(),
    };

    private static Finding Stale(string type, CompatibilityRule rule, string message) => new()
    {
        Rule = rule,
        Verdict = Verdict.Warning,
        Type = type,
        Message = message,
        Fixes = new[] { new SuggestedFix(FixKind.Accept) }.ToEquatableArray(),
    };
}
