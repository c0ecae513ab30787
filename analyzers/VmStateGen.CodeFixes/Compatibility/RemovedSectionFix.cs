using System.Collections.Generic;
using System.Collections.Immutable;
using System.Composition;
using System.IO;
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

/// <summary>VMS200: a section is gone with its class. A new file reads and discards it, written from what the newest release that has it recorded.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(RemovedSectionFix), DocumentKinds = new[] { nameof(TextDocumentKind.AdditionalDocument) }, DocumentExtensions = new[] { ".txt" })]
[Shared]
public sealed class RemovedSectionFix : CodeFixProvider
{
    private const string Key = "removed";

    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = ImmutableArray.Create("VMS200");

    /// <inheritdoc/>
    public override FixAllProvider GetFixAllProvider() => RemovedAll.Instance;

    /// <inheritdoc/>
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        foreach (Diagnostic diagnostic in context.Diagnostics)
        {
            if (await FreezeAsync(context.TextDocument.Project, diagnostic, context.CancellationToken).ConfigureAwait(false) is (string name, string text))
            {
                context.RegisterCodeFix(CodeAction.Create($"Read and discard it: {name}.cs",
                    _ => Task.FromResult(Add(context.TextDocument.Project.Solution, context.TextDocument.Project, name, text)), Key), diagnostic);
            }
        }
    }

    private static async Task<(string Name, string Text)?> FreezeAsync(Project project, Diagnostic diagnostic, CancellationToken cancel)
    {
        if (!diagnostic.Properties.TryGetValue(FindingDiagnostic.TypeKey, out string? key) || key is null)
            return null;
        var files = new List<BaselineFile>();
        foreach (TextDocument document in project.AdditionalDocuments.Where(document => BaselineSet.IsBaseline(document.FilePath ?? document.Name)))
            files.Add(BaselineFiles.Read(document.FilePath ?? document.Name, await document.GetTextAsync(cancel).ConfigureAwait(false)));
        foreach (Baseline release in BaselineSet.Combine(files).Supported().Reverse())
        {
            if (release.Schemas.Find(key) is { IsSection: true } section)
                return FrozenType.Write(release.Schemas, section) is string text ? (FrozenType.NameOf(section), text) : null;
        }
        return null;
    }

    private static Solution Add(Solution solution, Project project, string name, string text)
    {
        string? folder = Path.GetDirectoryName(project.FilePath);
        return solution.AddDocument(DocumentId.CreateNewId(project.Id), name + ".cs", SourceText.From(text), filePath: folder is null ? name + ".cs" : Path.Combine(folder, name + ".cs"));
    }

    private sealed class RemovedAll : FixAllProvider
    {
        public static readonly RemovedAll Instance = new();

        public override IEnumerable<FixAllScope> GetSupportedFixAllScopes() => new[] { FixAllScope.Project, FixAllScope.Solution };

        public override Task<CodeAction?> GetFixAsync(FixAllContext fixAllContext) =>
            Task.FromResult<CodeAction?>(CodeAction.Create("Read and discard all of them", cancel => ApplyAsync(fixAllContext.WithCancellationToken(cancel)), Key));

        private static async Task<Solution> ApplyAsync(FixAllContext context)
        {
            Solution solution = context.Solution;
            foreach (Project project in context.Scope == FixAllScope.Solution ? context.Solution.Projects : new[] { context.Project })
            {
                foreach (Diagnostic diagnostic in await context.GetAllDiagnosticsAsync(project).ConfigureAwait(false))
                {
                    if (await FreezeAsync(project, diagnostic, context.CancellationToken).ConfigureAwait(false) is (string name, string text))
                        solution = Add(solution, project, name, text);
                }
            }
            return solution;
        }
    }
}
