using Microsoft.CodeAnalysis;

namespace VmStateGen.Analyzers;

/// <summary>VMS110 to VMS119: members on the wire.</summary>
internal static class FieldRules
{
    public static readonly DiagnosticDescriptor UnmarkedField = new(
        "VMS110",
        "Every instance field of a state type says whether it migrates",
        "'{0}' of '{1}' is not migrated and does not say why; mark it [Field], [Subsection] or [Ignore(\"why\")]",
        Descriptors.Definition, DiagnosticSeverity.Warning, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS110.md");

    public static readonly DiagnosticDescriptor UnsupportedType = new(
        "VMS111",
        "The type has no encoding",
        "'{0}' is {1}, which has no encoding; use {2}",
        Descriptors.Definition, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS111.md");

    public static readonly DiagnosticDescriptor NotAssignable = new(
        "VMS112",
        "State that a load assigns must be assignable",
        "A load cannot assign '{0}'; remove readonly, give it a setter or make its type creatable",
        Descriptors.Definition, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS112.md");

    public static readonly DiagnosticDescriptor MissingMax = new(
        "VMS113",
        "Counted state needs a bound",
        "'{0}' has as many elements as the stream says; add Max, the most that a load accepts",
        Descriptors.Definition, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS113.md");

    public static readonly DiagnosticDescriptor BadExtent = new(
        "VMS114",
        "The extent of an array is missing or wrong",
        "'{0}' has no possible extent: {1}; give Length, Start with Length, Element, or CountFrom with Max",
        Descriptors.Definition, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS114.md");

    public static readonly DiagnosticDescriptor CountAfterUse = new(
        "VMS115",
        "A count is loaded before what it counts",
        "'{0}' counts '{1}', but is loaded after it; move '{0}' before it",
        Descriptors.Definition, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS115.md");

    public static readonly DiagnosticDescriptor Conflict = new(
        "VMS116",
        "Annotations that cannot stand together",
        "'{0}' has annotations that contradict each other or its declaration: {1}; remove one of them",
        Descriptors.Definition, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS116.md");

    public static readonly DiagnosticDescriptor Order = new(
        "VMS117",
        "The order on the wire is not fixed",
        "The order of the state of '{0}' on the wire is not fixed: {1}",
        Descriptors.Definition, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS117.md");

    public static readonly DiagnosticDescriptor BaseNotState = new(
        "VMS118",
        "The fields of a base class migrate only if it is state too",
        "'{0}' derives from '{1}', which is not [VmState], so its field '{2}' is not migrated and cannot say why; make '{1}' [VmState]",
        Descriptors.Definition, DiagnosticSeverity.Warning, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS118.md");
}
