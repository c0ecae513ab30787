using Microsoft.CodeAnalysis;

namespace VmStateGen.Analyzers;

/// <summary>VMS140 to VMS149: subsections.</summary>
internal static class SubsectionRules
{
    public static readonly DiagnosticDescriptor Prefix = new(
        "VMS140",
        "A subsection is named after its parent",
        "The subsection \"{0}\" does not start with \"{1}\", the wire name of the state that it is part of, by which a load recognises it; rename one of them",
        Descriptors.Definition, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS140.md");

    public static readonly DiagnosticDescriptor Duplicate = new(
        "VMS141",
        "A subsection is declared once",
        "The subsection \"{0}\" of '{1}' is declared twice; a load cannot tell them apart, so rename or merge them",
        Descriptors.Definition, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS141.md");

    public static readonly DiagnosticDescriptor WithoutNeeded = new(
        "VMS142",
        "A flat subsection says when it is written",
        "The subsection \"{0}\" never says when it is written; give it Needed, a predicate, or Present, a flag that a load sets",
        Descriptors.Definition, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS142.md");

    public static readonly DiagnosticDescriptor Unknown = new(
        "VMS143",
        "A field names a subsection that its type does not have",
        "'{0}' is in the subsection \"{1}\", which its type does not declare; add [Subsection(\"{1}\", Needed = …)] to the type or correct the name",
        Descriptors.Definition, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS143.md");

    public static readonly DiagnosticDescriptor WithoutReset = new(
        "VMS144",
        "An absent subsection leaves old values behind",
        "A load without the subsection \"{0}\" keeps what its fields happened to hold; give it Absent, or reset them in a [BeforeLoad] method",
        Descriptors.Definition, DiagnosticSeverity.Warning, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS144.md");
}
