using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Schema;

/// <summary>
/// Rule 3 against releases: the name of a section that a release has given up belongs to what older streams hold under it, also of releases
/// that are not supported any more. Putting the old section back is no new use.
/// </summary>
internal static class RetiredNames
{
    /// <summary>The section that has such a name, and the newest release that had another.</summary>
    public static IReadOnlyList<(StateSchema Section, Baseline Release)> Find(IReadOnlyList<Baseline> releases, SchemaSet current)
    {
        if (releases.Count < 2)
            return System.Array.Empty<(StateSchema, Baseline)>();
        var names = new HashSet<string>(Names(releases[releases.Count - 1]));
        return (from section in current.States
                where section.IsSection && !names.Contains(section.Name)
                let last = releases.LastOrDefault(release => Names(release).Contains(section.Name))
                where last is not null && IsOther(last, section, current)
                select (section, last)).ToList();
    }

    public static Finding ToFinding(StateSchema section, Baseline release) => new()
    {
        Rule = CompatibilityRule.DuplicateSection,
        Verdict = Verdict.Error,
        Breaks = CompatibilityDirection.Backward,
        Type = section.Key,
        Message = $"the name \"{section.Name}\" is retired: release {release.Release} had another section of it; choose another name",
        Places = new[] { new FindingPlace(section.Key, section.Name, "") }.ToEquatableArray(),
        Releases = release.Release is string name ? new[] { name }.ToEquatableArray() : default,
    };

    /// <summary>The release without the sections of those names: that they differ is said once.</summary>
    public static Baseline Without(Baseline release, ICollection<string> names)
    {
        if (!Names(release).Any(names.Contains))
            return release;
        var rest = new SchemaSet(release.Schemas.States.Select(state => names.Contains(state.Name) ? state with { IsSection = false } : state));
        foreach (EnumSchema value in release.Schemas.Enums)
            rest.Add(value);
        foreach (RemovedSectionSchema removed in release.Schemas.RemovedSections)
            rest.Add(removed);
        return new Baseline(release.Release, rest);
    }

    private static IEnumerable<string> Names(Baseline release) => release.Schemas.States.Where(state => state.IsSection).Select(state => state.Name);

    private static bool IsOther(Baseline release, StateSchema section, SchemaSet current) => CompatibilityChecker.Compare(new[] { release }, current).Findings
        .Any(finding => finding.Verdict == Verdict.Error && finding.Sections.Contains(section.Name));
}
