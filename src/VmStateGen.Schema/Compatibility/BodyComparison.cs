using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Schema;

/// <summary>Compares the fields of a state or of a flat subsection at one pair of versions, in one direction.</summary>
internal sealed class BodyComparison
{
    private readonly StateComparison states;
    private readonly WireBody old;
    private readonly WireBody current;
    private readonly int oldVersion;
    private readonly int currentVersion;
    private readonly VersionSource source;
    private readonly IReadOnlyList<ItemPair> pairs;

    public BodyComparison(StateComparison states, WireBody old, WireBody current, int oldVersion, int currentVersion, VersionSource source)
    {
        this.states = states;
        this.old = old;
        this.current = current;
        this.oldVersion = oldVersion;
        // A lowered version is reported as that, and not at each field as well.
        this.currentVersion = source == VersionSource.Local && current.Version < old.Version ? System.Math.Max(oldVersion, currentVersion) : currentVersion;
        this.source = source;
        pairs = ItemMatcher.Match(old.Items, current.Items, old.Set, current.Set);
    }

    public List<Difference> Compare()
    {
        var found = pairs.Select(pair => Classify(pair).ToList()).ToList();
        HashSet<int> inOrder = InOrder(found);
        return Regions.Settle(pairs, found, inOrder, IsThere, ThereNow, Project, Moved, Blanked);
    }

    private bool IsThere(WireItem? item) => item is not null && item.IsInVersion(oldVersion);

    private bool ThereNow(WireItem? item) => item is not null && item.IsInVersion(currentVersion);

    private IReadOnlyList<WireLeaf> Project(IEnumerable<WireItem> items, bool isOld) => isOld
        ? WireProjection.Project(old.Set, items, oldVersion, states.IsForward)
        : WireProjection.Project(current.Set, items, currentVersion, !states.IsForward);

    /// <summary>Marks what changed places; the rest is in order.</summary>
    private HashSet<int> InOrder(List<List<Difference>> found)
    {
        List<int> both = Enumerable.Range(0, pairs.Count).Where(i => IsThere(pairs[i].Old) && ThereNow(pairs[i].New)).ToList();
        List<WireItem> items = old.Items.ToList();
        List<int> places = both.Select(i => items.IndexOf(pairs[i].Old!)).ToList();
        HashSet<int> kept = ItemMatcher.Increasing(places);
        var inOrder = new HashSet<int>(kept.Select(index => both[index]));
        foreach (int i in both.Where(i => !inOrder.Contains(i)))
        {
            // One reason is enough for a field.
            found[i].RemoveAll(difference => difference.IsLayout);
            int place = items.IndexOf(pairs[i].Old!);
            found[i].Add(Of(pairs[i], CompatibilityRule.FieldsReordered, Verdict.Error,
                place == 0 ? "it was the first field" : $"it came behind {items[place - 1].Name}",
                true, new SuggestedFix(FixKind.RestoreOrder, null, place == 0 ? null : items[place - 1].Name)));
        }
        return inOrder;
    }

    private IEnumerable<Difference> Classify(ItemPair pair)
    {
        if (pair.Old is null)
            return Added(pair);
        if (pair.New is null)
            return IsThere(pair.Old) ? new[] { Gone(pair) } : Enumerable.Empty<Difference>();
        bool was = IsThere(pair.Old), now = ThereNow(pair.New);
        if (!was && !now)
            return Enumerable.Empty<Difference>();
        if (was != now)
            return new[] { Presence(pair, was) };
        return Both(pair, pair.Old, pair.New);
    }

