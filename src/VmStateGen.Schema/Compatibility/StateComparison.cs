using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Schema;

/// <summary>Compares a state of a baseline with what it became, for loads in one direction.</summary>
internal sealed class StateComparison
{
    private readonly Stack<(string, string, int, int)> open = new();

    public StateComparison(SchemaSet old, SchemaSet current, bool isForward)
    {
        Old = old;
        Current = current;
        IsForward = isForward;
    }

    public SchemaSet Old { get; }

    public SchemaSet Current { get; }

    /// <summary>The old build loads what the new one writes; otherwise the new one loads what the old one wrote.</summary>
    public bool IsForward { get; }

    public CompatibilityDirection Direction => IsForward ? CompatibilityDirection.Forward : CompatibilityDirection.Backward;

    /// <summary>A section, or the state of a subsection: its version is in the stream.</summary>
    public List<Difference> FromStream(StateSchema old, StateSchema current)
    {
        int version = IsForward ? current.Version : old.Version;
        return States(old, current, version, version, VersionSource.Stream);
    }

    /// <summary>Nested state: each side has its own version of it.</summary>
    public List<Difference> Local(StateSchema old, StateSchema current, int oldVersion, int currentVersion) =>
        States(old, current, oldVersion, currentVersion, VersionSource.Local);

    private List<Difference> States(StateSchema old, StateSchema current, int oldVersion, int currentVersion, VersionSource source)
    {
        var found = new List<Difference>();
        if (open.Contains((old.Key, current.Key, oldVersion, currentVersion)))
            return found;
        open.Push((old.Key, current.Key, oldVersion, currentVersion));
        found.AddRange(Hooks(old, current));
        found.AddRange(Versioned(new WireBody(Old, old), new WireBody(Current, current), oldVersion, currentVersion, source));
        // A load that the minimum version refuses does not come to the subsections.
        if (!found.Any(difference => difference.Finding.Rule == CompatibilityRule.MinimumVersionRaised && difference.Finding.Subsection is null && difference.Trail.Length == 0))
            found.AddRange(Subsections(old, current));
        open.Pop();
        return found;
    }

    /// <summary>A body with what its version itself breaks.</summary>
    private List<Difference> Versioned(WireBody old, WireBody current, int oldVersion, int currentVersion, VersionSource source)
    {
        var found = new List<Difference>();
        if (current.Version < old.Version)
        {
            found.Add(Of(current, CompatibilityRule.VersionLowered, Verdict.Error, $"the version was {old.Version} and is {current.Version}",
                new SuggestedFix(FixKind.Restore, "Version", Text(old.Version))));
        }
        if (source == VersionSource.Stream && !IsForward && current.MinimumVersion > old.Version)
        {
            found.Add(Of(current, CompatibilityRule.MinimumVersionRaised, Verdict.Error,
                $"version {old.Version} is written, and only {current.MinimumVersion} and above are loaded",
                new SuggestedFix(FixKind.Restore, "MinimumVersion", Text(old.MinimumVersion)), new SuggestedFix(FixKind.MoveSupportWindow)));
            return found;
        }
        List<Difference> fields = new BodyComparison(this, old, current, oldVersion, currentVersion, source).Compare();
        found.AddRange(fields);
        if (current.Version <= old.Version)
            return found;

        bool isRefused = IsForward && source == VersionSource.Stream;
        if (isRefused && !fields.Any(difference => difference.Finding.Verdict == Verdict.Error))
        {
            found.Add(Of(current, CompatibilityRule.NeedlessVersion, Verdict.Error, $"an old build refuses version {current.Version}; it knows {old.Version}",
                new SuggestedFix(FixKind.Restore, "Version", Text(old.Version))));
        }
        else if (!isRefused && !current.Items.Any(item => item.IsInVersion(old.Version) != item.IsInVersion(current.Version)))
        {
            found.Add(Of(current, CompatibilityRule.NeedlessVersion, Verdict.Info,
                $"the version went from {old.Version} to {current.Version}, and nothing on the wire with it",
                new SuggestedFix(FixKind.Restore, "Version", Text(old.Version))));
        }
        return found;
    }

    private IEnumerable<Difference> Hooks(StateSchema old, StateSchema current)
    {
        foreach (string hook in old.Hooks.Where(hook => !current.Hooks.Contains(hook)))
        {
            yield return new Difference(new Finding
            {
                Rule = CompatibilityRule.LoadOrderChanged,
                Verdict = Verdict.Warning,
                Breaks = Direction,
                Type = current.Key,
                Message = $"the {hook} hook is gone; what it did for state of this release is not done",
            }, false, "");
        }
    }

    private List<Difference> Subsections(StateSchema old, StateSchema current)
    {
        var found = new List<Difference>();
        foreach (SubsectionSchema before in old.Subsections)
        {
            SubsectionSchema? after = current.Subsections.FirstOrDefault(subsection => subsection.Name == before.Name);
            IEnumerable<Difference> inside;
            if (after is not null)
            {
                found.AddRange(Conditions(current, before, after));
                inside = Subsection(old, before, current, after);
            }
            else if (IsForward)
            {
                continue;
            }
            else if (current.RemovedSubsections.FirstOrDefault(removed => removed.Name == before.Name) is RemovedSubsectionSchema reader)
            {
                inside = Discarded(old, before, reader.Type);
            }
            else
            {
                inside = new[] { Gone(old, before, current) };
            }
            found.AddRange(inside.Select(difference => difference.Inside(before.Name)));
        }
        if (IsForward)
        {
            found.AddRange(current.Subsections
                .Where(subsection => IsAlways(subsection) && !old.Subsections.Any(before => before.Name == subsection.Name)
                    && !old.RemovedSubsections.Any(removed => removed.Name == subsection.Name))
                .Select(subsection => Always(current, subsection, "is new and always written; an old build does not know it").Inside(subsection.Name)));
        }
        return found;
    }

