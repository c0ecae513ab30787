using System;
using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Schema;

/// <summary>Pairs the sections of two sets and compares each.</summary>
internal sealed class SetComparison
{
    private readonly SchemaSet old;
    private readonly SchemaSet current;
    private readonly StateComparison states;

    public SetComparison(SchemaSet old, SchemaSet current, bool isForward)
    {
        this.old = old;
        this.current = current;
        states = new StateComparison(old, current, isForward);
    }

    public void Compare(Action<Finding> report)
    {
        foreach (StateSchema section in old.States.Where(state => state.IsSection))
        {
            StateSchema? now = Partner(section);
            RemovedSectionSchema? reader = now?.Name == section.Name ? null : current.FindRemovedSection(section.Name);
            if (reader is not null)
                Discarded(section, reader, report);
            else if (now is null)
                Gone(section, report);
            else if (!IsUnchanged(section, now))
                Sections(section, now, report);
        }
    }

    /// <summary>The same in all that it reaches, which most sections of most releases are: there is nothing to align.</summary>
    private bool IsUnchanged(StateSchema section, StateSchema now) => section.Key == now.Key
        && SchemaReach.Closure(old, section.Key).All(key => old.Find(key) is StateSchema before && current.Find(key) is StateSchema after && IsSame(before, after));

    private bool IsSame(StateSchema before, StateSchema after)
    {
        // Ordinals count places: the code's are as good as the file's.
        if (before.Items.Count != after.Items.Count || before with { Items = default } != after with { Items = default })
            return false;
        for (int i = 0; i < before.Items.Count; i++)
        {
            WireItem left = before.Items[i], right = after.Items[i];
            if (!(left.Number.Equals(right.Number) ? left : left with { Number = right.Number }).Equals(right))
                return false;
            if (left.Shape is WireShape.Scalar { Enum: string value } && old.FindEnum(value) != current.FindEnum(value))
                return false;
        }
        return true;
    }

    /// <summary>The section of the current code that the baseline's became: the name on the wire tells first, then the key.</summary>
    private StateSchema? Partner(StateSchema section)
    {
        StateSchema? same = current.Find(section.Key) is { IsSection: true } found ? found : null;
        if (same?.Name == section.Name)
            return same;
        return current.States.FirstOrDefault(state => state.IsSection && state.Name == section.Name && !IsPartnerOfAnother(state)) ?? same;
    }

    private bool IsPartnerOfAnother(StateSchema state) => old.Find(state.Key) is { IsSection: true } other && other.Name == state.Name;

    private void Sections(StateSchema section, StateSchema now, Action<Finding> report)
    {
        var found = new List<Difference>(Header(section, now));
        found.AddRange(states.FromStream(section, now));
        if (found.Count == 0 && Fallback(section, now) is Difference rest)
            found.Add(rest);
        foreach (Difference difference in found)
            report(difference.Finding with { Places = new[] { new FindingPlace(now.Key, now.Name, difference.Trail) }.ToEquatableArray() });
    }

    private IEnumerable<Difference> Header(StateSchema section, StateSchema now)
    {
        if (section.Name != now.Name)
        {
            yield return Of(now, CompatibilityRule.SectionRenamed, Verdict.Error, $"the section is called \"{now.Name}\" and was called \"{section.Name}\"",
                new SuggestedFix(FixKind.RestoreName, null, section.Name));
        }
        if (now.Unmigratable && !section.Unmigratable)
        {
            yield return Of(now, CompatibilityRule.SectionRemoved, Verdict.Error, "the section is unmigratable now",
                new SuggestedFix(FixKind.Restore, "Unmigratable", "false"));
        }
        if (section.Priority != now.Priority)
        {
            yield return Of(now, CompatibilityRule.LoadOrderChanged, Verdict.Warning, $"its priority was {section.Priority} and is {now.Priority}",
                new SuggestedFix(FixKind.Restore, "Priority", section.Priority));
        }
        if (section.EarlySetup != now.EarlySetup)
        {
            yield return Of(now, CompatibilityRule.LoadOrderChanged, Verdict.Warning,
                section.EarlySetup ? "it was loaded in the setup phase and no longer is" : "it is loaded in the setup phase now",
                new SuggestedFix(FixKind.Restore, "EarlySetup", section.EarlySetup ? "true" : "false"));
        }
        if (section.Needed != now.Needed)
        {
            yield return Of(now, CompatibilityRule.PredicateChanged, Verdict.Warning,
                $"the section was written {If(section.Needed)} and is written {If(now.Needed)}", new SuggestedFix(FixKind.Accept));
        }

        static string If(string? needed) => needed is null ? "always" : "if " + needed;
    }

