using System.Collections.Immutable;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using VmStateGen.Parsing;

namespace VmStateGen.Analyzers;

/// <summary>
/// Reports what is wrong with the annotations of each type. It finds nothing itself: it parses the type as the generator does
/// and shows what the generator keeps silent about, so that the two cannot disagree.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class DefinitionAnalyzer : DiagnosticAnalyzer
{
    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => DefinitionDescriptors.All;

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterCompilationStartAction(start =>
        {
            if (start.Compilation.GetTypesByMetadataName("VmStateGen.VmStateAttribute").IsEmpty)
                return;
            var sections = new SectionIndex(start.Compilation);
            start.RegisterSymbolAction(symbol => Analyze(symbol, sections), SymbolKind.NamedType);
        });
    }

    private static void Analyze(SymbolAnalysisContext context, SectionIndex sections)
    {
        var type = (INamedTypeSymbol)context.Symbol;
        var sink = new DiagnosticSink(context.ReportDiagnostic);
        if (!TypeParser.IsState(type))
        {
            StrayAttributes.Check(type, sink, context.CancellationToken);
            return;
        }
        TypeParser.Parse(type, context.Compilation, sink, context.CancellationToken);
        if (SectionIndex.NameOf(type) is string name && sections.Other(type, name) is INamedTypeSymbol other)
        {
            Location? location = AttributeReader.Find(type, "VmState")?.Location ?? type.Locations.FirstOrDefault();
            context.ReportDiagnostic(Diagnostic.Create(DeclarationRules.DuplicateSection, location, type.Name, name, other.ToDisplayString()));
        }
    }
}
