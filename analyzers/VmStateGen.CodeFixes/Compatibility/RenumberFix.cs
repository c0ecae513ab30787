using System.Collections.Generic;
using System.Collections.Immutable;
using System.Composition;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.Text;
using VmStateGen.Analyzers;
using VmStateGen.Schema;

namespace VmStateGen.CodeFixes;

/// <summary>VMS302: two branches added a field at one place; the second line gets an ordinal of its own. In Unshipped only: what has shipped keeps its ordinals.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(RenumberFix), DocumentKinds = new[] { nameof(TextDocumentKind.AdditionalDocument) }, DocumentExtensions = new[] { ".txt" })]
[Shared]
public sealed class RenumberFix : CodeFixProvider
{
    private const string Key = "renumber";

    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = ImmutableArray.Create("VMS302");

    /// <inheritdoc/>
    public override FixAllProvider GetFixAllProvider() => RenumberAll.Instance;

    /// <inheritdoc/>
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        foreach (Diagnostic diagnostic in context.Diagnostics.Where(diagnostic => IsTwin(diagnostic, context.TextDocument)))
        {
            SourceText text = await context.TextDocument.GetTextAsync(context.CancellationToken).ConfigureAwait(false);
            if (Renumber(context.TextDocument, text, onlyFirst: true) is SourceText renumbered)
            {
                context.RegisterCodeFix(CodeAction.Create("Give the second line an ordinal of its own",
                    _ => Task.FromResult(context.TextDocument.Project.Solution.WithAdditionalDocumentText(context.TextDocument.Id, renumbered)), Key), diagnostic);
            }
        }
    }

    private static bool IsTwin(Diagnostic diagnostic, TextDocument document) =>
        (document.FilePath ?? document.Name).EndsWith(BaselineSet.UnshippedName, System.StringComparison.Ordinal)
        && diagnostic.Properties.TryGetValue(FindingDiagnostic.ProblemKey, out string? kind) && kind == nameof(BaselineProblemKind.Duplicate);

    /// <summary>The text without twins; null: there is none that a number would tell apart.</summary>
    private static SourceText? Renumber(TextDocument document, SourceText before, bool onlyFirst)
    {
        string text = before.ToString();
        bool isChanged = false;
        // Each turn removes one; a number of a line of its own makes no new one.
        while (BaselineFile.Parse(document.Name, text).Problems.FirstOrDefault(problem => problem.Kind == BaselineProblemKind.Duplicate) is BaselineProblem problem
            && BaselineEditor.Renumber(text, problem) is string renumbered)
        {
            text = renumbered;
            isChanged = true;
            if (onlyFirst)
                break;
        }
        return isChanged ? SourceText.From(text, before.Encoding, before.ChecksumAlgorithm) : null;
    }

    private sealed class RenumberAll : FixAllProvider
    {
        public static readonly RenumberAll Instance = new();

        public override IEnumerable<FixAllScope> GetSupportedFixAllScopes() => new[] { FixAllScope.Document, FixAllScope.Project, FixAllScope.Solution };

        public override Task<CodeAction?> GetFixAsync(FixAllContext fixAllContext) => Task.FromResult<CodeAction?>(CodeAction.Create(
            "Give second lines ordinals of their own", cancel => ApplyAsync(fixAllContext, cancel), Key));

        private static async Task<Solution> ApplyAsync(FixAllContext context, CancellationToken cancel)
        {
            Solution solution = context.Solution;
            IEnumerable<Project> projects = context.Scope == FixAllScope.Solution ? context.Solution.Projects : new[] { context.Project };
            foreach (TextDocument document in projects.SelectMany(project => project.AdditionalDocuments)
                .Where(document => (document.FilePath ?? document.Name).EndsWith(BaselineSet.UnshippedName, System.StringComparison.Ordinal)).ToList())
            {
                SourceText before = await document.GetTextAsync(cancel).ConfigureAwait(false);
                if (Renumber(document, before, onlyFirst: false) is SourceText renumbered)
                    solution = solution.WithAdditionalDocumentText(document.Id, renumbered);
            }
            return solution;
        }
    }
}
