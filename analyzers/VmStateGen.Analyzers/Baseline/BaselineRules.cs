using Microsoft.CodeAnalysis;

namespace VmStateGen.Analyzers;

/// <summary>VMS300 to VMS309: the files that record the schema.</summary>
internal static class BaselineRules
{
    public static readonly DiagnosticDescriptor NotRecorded = new(
        "VMS300",
        "The baseline does not have what the code has",
        Descriptors.PathAndText,
        Descriptors.Baseline, DiagnosticSeverity.Warning, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS300.md");

    public static readonly DiagnosticDescriptor NotInCode = new(
        "VMS301",
        "The baseline has what the code does not have",
        Descriptors.PathAndText,
        Descriptors.Baseline, DiagnosticSeverity.Warning, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS301.md", customTags: WellKnownDiagnosticTags.CompilationEnd);

    public static readonly DiagnosticDescriptor BrokenBaseline = new(
        "VMS302",
        "A baseline file cannot be read",
        Descriptors.PathAndText,
        Descriptors.Baseline, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS302.md");

    public static readonly DiagnosticDescriptor NoBaseline = new(
        "VMS303",
        "The project has no baseline",
        Descriptors.PathAndText,
        Descriptors.Baseline, DiagnosticSeverity.Warning, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS303.md");

    public static readonly DiagnosticDescriptor Deletable = new(
        "VMS304",
        "No supported release needs it",
        Descriptors.PathAndText,
        Descriptors.Baseline, DiagnosticSeverity.Info, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS304.md");

    public static readonly DiagnosticDescriptor StaleSuppression = new(
        "VMS305",
        "A suppression suppresses nothing",
        "'{0}' is suppressed here, and nothing here raises it; remove the suppression, or it will hide the next break",
        Descriptors.Baseline, DiagnosticSeverity.Warning, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS305.md");
}
