using Microsoft.CodeAnalysis;

namespace VmStateGen.Analyzers;

/// <summary>VMS200 to VMS259: what a change does to streams of releases. Severities are those of the worst case; docs/schema.md has the rest.</summary>
internal static class CompatibilityRules
{
    public static readonly DiagnosticDescriptor SectionRemoved = new(
        "VMS200",
        "A section that releases write is gone",
        Descriptors.PathAndText,
        Descriptors.Compatibility, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS200.md");

    public static readonly DiagnosticDescriptor SectionRenamed = new(
        "VMS201",
        "A section keeps its name on the wire",
        Descriptors.PathAndText,
        Descriptors.Compatibility, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS201.md");

    public static readonly DiagnosticDescriptor SectionNotLoaded = new(
        "VMS202",
        "A section that releases write is no longer loaded",
        Descriptors.PathAndText,
        Descriptors.Compatibility, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS202.md");

    public static readonly DiagnosticDescriptor VersionLowered = new(
        "VMS203",
        "A version never gets lower",
        Descriptors.PathAndText,
        Descriptors.Compatibility, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS203.md");

    public static readonly DiagnosticDescriptor MinimumVersionRaised = new(
        "VMS204",
        "A version that a supported release writes is not loaded",
        Descriptors.PathAndText,
        Descriptors.Compatibility, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS204.md");

    public static readonly DiagnosticDescriptor LayoutChanged = new(
        "VMS205",
        "The bytes of one version do not change",
        Descriptors.PathAndText,
        Descriptors.Compatibility, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS205.md");

    public static readonly DiagnosticDescriptor NeedlessVersion = new(
        "VMS206",
        "A version was raised and nothing changed",
        Descriptors.PathAndText,
        Descriptors.Compatibility, DiagnosticSeverity.Info, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS206.md");

    public static readonly DiagnosticDescriptor NameRetired = new(
        "VMS207",
        "A retired section name is not used again",
        Descriptors.PathAndText,
        Descriptors.Compatibility, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS207.md");

    public static readonly DiagnosticDescriptor FieldVersionChanged = new(
        "VMS210",
        "The versions that have a shipped field do not change",
        Descriptors.PathAndText,
        Descriptors.Compatibility, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS210.md");

    public static readonly DiagnosticDescriptor FieldRemoved = new(
        "VMS211",
        "A shipped field leaves its bytes behind",
        Descriptors.PathAndText,
        Descriptors.Compatibility, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS211.md");

    public static readonly DiagnosticDescriptor FieldAdded = new(
        "VMS212",
        "A new field is not in old streams",
        Descriptors.PathAndText,
        Descriptors.Compatibility, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS212.md");

    public static readonly DiagnosticDescriptor RefusedByOldBuild = new(
        "VMS213",
        "An old build refuses the new version",
        Descriptors.PathAndText,
        Descriptors.Compatibility, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS213.md");

    public static readonly DiagnosticDescriptor FieldsReordered = new(
        "VMS214",
        "Shipped fields keep their order",
        Descriptors.PathAndText,
        Descriptors.Compatibility, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS214.md");

    public static readonly DiagnosticDescriptor NestedStateChanged = new(
        "VMS215",
        "Nested state is written and read at different versions",
        Descriptors.PathAndText,
        Descriptors.Compatibility, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS215.md");

    public static readonly DiagnosticDescriptor WidthChanged = new(
        "VMS220",
        "The width of a shipped field does not change",
        Descriptors.PathAndText,
        Descriptors.Compatibility, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS220.md");

    public static readonly DiagnosticDescriptor SignednessChanged = new(
        "VMS221",
        "The signedness of a shipped field does not change",
        Descriptors.PathAndText,
        Descriptors.Compatibility, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS221.md");

    public static readonly DiagnosticDescriptor KindChanged = new(
        "VMS222",
        "The kind of a shipped field does not change",
        Descriptors.PathAndText,
        Descriptors.Compatibility, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS222.md");

    public static readonly DiagnosticDescriptor EnumChanged = new(
        "VMS223",
        "A persisted enum keeps its values",
        Descriptors.PathAndText,
        Descriptors.Compatibility, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS223.md");

    public static readonly DiagnosticDescriptor CountChanged = new(
        "VMS224",
        "The number of elements of a shipped field does not change",
        Descriptors.PathAndText,
        Descriptors.Compatibility, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS224.md");

    public static readonly DiagnosticDescriptor EncodingChanged = new(
        "VMS225",
        "The encoding of a shipped field does not change",
        Descriptors.PathAndText,
        Descriptors.Compatibility, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS225.md");

    public static readonly DiagnosticDescriptor PaddingChanged = new(
        "VMS226",
        "Padding keeps its size",
        Descriptors.PathAndText,
        Descriptors.Compatibility, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS226.md");

    public static readonly DiagnosticDescriptor PaddingReused = new(
        "VMS227",
        "The place of a removed field is not used again",
        Descriptors.PathAndText,
        Descriptors.Compatibility, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS227.md");

    public static readonly DiagnosticDescriptor FieldRenamed = new(
        "VMS230",
        "A field has another name and the same bytes",
        Descriptors.PathAndText,
        Descriptors.Compatibility, DiagnosticSeverity.Info, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS230.md");

    public static readonly DiagnosticDescriptor NoDefault = new(
        "VMS231",
        "A new field has a value when an old stream is loaded",
        Descriptors.PathAndText,
        Descriptors.Compatibility, DiagnosticSeverity.Warning, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS231.md");

    public static readonly DiagnosticDescriptor DefaultChanged = new(
        "VMS232",
        "The default of a shipped field changed",
        Descriptors.PathAndText,
        Descriptors.Compatibility, DiagnosticSeverity.Warning, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS232.md");

    public static readonly DiagnosticDescriptor PredicateChanged = new(
        "VMS233",
        "The predicate of shipped state changed",
        Descriptors.PathAndText,
        Descriptors.Compatibility, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS233.md");

    public static readonly DiagnosticDescriptor FieldsMoved = new(
        "VMS234",
        "Fields moved into or out of nested state",
        Descriptors.PathAndText,
        Descriptors.Compatibility, DiagnosticSeverity.Info, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS234.md");

    public static readonly DiagnosticDescriptor SubsectionRemoved = new(
        "VMS240",
        "A subsection that releases write is gone",
        Descriptors.PathAndText,
        Descriptors.Compatibility, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS240.md");

    public static readonly DiagnosticDescriptor SubsectionAlwaysWritten = new(
        "VMS241",
        "A new subsection is always written",
        Descriptors.PathAndText,
        Descriptors.Compatibility, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS241.md");

    public static readonly DiagnosticDescriptor LoadOrderChanged = new(
        "VMS250",
        "Load order or a hook changed",
        Descriptors.PathAndText,
        Descriptors.Compatibility, DiagnosticSeverity.Warning, isEnabledByDefault: true,
        helpLinkUri: Descriptors.Pages + "VMS250.md");
}
