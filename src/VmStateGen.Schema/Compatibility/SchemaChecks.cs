using System;
using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Schema;

/// <summary>Rules 3, 6 and 28: what is wrong with a schema by itself.</summary>
public static class SchemaChecks
{
    /// <summary>Everything that is wrong in the set.</summary>
    public static EquatableArray<Finding> Check(SchemaSet set)
    {
        var found = new List<Finding>();
        foreach (IGrouping<string, StateSchema> same in set.States.Where(state => state.IsSection).GroupBy(state => state.Name))
        {
            foreach (StateSchema state in same.Skip(1))
                found.Add(Of(state, CompatibilityRule.DuplicateSection, Verdict.Error, $"{same.First().Key} has the section name \"{same.Key}\" too"));
            if (set.FindRemovedSection(same.Key) is RemovedSectionSchema removed)
                found.Add(Of(same.First(), CompatibilityRule.DuplicateSection, Verdict.Error, $"the name \"{same.Key}\" is retired: {removed.Type} reads it"));
        }
        foreach (StateSchema state in set.States)
        {
            Versions(set, state, found);
            Subsections(state, found);
        }
        return found.ToEquatableArray();
    }

    private static void Versions(SchemaSet set, StateSchema state, List<Finding> found)
    {
        Range(state.Version, state.MinimumVersion, null);
        foreach (SubsectionSchema subsection in state.Subsections.Where(subsection => subsection.Type is null))
            Range(subsection.Version, subsection.MinimumVersion, subsection.Name);
        foreach (WireItem item in state.Items)
        {
            SubsectionSchema? flat = state.Subsections.FirstOrDefault(subsection => subsection.Name == item.Subsection);
            int version = flat?.Version ?? state.Version, minimum = flat?.MinimumVersion ?? state.MinimumVersion;
            if (item.Since > version)
                Item(item, Verdict.Error, $"its first version, {item.Since}, is above the type's, {version}");
            else if (item.Since > 0 && item.Since <= minimum && item.When is null)
                Item(item, Verdict.Info, $"its first version, {item.Since}, is not above the minimum version, {minimum}: it is always there", FixKind.RemoveCondition, "Version");
            if (item.Until < minimum && item.When is null)
                Item(item, Verdict.Info, $"its last version, {item.Until}, is below the minimum version, {minimum}: it is never there", FixKind.RemoveCondition, "Until");
            if (item.ElementVersion is int fixedVersion && Element(item) is StateSchema element && element.Version != fixedVersion)
                Item(item, Verdict.Error, $"its elements are saved at version {element.Version} and loaded at {fixedVersion}");
            if (item.StructVersion is int nestedVersion && item.Shape is WireShape.State shape && set.Find(shape.Type) is StateSchema nested
                && (nestedVersion > nested.Version || nestedVersion < nested.MinimumVersion))
            {
                Item(item, Verdict.Error, $"its struct version, {nestedVersion}, is outside {nested.MinimumVersion} to {nested.Version}");
            }
        }

        void Range(int version, int minimum, string? subsection)
        {
            if (minimum > version)
                found.Add(Of(state, CompatibilityRule.VersionOutOfRange, Verdict.Error, $"the minimum version, {minimum}, is above the version, {version}") with { Subsection = subsection });
        }

        void Item(WireItem item, Verdict verdict, string message, FixKind? fix = null, string? target = null) =>
            found.Add(Of(state, CompatibilityRule.VersionOutOfRange, verdict, message) with
            {
                Item = item,
                Path = item.Name,
                Subsection = item.Subsection,
                Fixes = fix is FixKind kind ? new[] { new SuggestedFix(kind, target) }.ToEquatableArray() : default,
            });

        StateSchema? Element(WireItem item) => item.Shape switch
        {
            WireShape.List list => set.Find(list.Type),
            WireShape.Tree tree => set.Find(tree.Type),
            _ => null,
        };
    }

    private static void Subsections(StateSchema state, List<Finding> found)
    {
        var names = new HashSet<string>();
        foreach (string name in state.Subsections.Select(subsection => subsection.Name).Concat(state.RemovedSubsections.Select(removed => removed.Name)))
        {
            if (!name.StartsWith(state.Name, StringComparison.Ordinal) || name.Length == state.Name.Length)
                Name(name, $"its name does not begin with its parent's, \"{state.Name}\"");
            if (!names.Add(name))
                Name(name, "it is there twice");
        }

        void Name(string name, string message) =>
            found.Add(Of(state, CompatibilityRule.SubsectionName, Verdict.Error, message) with { Subsection = name, Path = name });
    }

    private static Finding Of(StateSchema state, CompatibilityRule rule, Verdict verdict, string message) => new()
    {
        Rule = rule,
        Verdict = verdict,
        Type = state.Key,
        Message = message,
        Places = state.IsSection ? new[] { new FindingPlace(state.Key, state.Name, "") }.ToEquatableArray() : default,
    };
}