    private void Discarded(StateSchema section, RemovedSectionSchema reader, Action<Finding> report)
    {
        if (states.IsForward || current.Find(reader.Type) is not StateSchema frozen)
            return;
        foreach (Difference difference in states.FromStream(section, frozen).Where(difference => difference.IsLayout || difference.Finding.Verdict == Verdict.Error))
            report(difference.Finding with { Places = new[] { new FindingPlace(frozen.Key, section.Name, difference.Trail) }.ToEquatableArray() });
    }

    private void Gone(StateSchema section, Action<Finding> report)
    {
        // An old build has it too, and its guest is not told what it misses; that is not a failing load.
        if (states.IsForward)
            return;
        report(new Finding
        {
            Rule = CompatibilityRule.SectionRemoved,
            Verdict = Verdict.Error,
            Breaks = states.Direction,
            Type = section.Key,
            IsTypeGone = current.Find(section.Key) is null,
            Message = $"section \"{section.Name}\" is gone; a stream that has it is refused",
            Places = new[] { new FindingPlace(section.Key, section.Name, "") }.ToEquatableArray(),
            Fixes = new[] { new SuggestedFix(FixKind.AddRemovedSection, section.Name, section.Key) }.ToEquatableArray(),
        });
    }

    /// <summary>Nothing was found, and the bytes differ: no rule may have seen it, but somebody must be told.</summary>
    private Difference? Fallback(StateSchema section, StateSchema now)
    {
        if (states.IsForward)
            return null;
        List<WireLeaf> before = Own(WireProjection.Project(old, section, section.Version));
        List<WireLeaf> after = Own(WireProjection.Project(current, now, section.Version, isReading: true));
        int at = 0;
        foreach (WireLeaf leaf in after)
        {
            // Padding may stand for several fields.
            long rest = leaf.Wire.StartsWith("pad[", StringComparison.Ordinal) ? WireProjection.Size(leaf) ?? 0 : 0;
            while (rest > 0 && at < before.Count && WireProjection.Size(before[at]) is long size)
            {
                rest -= size;
                at++;
            }
            if (rest == 0 && leaf.Wire.StartsWith("pad[", StringComparison.Ordinal))
                continue;
            if (rest != 0 || at == before.Count || !IsSame(before[at], leaf))
                return Different(at);
            at++;
        }
        return at == before.Count ? null : Different(at);

        Difference Different(int index) => Of(now, CompatibilityRule.LayoutChanged, Verdict.Error,
            $"at version {section.Version} the bytes differ from {(index < before.Count ? $"{before[index].Path} ({before[index].Wire})" : "the end")} on",
            new SuggestedFix(FixKind.BumpVersion, null, (section.Version + 1).ToString(System.Globalization.CultureInfo.InvariantCulture)));
    }

    /// <summary>Without subsections, which are compared by name.</summary>
    private static List<WireLeaf> Own(IReadOnlyList<WireLeaf> leaves)
    {
        var own = new List<WireLeaf>();
        int depth = 0;
        foreach (WireLeaf leaf in leaves)
        {
            bool opens = leaf.Wire.EndsWith("[", StringComparison.Ordinal);
            if (depth > 0)
                depth += opens ? 1 : leaf.Wire == "]" ? -1 : 0;
            else if (leaf.Wire.StartsWith("subsection ", StringComparison.Ordinal))
                depth = 1;
            else
                own.Add(leaf);
        }
        return own;
    }

    private static bool IsSame(WireLeaf before, WireLeaf after) =>
        before.Wire == after.Wire || (WireProjection.Size(before) is long size && WireProjection.Size(after) == size)
        || IsText(before.Wire, after.Wire, "unknown ") || IsText(before.Wire, after.Wire, "again ");

    private static bool IsText(string before, string after, string start) =>
        before.StartsWith(start, StringComparison.Ordinal) && after.StartsWith(start, StringComparison.Ordinal);

    private Difference Of(StateSchema state, CompatibilityRule rule, Verdict verdict, string message, params SuggestedFix[] fixes) => new(new Finding
    {
        Rule = rule,
        Verdict = verdict,
        Breaks = states.Direction,
        Type = state.Key,
        Message = message,
        Fixes = fixes.ToEquatableArray(),
    }, false, "");
}
