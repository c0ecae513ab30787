using Microsoft.CodeAnalysis;

namespace VmStateGen.Analyzers;

/// <summary>VMS120 to VMS129: versions within one type.</summary>
internal static class VersionRules
{
    public static readonly DiagnosticDescriptor OutOfRange = new(
        "VMS120",
        "A version lies outside the versions of its state",
        "'{0}' says {1}, which must lie in {2}; change it, or the version of the state",
        Descriptors.Definition, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS120.md");

    public static readonly DiagnosticDescriptor DeadCondition = new(
        "VMS121",
        "A version condition is always true",
        "'{0}' says {1}, but no stream older than version {2} is loaded, so it is always there; remove the condition",
        Descriptors.Definition, DiagnosticSeverity.Info, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS121.md");
}