    private IEnumerable<Difference> Subsection(StateSchema old, SubsectionSchema before, StateSchema current, SubsectionSchema after)
    {
        StateSchema? left = before.Type is null ? null : Old.Find(before.Type), right = after.Type is null ? null : Current.Find(after.Type);
        if ((before.Type is not null && left is null) || (after.Type is not null && right is null))
            return Enumerable.Empty<Difference>();
        if (left is not null && right is not null)
            return FromStream(left, right);

        WireBody a = left is null ? new WireBody(Old, old, before) : new WireBody(Old, left);
        WireBody b = right is null ? new WireBody(Current, current, after) : new WireBody(Current, right);
        int version = IsForward ? b.Version : a.Version;
        List<Difference> found = Versioned(a, b, version, version, VersionSource.Stream);
        if ((left is null) != (right is null) && !found.Any(difference => difference.IsLayout))
        {
            found.Add(new Difference(new Finding
            {
                Rule = CompatibilityRule.FieldsMoved,
                Verdict = Verdict.Info,
                Breaks = Direction,
                Type = current.Key,
                Subsection = after.Name,
                Message = right is null ? "its fields moved into the parent; the bytes are the same" : $"its fields moved to {right.Key}; the bytes are the same",
            }, false, ""));
        }
        return found;
    }

    /// <summary>What the type that reads a removed subsection cannot read of it. What happens to the values does not matter.</summary>
    private IEnumerable<Difference> Discarded(StateSchema old, SubsectionSchema before, string reader)
    {
        if (Current.Find(reader) is not StateSchema frozen)
            return Enumerable.Empty<Difference>();
        if (before.Type is not null && Old.Find(before.Type) is StateSchema nested)
            return FromStream(nested, frozen).Where(difference => difference.IsLayout || difference.Finding.Verdict == Verdict.Error);
        if (before.Type is not null)
            return Enumerable.Empty<Difference>();
        return Versioned(new WireBody(Old, old, before), new WireBody(Current, frozen), before.Version, before.Version, VersionSource.Stream)
            .Where(difference => difference.IsLayout || difference.Finding.Verdict == Verdict.Error);
    }

    private Difference Gone(StateSchema old, SubsectionSchema before, StateSchema current) => new(new Finding
    {
        Rule = CompatibilityRule.SubsectionRemoved,
        Verdict = Verdict.Error,
        Breaks = Direction,
        Type = current.Key,
        Subsection = before.Name,
        Message = current.Subsections.FirstOrDefault(after => !old.Subsections.Any(known => known.Name == after.Name)
            && after with { Name = before.Name } == before) is SubsectionSchema renamed
            ? $"the subsection is now called \"{renamed.Name}\"; a stream that has the old name is refused"
            : "the subsection is gone; a stream that has it is refused",
        Fixes = new[] { new SuggestedFix(FixKind.AddRemovedSubsection, before.Name, before.Type) }.ToEquatableArray(),
    }, true, "");

    private IEnumerable<Difference> Conditions(StateSchema current, SubsectionSchema before, SubsectionSchema after)
    {
        string was = Condition(before), now = Condition(after);
        if (was == now)
            yield break;
        if (IsForward && IsAlways(after))
            yield return Always(current, after, $"was written {was} and now always is").Inside(after.Name);
        else
        {
            yield return new Difference(new Finding
            {
                Rule = CompatibilityRule.PredicateChanged,
                Verdict = Verdict.Warning,
                Breaks = Direction,
                Type = current.Key,
                Subsection = after.Name,
                Message = $"it was written {was} and is written {now}",
                Fixes = new[] { new SuggestedFix(FixKind.Accept) }.ToEquatableArray(),
            }, false, after.Name);
        }
    }

    private Difference Always(StateSchema current, SubsectionSchema subsection, string message) => new(new Finding
    {
        Rule = CompatibilityRule.SubsectionAlwaysWritten,
        Verdict = Verdict.Error,
        Breaks = Direction,
        Type = current.Key,
        Subsection = subsection.Name,
        Message = "the subsection " + message,
        Fixes = new[] { new SuggestedFix(FixKind.AddNeeded, subsection.Name) }.ToEquatableArray(),
    }, false, "");

    private static bool IsAlways(SubsectionSchema subsection) => Condition(subsection) == "always";

    private static string Condition(SubsectionSchema subsection) =>
        subsection.Needed is not null ? $"if {subsection.Needed}"
        : subsection.Present is not null ? "if it was loaded"
        : subsection.IsNullable ? "if it is not null"
        : "always";

    private Difference Of(WireBody body, CompatibilityRule rule, Verdict verdict, string message, params SuggestedFix[] fixes) => new(new Finding
    {
        Rule = rule,
        Verdict = verdict,
        Breaks = Direction,
        Type = body.State.Key,
        Subsection = body.Flat,
        Message = message,
        Fixes = fixes.ToEquatableArray(),
    }, false, "");

    private static string Text(int value) => value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
