using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.CodeAnalysis;
using VmStateGen.Parsing;

namespace VmStateGen.Analyzers;

/// <summary>The diagnostic of each problem that parsing a type finds.</summary>
internal static class DefinitionDescriptors
{
    /// <summary>All of them, with the one that only a whole compilation shows.</summary>
    public static ImmutableArray<DiagnosticDescriptor> All { get; } =
        Enum.GetValues(typeof(DefinitionRule)).Cast<DefinitionRule>().Select(Of).Append(DeclarationRules.DuplicateSection).ToImmutableArray();

    public static DiagnosticDescriptor Of(DefinitionRule rule) => rule switch
    {
        DefinitionRule.NotPartial => DeclarationRules.NotPartial,
        DefinitionRule.Inaccessible => DeclarationRules.Inaccessible,
        DefinitionRule.AbstractSection => DeclarationRules.AbstractSection,
        DefinitionRule.BadName => DeclarationRules.BadName,
        DefinitionRule.NotState => DeclarationRules.NotState,
        DefinitionRule.UnmarkedField => FieldRules.UnmarkedField,
        DefinitionRule.UnsupportedType => FieldRules.UnsupportedType,
        DefinitionRule.NotAssignable => FieldRules.NotAssignable,
        DefinitionRule.MissingMax => FieldRules.MissingMax,
        DefinitionRule.BadExtent => FieldRules.BadExtent,
        DefinitionRule.CountAfterUse => FieldRules.CountAfterUse,
        DefinitionRule.Conflict => FieldRules.Conflict,
        DefinitionRule.Order => FieldRules.Order,
        DefinitionRule.BaseNotState => FieldRules.BaseNotState,
        DefinitionRule.VersionOutOfRange => VersionRules.OutOfRange,
        DefinitionRule.DeadCondition => VersionRules.DeadCondition,
        DefinitionRule.MissingMember => MemberRules.MissingMember,
        DefinitionRule.PredicateAssigns => MemberRules.PredicateAssigns,
        DefinitionRule.DuplicateHook => MemberRules.DuplicateHook,
        DefinitionRule.SubsectionPrefix => SubsectionRules.Prefix,
        DefinitionRule.DuplicateSubsection => SubsectionRules.Duplicate,
        DefinitionRule.SubsectionWithoutNeeded => SubsectionRules.WithoutNeeded,
        DefinitionRule.UnknownSubsection => SubsectionRules.Unknown,
        DefinitionRule.SubsectionWithoutReset => SubsectionRules.WithoutReset,
        _ => throw new ArgumentOutOfRangeException(nameof(rule), rule, "no descriptor"),
    };
}
