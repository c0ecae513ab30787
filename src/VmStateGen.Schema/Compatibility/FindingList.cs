using System;
using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Schema;

/// <summary>Collects findings; what is met in several sections, directions and releases is one.</summary>
internal sealed class FindingList
{
    private readonly List<Finding> findings = new();
    private readonly Dictionary<object, int> places = new();

    public void Add(Finding finding, string? release)
    {
        if (release is not null)
            finding = finding with { Releases = new[] { release }.ToEquatableArray() };
        object key = (finding.Rule, finding.Type, finding.Subsection, finding.Path, (finding.Item?.Number, finding.Item is null ? finding.OldItem?.Number : null),
            IsPlaceless(finding) ? finding.Message : null);
        if (!places.TryGetValue(key, out int place))
        {
            places.Add(key, findings.Count);
            findings.Add(finding);
            return;
        }
        Finding known = findings[place];
        findings[place] = (finding.Verdict > known.Verdict ? finding : known) with
        {
            Breaks = known.Breaks | finding.Breaks,
            Places = known.Places.Concat(finding.Places).Distinct().ToEquatableArray(),
            Releases = known.Releases.Concat(finding.Releases).Distinct().OrderBy(name => name, ReleaseVersion.NameComparer).ToEquatableArray(),
        };
    }

    public EquatableArray<Finding> Findings()
    {
        IEnumerable<IGrouping<string, Finding>> byType = findings.GroupBy(finding => finding.Type);
        return byType.SelectMany(type => type.Any(finding => finding.Verdict > Verdict.Info) ? type.Where(finding => finding.Verdict > Verdict.Info)
                // A needless bump is not needless beside another change.
                : type.Count() > 1 && type.Any(finding => finding.Rule != CompatibilityRule.NeedlessVersion)
                    ? type.Where(finding => finding.Rule != CompatibilityRule.NeedlessVersion) : type)
            .OrderBy(finding => finding.Type, StringComparer.Ordinal).ThenBy(finding => finding.Subsection ?? "", StringComparer.Ordinal)
            .ThenBy(finding => (finding.Item ?? finding.OldItem)?.Number ?? default).ThenBy(finding => finding.Rule)
            .ToEquatableArray();
    }

    /// <summary>Several of them may be about one type: hooks.</summary>
    private static bool IsPlaceless(Finding finding) => finding.Rule == CompatibilityRule.LoadOrderChanged;
}
