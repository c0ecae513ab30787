using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Schema;

/// <summary>What a release wrote.</summary>
/// <param name="Release">Its name; null if the baseline has none.</param>
/// <param name="Schemas">Its types.</param>
public sealed record Baseline(string? Release, SchemaSet Schemas);

/// <summary>
/// Compares the current schema with those of releases (docs/schema.md). Pure: what it needs is in its arguments. Rules 1, 2, 4, 5, 7–27 and
/// 29–31; <see cref="SchemaChecks"/> has those that need no baseline, <see cref="BaselineSet"/> those of the files.
/// </summary>
public static class CompatibilityChecker
{
    /// <summary>Every difference from every baseline, each reported once, ordered by type and place.</summary>
    public static CompatibilityReport Compare(IEnumerable<Baseline> baselines, SchemaSet current, CompatibilityDirection direction = CompatibilityDirection.Backward)
    {
        var all = new FindingList();
        foreach (Baseline baseline in baselines)
        {
            foreach (bool isForward in new[] { false, true })
            {
                if ((direction & (isForward ? CompatibilityDirection.Forward : CompatibilityDirection.Backward)) != 0)
                    new SetComparison(baseline.Schemas, current, isForward).Compare(finding => all.Add(finding, baseline.Release));
            }
        }
        return new CompatibilityReport(all.Findings());
    }

    /// <summary>Every difference from one baseline.</summary>
    public static CompatibilityReport Compare(SchemaSet baseline, SchemaSet current, CompatibilityDirection direction = CompatibilityDirection.Backward) =>
        Compare(new[] { new Baseline(null, baseline) }, current, direction);
}

/// <summary>What a comparison found.</summary>
/// <param name="Findings">Ordered by type and place.</param>
public sealed record CompatibilityReport(EquatableArray<Finding> Findings)
{
    /// <summary>The worst of it; null if there is nothing.</summary>
    public Verdict? Worst => Findings.Count == 0 ? null : Findings.Max(finding => finding.Verdict);

    /// <summary>A supported load fails or reads something else than was written.</summary>
    public bool HasErrors => Worst == Verdict.Error;
}
