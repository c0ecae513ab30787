using System;
using System.Collections.Immutable;
using System.Linq;
using System.Reflection;
using Microsoft.CodeAnalysis;
using VmStateGen.Schema;

namespace VmStateGen.Analyzers;

/// <summary>The diagnostic of each rule of docs/schema.md that one compilation and its baselines show.</summary>
internal static class CompatibilityDescriptors
{
    public static ImmutableArray<DiagnosticDescriptor> All { get; } = new[] { typeof(CompatibilityRules), typeof(BaselineRules) }
        .SelectMany(rules => rules.GetFields(BindingFlags.Public | BindingFlags.Static)).Select(field => (DiagnosticDescriptor)field.GetValue(null))
        .OrderBy(rule => rule.Id, StringComparer.Ordinal).ToImmutableArray();

    public static DiagnosticDescriptor Of(Finding finding) => finding.Rule switch
    {
        CompatibilityRule.SectionRemoved => finding.IsTypeGone ? CompatibilityRules.SectionRemoved : CompatibilityRules.SectionNotLoaded,
        CompatibilityRule.SectionRenamed => CompatibilityRules.SectionRenamed,
        CompatibilityRule.DuplicateSection => CompatibilityRules.NameRetired,
        CompatibilityRule.VersionLowered => CompatibilityRules.VersionLowered,
        CompatibilityRule.MinimumVersionRaised => CompatibilityRules.MinimumVersionRaised,
        CompatibilityRule.LayoutChanged => CompatibilityRules.LayoutChanged,
        // Needless or not, it is the version that the old build refuses.
        CompatibilityRule.NeedlessVersion => finding.Verdict == Verdict.Error ? CompatibilityRules.RefusedByOldBuild : CompatibilityRules.NeedlessVersion,
        CompatibilityRule.FieldVersionChanged => CompatibilityRules.FieldVersionChanged,
        CompatibilityRule.FieldRemoved => CompatibilityRules.FieldRemoved,
        CompatibilityRule.FieldAdded => CompatibilityRules.FieldAdded,
        CompatibilityRule.VersionedFieldAdded => CompatibilityRules.RefusedByOldBuild,
        CompatibilityRule.FieldsReordered => CompatibilityRules.FieldsReordered,
        CompatibilityRule.WidthChanged => CompatibilityRules.WidthChanged,
        CompatibilityRule.SignednessChanged => CompatibilityRules.SignednessChanged,
        CompatibilityRule.KindChanged => CompatibilityRules.KindChanged,
        CompatibilityRule.EnumChanged => CompatibilityRules.EnumChanged,
        CompatibilityRule.CountChanged => CompatibilityRules.CountChanged,
        CompatibilityRule.EncodingChanged => CompatibilityRules.EncodingChanged,
        CompatibilityRule.PaddingChanged => CompatibilityRules.PaddingChanged,
        CompatibilityRule.PaddingReused => CompatibilityRules.PaddingReused,
        CompatibilityRule.FieldRenamed => CompatibilityRules.FieldRenamed,
        CompatibilityRule.NoDefault => CompatibilityRules.NoDefault,
        CompatibilityRule.DefaultChanged => CompatibilityRules.DefaultChanged,
        CompatibilityRule.PredicateChanged => CompatibilityRules.PredicateChanged,
        CompatibilityRule.SubsectionRemoved => CompatibilityRules.SubsectionRemoved,
        CompatibilityRule.SubsectionAlwaysWritten => CompatibilityRules.SubsectionAlwaysWritten,
        CompatibilityRule.NestedStateChanged => CompatibilityRules.NestedStateChanged,
        CompatibilityRule.FieldsMoved => CompatibilityRules.FieldsMoved,
        CompatibilityRule.LoadOrderChanged => CompatibilityRules.LoadOrderChanged,
        CompatibilityRule.NotRecorded => BaselineRules.NotRecorded,
        // What reads a removed section is in the code; a type that is gone is seen at the end only.
        CompatibilityRule.NotInCode => finding.IsTypeGone ? BaselineRules.NotInCode : BaselineRules.NotRecorded,
        CompatibilityRule.BrokenBaseline => BaselineRules.BrokenBaseline,
        _ => throw new ArgumentOutOfRangeException(nameof(finding), finding.Rule, "no descriptor"),
    };

    /// <summary>The rule's severity is that of its worst case.</summary>
    public static DiagnosticSeverity Severity(Finding finding) => finding.Verdict switch
    {
        Verdict.Error => DiagnosticSeverity.Error,
        Verdict.Warning => DiagnosticSeverity.Warning,
        _ => DiagnosticSeverity.Info,
    };
}
