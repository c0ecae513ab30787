using Microsoft.CodeAnalysis;

namespace VmStateGen.Analyzers;

/// <summary>VMS100 to VMS109: the type itself.</summary>
internal static class DeclarationRules
{
    public static readonly DiagnosticDescriptor NotPartial = new(
        "VMS100",
        "A state type and the types around it must be partial",
        "'{0}' is not partial, so the generator cannot add to '{1}'; declare it partial",
        Descriptors.Definition, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS100.md");

    public static readonly DiagnosticDescriptor Inaccessible = new(
        "VMS101",
        "A state type cannot be local to a file",
        "'{0}' is local to its file, and generated code is another file; make it internal",
        Descriptors.Definition, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS101.md");

    public static readonly DiagnosticDescriptor AbstractSection = new(
        "VMS102",
        "A section cannot be abstract",
        "'{0}' is abstract, but a section; give the derived types the section name and this one Nested = true",
        Descriptors.Definition, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS102.md");

    public static readonly DiagnosticDescriptor BadName = new(
        "VMS103",
        "A wire name has 1 to 255 bytes",
        "The wire name '{1}' of '{0}' does not fit on the wire; give it 1 to 255 bytes of UTF-8",
        Descriptors.Definition, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS103.md");

    public static readonly DiagnosticDescriptor DuplicateSection = new(
        "VMS104",
        "A section name belongs to one type",
        "'{0}' has the section name \"{1}\", which belongs to '{2}'; a stream cannot tell them apart, so rename one or add Nested = true",
        Descriptors.Definition, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS104.md");

    public static readonly DiagnosticDescriptor NotState = new(
        "VMS105",
        "The type around an annotation must be [VmState]",
        "'{0}' carries [{1}], but '{2}' is not [VmState], so it is never saved; add [VmState] to '{2}' or remove the attribute",
        Descriptors.Definition, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS105.md");
}
