using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;
using VmStateGen.Parsing;
using VmStateGen.Schema;

namespace VmStateGen.Analyzers;

/// <summary>
/// Compares the code with what releases wrote. It decides nothing itself: the engine of VmStateGen.Schema runs once for a compilation,
/// when the first type is looked at, and each finding is shown at its type, so that it is seen while typing.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class CompatibilityAnalyzer : DiagnosticAnalyzer
{
    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => CompatibilityDescriptors.All;

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterCompilationStartAction(start =>
        {
            if (start.Compilation.GetTypesByMetadataName("VmStateGen.VmStateAttribute").IsEmpty)
                return;
            if (!BaselineFiles.Any(start.Options.AdditionalFiles))
            {
                var first = new FirstState(start.Compilation);
                start.RegisterSymbolAction(symbol => first.Report(symbol), SymbolKind.NamedType);
                return;
            }
            var run = new Run(start.Compilation, start.Options.AdditionalFiles);
            start.RegisterSymbolAction(run.Analyze, SymbolKind.NamedType);
            start.RegisterAdditionalFileAction(run.Analyze);
            start.RegisterSemanticModelAction(run.AnalyzePragmas);
            start.RegisterCompilationEndAction(run.AnalyzeGone);
        });
    }

    /// <summary>One compilation. The first that asks computes; a cancelled computation is forgotten.</summary>
    private sealed class Run(Compilation compilation, ImmutableArray<AdditionalText> files)
    {
        private readonly object gate = new();
        private CompatibilityResult? result;

        public void Analyze(SymbolAnalysisContext context)
        {
            var type = (INamedTypeSymbol)context.Symbol;
            bool isState = TypeParser.IsState(type);
            if (!isState && type.TypeKind != TypeKind.Enum)
                return;
            foreach (Diagnostic diagnostic in DiagnosticsOf(type, context.CancellationToken))
                context.ReportDiagnostic(diagnostic);
            foreach (Suppression stale in Suppressions.Of(type, context.CancellationToken).Where(suppression => IsStale(suppression, context.CancellationToken)))
                context.ReportDiagnostic(stale.ToDiagnostic());
        }

        /// <summary>A tree with a pragma about our rules asks where they are raised; most trees have none.</summary>
        public void AnalyzePragmas(SemanticModelAnalysisContext context)
        {
            foreach (Suppression stale in Suppressions.In(context.SemanticModel.SyntaxTree, context.CancellationToken)
                .Where(suppression => IsStale(suppression, context.CancellationToken)))
            {
                context.ReportDiagnostic(stale.ToDiagnostic());
            }
        }

        private bool IsStale(Suppression suppression, CancellationToken cancel)
        {
            CompatibilityResult found = Result(cancel);
            // Of broken files and types nothing is known.
            return found.Files.Problems.Count == 0 && found.Current.Broken.Count == 0
                && !found.Keys.Select(found.Current.Find).OfType<INamedTypeSymbol>().SelectMany(type => DiagnosticsOf(type, cancel)).Any(suppression.Covers);
        }

        private IEnumerable<Diagnostic> DiagnosticsOf(INamedTypeSymbol type, CancellationToken cancel)
        {
            CompatibilityResult found = Result(cancel);
            string key = WireNames.Key(type);
            IReadOnlyList<(Finding Finding, WireItem? Use)> findings = found.Of(key);
            IReadOnlyList<Deletable> deletable = found.DeletableOf(key);
            if (findings.Count + deletable.Count == 0)
                yield break;
            StatePlaces places = StatePlaces.Find(type, compilation, cancel);
            int order = 0;
            foreach ((Finding finding, WireItem? use) in findings)
            {
                if (!IsKnownRename(finding, places))
                    yield return FindingDiagnostic.Create(finding, places.Of(finding, use), order++, found, places);
            }
            foreach (Deletable entry in deletable)
                yield return Diagnostic.Create(BaselineRules.Deletable, places.Subject(entry.Subject), $"{type.Name}/{entry.Subject}", entry.Reason);
        }

        /// <summary>What is wrong with a file, at its line; and sections that it has and the code has not, since nothing in the code is their place.</summary>
        public void Analyze(AdditionalFileAnalysisContext context)
        {
            if (!BaselineSet.IsBaseline(context.AdditionalFile.Path) || context.AdditionalFile.GetText(context.CancellationToken) is not SourceText text)
                return;
            CompatibilityResult found = Result(context.CancellationToken);
            foreach (BaselineProblem problem in found.Files.Problems.Where(problem => problem.File == context.AdditionalFile.Path))
            {
                ImmutableDictionary<string, string?> properties = ImmutableDictionary<string, string?>.Empty
                    .Add(FindingDiagnostic.ProblemKey, problem.Kind.ToString()).Add(FindingDiagnostic.LineKey, problem.Line.ToString(CultureInfo.InvariantCulture));
                context.ReportDiagnostic(Diagnostic.Create(BaselineRules.BrokenBaseline, LineOf(context.AdditionalFile.Path, text, problem.Line), properties,
                    FileName(problem.File) + (problem.Line > 0 ? $"({problem.Line},{problem.Column})" : ""), problem.Message));
            }
            foreach (Finding finding in found.Gone.Where(IsSectionGone))
            {
                if (Recorded(finding.Type, context.CancellationToken) is Location line && line.GetLineSpan().Path == context.AdditionalFile.Path)
                    context.ReportDiagnostic(FindingDiagnostic.Create(finding, line, 0, found, null));
            }
            foreach (Deletable entry in found.DeletableOf(context.AdditionalFile.Path))
            {
                context.ReportDiagnostic(Diagnostic.Create(BaselineRules.Deletable, LineOf(context.AdditionalFile.Path, text, 1),
                    FileName(entry.Subject), entry.Reason + "; delete it"));
            }
        }

        /// <summary>What is about types that are gone has no type to stand at.</summary>
        public void AnalyzeGone(CompilationAnalysisContext context)
        {
            CompatibilityResult found = Result(context.CancellationToken);
            foreach (Finding finding in found.Gone.Where(finding => finding.IsTypeGone && !IsSectionGone(finding)))
            {
                Location location = found.Current.Find(finding.Type)?.Locations.FirstOrDefault() ?? Recorded(finding.Type, context.CancellationToken) ?? Location.None;
                context.ReportDiagnostic(FindingDiagnostic.Create(finding, location, 0, found, null));
            }
        }

        private static bool IsSectionGone(Finding finding) => finding.Rule == CompatibilityRule.SectionRemoved && finding.IsTypeGone;

        private CompatibilityResult Result(CancellationToken cancel)
        {
            lock (gate)
                return result ??= CompatibilityResult.Compute(compilation, files, cancel);
        }

        /// <summary>The type's line in the newest file that has it.</summary>
        private Location? Recorded(string key, CancellationToken cancel)
        {
            foreach (AdditionalText file in files.Where(file => BaselineSet.IsBaseline(file.Path)).OrderByDescending(file => FileName(file.Path) == BaselineSet.ShippedName))
            {
                if (file.GetText(cancel) is SourceText text && BaselineFiles.Read(file.Path, text).Lines.FirstOrDefault(line => line.Type == key) is BaselineLine line)
                    return LineOf(file.Path, text, line.Number);
            }
            return null;
        }

        /// <summary>The field says itself what it was called.</summary>
        private static bool IsKnownRename(Finding finding, StatePlaces places) =>
            finding is { Rule: CompatibilityRule.FieldRenamed, Item: WireItem item, OldItem: WireItem old }
            && places.Symbol.GetMembers().SelectMany(member => AttributeReader.All(member, "Field").Select(field => (member, field)))
                .Any(entry => (entry.field.Argument(0) as string ?? WireName.Of(entry.member.Name)) == item.Name && entry.field.Text("FormerName") == old.Name);

        private static Location LineOf(string path, SourceText text, int line)
        {
            TextLine found = text.Lines[System.Math.Min(System.Math.Max(line, 1), text.Lines.Count) - 1];
            return Location.Create(path, found.Span, text.Lines.GetLinePositionSpan(found.Span));
        }

        private static string FileName(string path) => path.Substring(path.LastIndexOfAny(new[] { '/', '\\' }) + 1);
    }

    /// <summary>Without a baseline nothing is compared; one diagnostic says so, at the first state type.</summary>
    private sealed class FirstState(Compilation compilation)
    {
        private readonly System.Lazy<INamedTypeSymbol?> first = new(() => CurrentSchema.States(compilation).OrderBy(WireNames.Key, System.StringComparer.Ordinal)
            .FirstOrDefault(type => type.Locations.Any(location => location.IsInSource)));

        public void Report(SymbolAnalysisContext context)
        {
            var type = (INamedTypeSymbol)context.Symbol;
            if (!TypeParser.IsState(type) || !SymbolEqualityComparer.Default.Equals(first.Value, type))
                return;
            context.ReportDiagnostic(Diagnostic.Create(BaselineRules.NoBaseline, AttributeReader.Find(type, "VmState")?.Location ?? type.Locations.FirstOrDefault(),
                compilation.AssemblyName, "nothing records what its releases write, so no change is checked; create the files by 'vmstate baseline init --write'"));
        }
    }
}