    private IEnumerable<Difference> Added(ItemPair pair)
    {
        WireItem item = pair.New!;
        bool isPadding = item.Shape is WireShape.Padding;
        string next = Text(System.Math.Max(current.Version, old.Version + 1));
        if (!ThereNow(item))
        {
            // A split use site has the older versions covered by the other one.
            bool isCovered = current.Items.Any(other => other.Name == item.Name && other.Until < item.Since);
            if (!states.IsForward && source == VersionSource.Stream && item.Since > old.Version && !isPadding && !isCovered && item.Default is null
                && !current.State.Hooks.Any(hook => hook is "after-load" or "before-load"))
            {
                yield return Of(pair, CompatibilityRule.NoDefault, Verdict.Warning,
                    "a stream without it leaves it as it is: no default, and the type has no AfterLoad or BeforeLoad",
                    false, new SuggestedFix(FixKind.AddDefault));
            }
            yield break;
        }
        if (source == VersionSource.Local)
        {
            string why = item.Since > old.Version ? $"; nested state has no version on the wire, so Version = {item.Since} does not keep it out of old streams" : "";
            yield return Of(pair, CompatibilityRule.FieldAdded, Verdict.Error, $"{(isPadding ? "padding" : "the field")} was added to nested state{why}", true,
                new SuggestedFix(FixKind.MoveToSubsection, null, SubsectionName(item)), new SuggestedFix(FixKind.SplitUseSites, null, Text(old.Version)));
        }
        else if (item.When is null && item.Since > old.Version)
        {
            yield return Of(pair, CompatibilityRule.VersionedFieldAdded, Verdict.Error,
                $"an old build does not load version {current.Version}, which the field needs", false,
                new SuggestedFix(FixKind.MoveToSubsection, null, SubsectionName(item)));
        }
        else
        {
            yield return Of(pair, CompatibilityRule.FieldAdded, Verdict.Error,
                $"{(isPadding ? "padding" : "the field")} was added {(item.When is null ? "" : $"under {item.When} ")}without a version of its own", true,
                new SuggestedFix(FixKind.BumpVersion, null, next), new SuggestedFix(FixKind.MoveToSubsection, null, SubsectionName(item)));
        }
    }

