using System;
using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Schema;

/// <summary>How bad a finding is.</summary>
public enum Verdict
{
    /// <summary>Allowed; somebody may want to know.</summary>
    Info,

    /// <summary>Probably wrong, or not to be decided from the schema.</summary>
    Warning,

    /// <summary>A load fails, or reads something else than was written.</summary>
    Error,
}

/// <summary>Which loads are checked, or break.</summary>
[Flags]
public enum CompatibilityDirection
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>New code loads old streams.</summary>
    Backward = 1,

    /// <summary>Old code loads new streams.</summary>
    Forward = 2,

    /// <summary>Both.</summary>
    Full = Backward | Forward,
}

/// <summary>What would mend a finding; editors and the tool know how.</summary>
public enum FixKind
{
    /// <summary>Set the property named in <see cref="SuggestedFix.Target"/> back to <see cref="SuggestedFix.Value"/>.</summary>
    Restore,

    /// <summary>Put back the old wire name, <see cref="SuggestedFix.Value"/>.</summary>
    RestoreName,

    /// <summary>Put the item back to its place, which is behind the item named <see cref="SuggestedFix.Value"/> (first, if null).</summary>
    RestoreOrder,

    /// <summary>Raise the type's version to <see cref="SuggestedFix.Value"/> and give the item that <c>Version</c>.</summary>
    BumpVersion,

    /// <summary>Raise the type's version to <see cref="SuggestedFix.Value"/>; the item keeps an <c>Until</c> of one less.</summary>
    KeepUntil,

    /// <summary><c>[Removed(Target, Value)]</c> in the item's place.</summary>
    AddRemoved,

    /// <summary>Move the item to a subsection, proposed name in <see cref="SuggestedFix.Value"/>.</summary>
    MoveToSubsection,

    /// <summary>Split the use sites of the nested type by <c>StructVersion</c>; <see cref="SuggestedFix.Value"/> is the old version.</summary>
    SplitUseSites,

    /// <summary><c>[Field(As = Value)]</c> keeps the old encoding.</summary>
    KeepEncoding,

    /// <summary><c>[RemovedSection(Target, typeof(Value))]</c> on the assembly.</summary>
    AddRemovedSection,

    /// <summary><c>[RemovedSubsection(Target, typeof(Value))]</c> on the type.</summary>
    AddRemovedSubsection,

    /// <summary>Remove the condition named in <see cref="SuggestedFix.Target"/>.</summary>
    RemoveCondition,

    /// <summary>Move the support window past the release in <see cref="SuggestedFix.Value"/>.</summary>
    MoveSupportWindow,

    /// <summary>Record <see cref="SuggestedFix.Value"/> as the field's former name.</summary>
    AddFormerName,

    /// <summary>Give the field a default, or the type an AfterLoad method.</summary>
    AddDefault,

    /// <summary>Give the subsection a predicate.</summary>
    AddNeeded,

    /// <summary>Record the current schema in VmState.Unshipped.txt.</summary>
    Accept,
}

/// <summary>One way to mend a finding.</summary>
/// <param name="Kind">What to do.</param>
/// <param name="Target">Name of what is to be changed, where the finding's own item is not enough.</param>
/// <param name="Value">What it becomes.</param>
public sealed record SuggestedFix(FixKind Kind, string? Target = null, string? Value = null);

/// <summary>Where a difference is on the wire.</summary>
/// <param name="SectionKey">Key of the section's type in the file that the section is in.</param>
/// <param name="Section">The section's name.</param>
/// <param name="Path">Names from the section down to the item, joined by <c>/</c>.</param>
public sealed record FindingPlace(string SectionKey, string Section, string Path);

/// <summary>One difference, reported once.</summary>
public sealed record Finding
{
    /// <summary>The rule.</summary>
    public required CompatibilityRule Rule { get; init; }

    /// <summary>How bad it is.</summary>
    public required Verdict Verdict { get; init; }

    /// <summary>The loads that it concerns.</summary>
    public CompatibilityDirection Breaks { get; init; }

    /// <summary>Key of the type in the current code where it is reported; where that has none, the key in the baseline.</summary>
    public required string Type { get; init; }

    /// <summary><see cref="Type"/> is not in the current code.</summary>
    public bool IsTypeGone { get; init; }

    /// <summary>The item of the current code, if the finding is about one that is there.</summary>
    public WireItem? Item { get; init; }

    /// <summary>The item of the baseline, if the finding is about one that was there.</summary>
    public WireItem? OldItem { get; init; }

    /// <summary>The subsection that it is about or in.</summary>
    public string? Subsection { get; init; }

    /// <summary>Path of the item below the type, names joined by <c>/</c>; empty for the type itself.</summary>
    public string Path { get; init; } = "";

    /// <summary>What happened, what breaks; one sentence or two, without type, path and releases.</summary>
    public required string Message { get; init; }

    /// <summary>Where it is on the wire: one for each use site in each section that it reaches.</summary>
    public EquatableArray<FindingPlace> Places { get; init; }

    /// <summary>Names of the sections that it reaches.</summary>
    public IEnumerable<string> Sections => Places.Select(place => place.Section).Distinct();

    /// <summary>Releases whose streams, or which themselves, it breaks; oldest first. Empty if the baseline names none.</summary>
    public EquatableArray<string> Releases { get; init; }

    /// <summary>Ways to mend it, the best first.</summary>
    public EquatableArray<SuggestedFix> Fixes { get; init; }
}
