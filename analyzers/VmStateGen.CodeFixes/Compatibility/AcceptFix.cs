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

/// <summary>Records the code's schema in VmState.Unshipped.txt: VMS300, VMS303, and what only a person can judge (VMS224, VMS233).</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(AcceptFix)), Shared]
public sealed class AcceptFix : CodeFixProvider
{
    private const string Key = "accept";

    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = ImmutableArray.Create("VMS300", "VMS303", "VMS224", "VMS233");

    /// <inheritdoc/>
    public override FixAllProvider GetFixAllProvider() => AcceptAll.Instance;

    /// <inheritdoc/>
    public override Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        foreach (Diagnostic diagnostic in context.Diagnostics.Where(IsMeant))
        {
            string title = diagnostic.Id == "VMS303" ? "Create the baseline" : $"Record it in {BaselineSet.UnshippedName}";
            string[]? types = TypeOf(diagnostic) is string type ? new[] { type } : null;
            context.RegisterCodeFix(CodeAction.Create(title, cancel => AcceptAsync(context.Document.Project, types, cancel), Key), diagnostic);
        }
        return Task.CompletedTask;
    }

    private static bool IsMeant(Diagnostic diagnostic) => diagnostic.Id is "VMS300" or "VMS303"
        || (diagnostic.Severity < DiagnosticSeverity.Error
            && diagnostic.Properties.TryGetValue(FindingDiagnostic.FixKey(0, "kind"), out string? kind) && kind == nameof(FixKind.Accept));

    private static string? TypeOf(Diagnostic diagnostic) => diagnostic.Properties.TryGetValue(FindingDiagnostic.TypeKey, out string? type) ? type : null;

    /// <summary>The project with its Unshipped file written; a file that cannot be read stays as it is.</summary>
    /// <param name="project">The project.</param>
    /// <param name="types">Only these types; null: all.</param>
    /// <param name="cancel">Gives up.</param>
    private static async Task<Solution> AcceptAsync(Project project, ICollection<string>? types, CancellationToken cancel)
    {
        Solution solution = project.Solution;
        if (await project.GetCompilationAsync(cancel).ConfigureAwait(false) is not Compilation compilation)
            return solution;
        var files = new List<BaselineFile>();
        TextDocument? unshipped = null;
        foreach (TextDocument document in project.AdditionalDocuments.Where(document => BaselineSet.IsBaseline(document.FilePath ?? document.Name)))
        {
            SourceText text = await document.GetTextAsync(cancel).ConfigureAwait(false);
            string path = document.FilePath ?? document.Name;
            files.Add(BaselineFiles.Read(path, text));
            if (path.EndsWith(BaselineSet.UnshippedName, System.StringComparison.Ordinal))
                unshipped = document;
        }
        BaselineSet set = BaselineSet.Combine(files);
        CurrentSchema current = CurrentSchema.Build(compilation, cancel);
        // What is not known must not be recorded, and half a file says nothing of what is missing in it.
        if (set.Problems.Count > 0 || current.Broken.Count > 0)
            return solution;
        string accepted = BaselineEditor.Accept(set, current.Schemas, types);
        if (unshipped is not null)
        {
            SourceText before = await unshipped.GetTextAsync(cancel).ConfigureAwait(false);
            return solution.WithAdditionalDocumentText(unshipped.Id, SourceText.From(accepted, before.Encoding, before.ChecksumAlgorithm));
        }
        string? folder = Path.GetDirectoryName(project.FilePath);
        if (set.Shipped is null)
            solution = Add(solution, project, folder, BaselineSet.ShippedName, BaselineEditor.Empty);
        return Add(solution, project, folder, BaselineSet.UnshippedName, accepted);
    }

    private static Solution Add(Solution solution, Project project, string? folder, string name, string text) =>
        solution.AddAdditionalDocument(DocumentId.CreateNewId(project.Id), name, SourceText.From(text), filePath: folder is null ? name : Path.Combine(folder, name));

    /// <summary>
    /// The file is no document with diagnostics, so the usual provider would merge nothing: all of a scope's types are recorded in one
    /// go. <c>dotnet format analyzers --diagnostics VMS300</c> comes here too.
    /// </summary>
    private sealed class AcceptAll : FixAllProvider
    {
        public static readonly AcceptAll Instance = new();

        public override IEnumerable<FixAllScope> GetSupportedFixAllScopes() =>
            new[] { FixAllScope.Document, FixAllScope.Project, FixAllScope.Solution };

        public override Task<CodeAction?> GetFixAsync(FixAllContext fixAllContext) => Task.FromResult<CodeAction?>(CodeAction.Create(
            $"Record all in {BaselineSet.UnshippedName}", cancel => ApplyAsync(fixAllContext.WithCancellationToken(cancel)), Key));

        private static async Task<Solution> ApplyAsync(FixAllContext context)
        {
            Solution solution = context.Solution;
            IEnumerable<Project> projects = context.Scope == FixAllScope.Solution ? context.Solution.Projects : new[] { context.Project };
            foreach (Project project in projects.ToList())
            {
                ImmutableArray<Diagnostic> diagnostics = context.Scope == FixAllScope.Document && context.Document is Document document
                    ? await context.GetDocumentDiagnosticsAsync(document).ConfigureAwait(false)
                    : await context.GetAllDiagnosticsAsync(project).ConfigureAwait(false);
                List<Diagnostic> meant = diagnostics.Where(IsMeant).ToList();
                if (meant.Count == 0)
                    continue;
                string[]? types = meant.Any(diagnostic => TypeOf(diagnostic) is null) ? null : meant.Select(diagnostic => TypeOf(diagnostic)!).Distinct().ToArray();
                solution = await AcceptAsync(solution.GetProject(project.Id)!, types, context.CancellationToken).ConfigureAwait(false);
            }
            return solution;
        }
    }
}