    private Difference Gone(ItemPair pair)
    {
        WireItem item = pair.Old!;
        if (item.Shape is WireShape.Padding padding)
        {
            return Of(pair, CompatibilityRule.PaddingChanged, Verdict.Error, $"{padding.Size} bytes of padding are gone", true,
                new SuggestedFix(FixKind.AddRemoved, item.Name, Text(padding.Size)));
        }
        var fixes = new List<SuggestedFix>();
        if (WireLayout.FixedSize(item, old.Set) is long size)
            fixes.Add(new SuggestedFix(FixKind.AddRemoved, item.Name, size.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        if (source == VersionSource.Stream)
            fixes.Add(new SuggestedFix(FixKind.KeepUntil, item.Name, Text(System.Math.Max(current.Version, old.Version + 1))));
        bool isMoved = current.State.Items.Any(other => other.Name == item.Name && other.Subsection != item.Subsection);
        return Of(pair, CompatibilityRule.FieldRemoved, Verdict.Error,
            isMoved ? "the field moved out of its place to another subsection" : "the field is gone", true, fixes.ToArray());
    }

    private Difference Presence(ItemPair pair, bool was)
    {
        string conditions = Conditions(pair.Old!) is string before && Conditions(pair.New!) is string after && before != after
            ? $"it was there {before} and is there {after}"
            : $"the version went from {oldVersion} to {currentVersion}, and it is there {Conditions(pair.New!)}";
        int version = was ? oldVersion : currentVersion;
        return Of(pair, CompatibilityRule.FieldVersionChanged, Verdict.Error,
            $"{conditions}, so version {version} {(was == states.IsForward ? "has it now" : "had it")}{(was ? " and is read without it" : "")}", true,
            new SuggestedFix(FixKind.Restore, pair.Old!.Since != pair.New!.Since ? "Version" : "Until",
                pair.Old.Since != pair.New.Since ? Text(pair.Old.Since) : pair.Old.Until is int until ? Text(until) : null));

        static string Conditions(WireItem item) =>
            item.Since == 0 && item.Until is null ? "in every version"
            : item.Until is null ? $"since {item.Since}"
            : item.Since == 0 ? $"until {item.Until}" : $"from {item.Since} to {item.Until}";
    }

    private IEnumerable<Difference> Both(ItemPair pair, WireItem before, WireItem after)
    {
        if (before.Shape is WireShape.Padding || after.Shape is WireShape.Padding)
        {
            foreach (Difference difference in Padding(pair, before, after))
                yield return difference;
            yield break;
        }
        if (ItemComparison.Layout(before, after, IsSameCount) is ItemComparison.Change layout)
        {
            yield return Of(pair, layout, true);
            yield break;
        }
        foreach (ItemComparison.Change change in ItemComparison.Meaning(before, after, IsSameCount))
            yield return Of(pair, change, false);
        if (before.Name != after.Name)
        {
            yield return Of(pair, CompatibilityRule.FieldRenamed, Verdict.Info, $"it was called {before.Name}", false,
                new SuggestedFix(FixKind.AddFormerName, null, before.Name));
        }
        if (Enum(before) is EnumSchema left && Enum(after, current.Set) is EnumSchema right && EnumComparison.Compare(left, right) is Finding renumbered)
            yield return new Difference(renumbered with { Breaks = states.Direction }, false, after.Name);
        foreach (Difference difference in Nested(pair, before, after))
            yield return difference;
    }

    private IEnumerable<Difference> Padding(ItemPair pair, WireItem before, WireItem after)
    {
        long? was = before.Count is null ? WireLayout.FixedSize(before, old.Set) : null;
        if (before.Shape is WireShape.Padding left && after.Shape is WireShape.Padding right)
        {
            if (left.Size != right.Size || before.Count != after.Count)
            {
                yield return Of(pair, CompatibilityRule.PaddingChanged, Verdict.Error,
                    $"the padding was {left.Size} bytes{Per(before)} and is {right.Size}{Per(after)}", true, new SuggestedFix(FixKind.Restore, "Size", Text(left.Size)));
            }
            else if (before.When != after.When && ItemComparison.Layout(before, after, IsSameCount) is ItemComparison.Change predicate)
            {
                yield return Of(pair, predicate, true);
            }
        }
        else if (before.Shape is WireShape.Padding)
        {
            yield return Of(pair, CompatibilityRule.PaddingReused, Verdict.Error,
                "it stands where padding was, which old streams fill with zeros or with what once stood there", true,
                new SuggestedFix(FixKind.BumpVersion, null, Text(System.Math.Max(current.Version, old.Version + 1))));
        }
        else if (after.Count is null && ((WireShape.Padding)after.Shape).Size == was)
        {
            if (states.IsForward)
                yield return Blanked(pair);
        }
        else if (before.Count is null || after.Count != before.Count)
        {
            yield return Of(pair, CompatibilityRule.PaddingChanged, Verdict.Error,
                $"the field had {(was is null ? "a varying number of" : Text((int)was.Value))} bytes, the padding in its place has {after.Shape}{Per(after)}", true,
                new SuggestedFix(FixKind.Restore, "Size", was is null ? null : Text((int)was.Value)));
        }

        static string Per(WireItem item) => item.Count is null ? "" : $" for each of {item.Count}";
    }

    private IEnumerable<Difference> Nested(ItemPair pair, WireItem before, WireItem after)
    {
        if (before.Via is not null)
            return Inside(before.Via, after.Via!, null, null, isElement: false);
        switch (before.Shape, after.Shape)
        {
            case (WireShape.State left, WireShape.State right):
                return Inside(left.Type, right.Type, before.StructVersion, after.StructVersion, isElement: false);
            case (WireShape.List left, WireShape.List right):
                return Inside(left.Type, right.Type, before.ElementVersion, after.ElementVersion, isElement: true);
            case (WireShape.Tree left, WireShape.Tree right):
                return Inside(left.KeyType, right.KeyType, null, null, isElement: false)
                    .Concat(Inside(left.Type, right.Type, before.ElementVersion, after.ElementVersion, isElement: true));
            default:
                return Enumerable.Empty<Difference>();
        }

        IEnumerable<Difference> Inside(string oldType, string currentType, int? oldFixed, int? currentFixed, bool isElement)
        {
            if (old.Set.Find(oldType) is not StateSchema left || current.Set.Find(currentType) is not StateSchema right)
            {
                return IsNumber(oldType) || IsNumber(currentType)
                    ? oldType == currentType ? Enumerable.Empty<Difference>()
                        : new[] { Of(pair, CompatibilityRule.EncodingChanged, Verdict.Error, $"its elements were {oldType} and are {currentType}", true) }
                    : Enumerable.Empty<Difference>();
            }
            // Elements are saved at their type's version, whatever they are loaded at (which must be the same); StructVersion is for both.
            bool oldWrites = !states.IsForward;
            int was = isElement && oldWrites ? left.Version : oldFixed ?? left.Version;
            int now = isElement && !oldWrites ? right.Version : currentFixed ?? right.Version;
            List<Difference> found = states.Local(left, right, was, now);
            bool isFixed = !isElement && (oldFixed is not null || currentFixed is not null);
            if (isFixed && was != now && found.Any(IsBreak) && !states.Local(left, right, was, was).Any(IsBreak))
            {
                string fields = string.Join(", ", found.Where(IsBreak).Select(difference => difference.Trail).Distinct());
                return new[]
                {
                    Of(pair, CompatibilityRule.NestedStateChanged, Verdict.Error,
                        $"{right.Name} is written at version {(oldWrites ? was : now)} and read at {(oldWrites ? now : was)}, which differ in {fields}", true,
                        new SuggestedFix(FixKind.Restore, "StructVersion", Text(was))),
                };
            }
            return found.Select(difference => difference.Inside(after.Name));
        }

        static bool IsBreak(Difference difference) => difference.IsLayout && difference.Finding.Verdict == Verdict.Error;

        static bool IsNumber(string type) => ScalarKinds.TryParse(type, out _);
    }

    private bool IsSameCount(string left, string right) => pairs.Any(pair => pair.Old?.Name == left && pair.New?.Name == right);

    private EnumSchema? Enum(WireItem item, SchemaSet? set = null) =>
        item.Shape is WireShape.Scalar { Enum: string key } ? (set ?? old.Set).FindEnum(key) : null;

    private Difference Moved(IReadOnlyList<ItemPair> region)
    {
        ItemPair first = region.FirstOrDefault(pair => pair.New is { Shape: WireShape.State }) ?? region.FirstOrDefault(pair => pair.New is not null) ?? region[0];
        string names = string.Join(", ", region.Select(pair => pair.New?.Name ?? pair.Old!.Name).Distinct());
        return Of(first, CompatibilityRule.FieldsMoved, Verdict.Info, $"fields moved into or out of nested state; the bytes are the same ({names})", false);
    }

    private Difference Blanked(ItemPair pair) => Of(pair, CompatibilityRule.FieldRemoved, Verdict.Warning, "an old build reads zeros in its place", false);

    private string SubsectionName(WireItem item) => current.State.Name + "/" + item.Name;

    private Difference Of(ItemPair pair, ItemComparison.Change change, bool isLayout) => Of(pair, change.Rule, change.Verdict, change.Message, isLayout,
        change.Fix is FixKind kind ? new[] { new SuggestedFix(kind, change.Target, change.Value) } : System.Array.Empty<SuggestedFix>());

    private Difference Of(ItemPair pair, CompatibilityRule rule, Verdict verdict, string message, bool isLayout, params SuggestedFix[] fixes) => new(new Finding
    {
        Rule = rule,
        Verdict = verdict,
        Breaks = states.Direction,
        Type = current.State.Key,
        Item = pair.New,
        OldItem = pair.Old,
        Subsection = current.Flat,
        Path = (pair.New ?? pair.Old)!.Name,
        Message = message,
        Fixes = fixes.ToEquatableArray(),
    }, isLayout, (pair.New ?? pair.Old)!.Name);

    private static string Text(int value) => value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
