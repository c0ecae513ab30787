using Microsoft.CodeAnalysis;

namespace VmStateGen.Analyzers;

/// <summary>VMS130 to VMS139: methods that generated code calls.</summary>
internal static class MemberRules
{
    public static readonly DiagnosticDescriptor MissingMember = new(
        "VMS130",
        "A member that an annotation names is missing or has the wrong signature",
        "'{0}' has no '{1}' that is {2}; declare it, or name another",
        Descriptors.Definition, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS130.md");

    public static readonly DiagnosticDescriptor PredicateAssigns = new(
        "VMS131",
        "A predicate changes state",
        "The predicate '{0}' assigns '{1}', but is asked any number of times while saving, loading and describing; only look",
        Descriptors.Definition, DiagnosticSeverity.Warning, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS131.md");

    public static readonly DiagnosticDescriptor DuplicateHook = new(
        "VMS132",
        "A type has one hook of a kind",
        "'{0}' has two [{1}] methods, '{2}' and '{3}'; call one from the other and leave one attribute",
        Descriptors.Definition, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS132.md");
}
