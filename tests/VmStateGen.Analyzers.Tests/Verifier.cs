using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;

namespace VmStateGen.Analyzers.Tests;

/// <summary>
/// Runs analyzers and fixes over sources. In the place of Microsoft.CodeAnalysis.Testing, which this repository cannot get;
/// nothing else knows of workspaces.
/// </summary>
internal static class Verifier
{
    /// <summary>What the sources of tests and pages may leave out.</summary>
    public const string Usings = "global using System;\nglobal using VmStateGen;\n";

    private static readonly CSharpParseOptions ParseOptions = new(LanguageVersion.CSharp13);
    private static readonly CSharpCompilationOptions CompileOptions =
        new(OutputKind.DynamicallyLinkedLibrary, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable);

    public static ImmutableArray<MetadataReference> References { get; } =
        ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetFileName(path) is string name && (name.StartsWith("System.", StringComparison.Ordinal)
                || name is "netstandard.dll" or "mscorlib.dll" or "VmStateGen.dll"))
            .Select(path => (MetadataReference)MetadataReference.CreateFromFile(path)).ToImmutableArray();

    public static CSharpCompilation Compile(params string[] sources) => CSharpCompilation.Create(
        "Test",
        sources.Prepend(Usings).Select((source, index) => CSharpSyntaxTree.ParseText(source, ParseOptions, $"Test{index}.cs")),
        References,
        CompileOptions);

    /// <summary>What our analyzers report, suppressed ones left out. An analyzer that throws fails the test.</summary>
    public static async Task<ImmutableArray<Diagnostic>> AnalyzeAsync(Compilation compilation, DiagnosticAnalyzer? analyzer = null)
    {
        Exception? thrown = null;
        var options = new CompilationWithAnalyzersOptions(
            new AnalyzerOptions(ImmutableArray<AdditionalText>.Empty),
            onAnalyzerException: (exception, _, _) => thrown ??= exception,
            concurrentAnalysis: true,
            logAnalyzerExecutionTime: false);
        ImmutableArray<Diagnostic> found = await compilation
            .WithAnalyzers(ImmutableArray.Create(analyzer ?? new DefinitionAnalyzer()), options).GetAnalyzerDiagnosticsAsync();
        if (thrown is not null)
            throw new InvalidOperationException("The analyzer threw: " + thrown, thrown);
        return found.Where(diagnostic => !diagnostic.IsSuppressed).OrderBy(diagnostic => diagnostic.Location.SourceTree?.FilePath)
            .ThenBy(diagnostic => diagnostic.Location.SourceSpan.Start).ToImmutableArray();
    }

    public static Task<ImmutableArray<Diagnostic>> AnalyzeAsync(params string[] sources) => AnalyzeAsync(Compile(sources));

    /// <summary>Errors of the compiler; tests whose code must compile have none.</summary>
    public static IEnumerable<string> CompilerErrors(Compilation compilation) =>
        compilation.GetDiagnostics().Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error).Select(diagnostic => diagnostic.ToString());

    /// <summary>Errors of the compiler in what the generator adds: what the analyzers let pass must be something that it can do.</summary>
    public static IEnumerable<string> GeneratedErrors(Compilation compilation)
    {
        CSharpGeneratorDriver.Create(new[] { new Generator.VmStateGenerator().AsSourceGenerator() }, parseOptions: ParseOptions)
            .RunGeneratorsAndUpdateCompilation(compilation, out Compilation generated, out ImmutableArray<Diagnostic> reported);
        return CompilerErrors(generated).Concat(reported.Select(diagnostic => diagnostic.ToString()));
    }

    /// <summary>The fixes on offer for the first diagnostic of that id, as (key, title).</summary>
    public static async Task<IReadOnlyList<(string Key, string Title)>> OffersAsync(CodeFixProvider fix, string id, string source)
    {
        using var workspace = new AdhocWorkspace();
        Project project = AddProject(workspace, source);
        Document document = SourceOf(project)[0];
        Diagnostic diagnostic = (await DiagnosticsAsync(project, id))[0];
        return (await ActionsAsync(fix, document, diagnostic)).Select(action => (action.EquivalenceKey!, action.Title)).ToList();
    }

    /// <summary>Applies one fix to the first diagnostic of that id.</summary>
    public static async Task<string> FixAsync(CodeFixProvider fix, string id, string key, string source)
    {
        using var workspace = new AdhocWorkspace();
        Project project = AddProject(workspace, source);
        Document document = SourceOf(project)[0];
        Diagnostic diagnostic = (await DiagnosticsAsync(project, id))[0];
        CodeAction action = (await ActionsAsync(fix, document, diagnostic)).First(action => action.EquivalenceKey == key);
        Project changed = (await ChangedAsync(workspace, action)).GetProject(project.Id)!;
        return await TextAsync(SourceOf(changed)[0]);
    }

    /// <summary>Applies every fix of every diagnostic in turn, each to the source as it is. One that throws fails the test.</summary>
    public static async Task<IReadOnlyList<string>> TryAllFixesAsync(IEnumerable<CodeFixProvider> fixes, string source)
    {
        var texts = new List<string>();
        using var workspace = new AdhocWorkspace();
        Project project = AddProject(workspace, source);
        Document document = SourceOf(project)[0];
        foreach (Diagnostic diagnostic in await AnalyzeAsync((await project.GetCompilationAsync())!))
        {
            foreach (CodeFixProvider fix in fixes.Where(fix => fix.FixableDiagnosticIds.Contains(diagnostic.Id)))
            {
                foreach (CodeAction action in await ActionsAsync(fix, document, diagnostic))
                {
                    try
                    {
                        ApplyChangesOperation change = (await action.GetOperationsAsync(CancellationToken.None)).OfType<ApplyChangesOperation>().Single();
                        texts.Add(await TextAsync(SourceOf(change.ChangedSolution.GetProject(project.Id)!)[0]));
                    }
                    catch (InvalidOperationException e) when (e.StackTrace?.Contains("Microsoft.CodeAnalysis.Formatting.", StringComparison.Ordinal) == true)
                    {
                        // Roslyn's own formatter gives up on some text that does not parse (seen with 4.14); the editor drops the change.
                    }
                }
            }
        }
        return texts;
    }

    /// <summary>Applies one fix to all diagnostics of that id in a scope.</summary>
    public static async Task<IReadOnlyList<string>> FixAllAsync(CodeFixProvider fix, string id, string key, FixAllScope scope, params string[] sources)
    {
        using var workspace = new AdhocWorkspace();
        Project project = AddProject(workspace, sources);
        var context = new FixAllContext(SourceOf(project)[0], fix, scope, key, new[] { id }, new DiagnosticSource(), CancellationToken.None);
        CodeAction action = await fix.GetFixAllProvider()!.GetFixAsync(context) ?? throw new InvalidOperationException("no fix for all");
        Project changed = (await ChangedAsync(workspace, action)).GetProject(project.Id)!;
        return await Task.WhenAll(SourceOf(changed).Select(TextAsync));
    }

    private static Project AddProject(AdhocWorkspace workspace, params string[] sources)
    {
        var id = ProjectId.CreateNewId();
        Solution solution = workspace.CurrentSolution
            .AddProject(ProjectInfo.Create(id, VersionStamp.Default, "Test", "Test", LanguageNames.CSharp,
                parseOptions: ParseOptions, compilationOptions: CompileOptions, metadataReferences: References));
        solution = solution.AddDocument(DocumentId.CreateNewId(id), "Usings.cs", SourceText.From(Usings));
        for (int i = 0; i < sources.Length; i++)
            solution = solution.AddDocument(DocumentId.CreateNewId(id), $"Test{i}.cs", SourceText.From(sources[i]), filePath: $"Test{i}.cs");
        Assert.True(workspace.TryApplyChanges(solution));
        return workspace.CurrentSolution.GetProject(id)!;
    }

    private static Document[] SourceOf(Project project) =>
        project.Documents.Where(document => document.Name != "Usings.cs").OrderBy(document => document.Name, StringComparer.Ordinal).ToArray();

    private static async Task<ImmutableArray<Diagnostic>> DiagnosticsAsync(Project project, string id)
    {
        Compilation compilation = (await project.GetCompilationAsync())!;
        return (await AnalyzeAsync(compilation)).Where(diagnostic => diagnostic.Id == id).ToImmutableArray();
    }

    private static async Task<List<CodeAction>> ActionsAsync(CodeFixProvider fix, Document document, Diagnostic diagnostic)
    {
        var actions = new List<CodeAction>();
        await fix.RegisterCodeFixesAsync(new CodeFixContext(document, diagnostic, (action, _) => actions.Add(action), CancellationToken.None));
        return actions;
    }

    private static async Task<Solution> ChangedAsync(AdhocWorkspace workspace, CodeAction action)
    {
        foreach (CodeActionOperation operation in await action.GetOperationsAsync(CancellationToken.None))
            operation.Apply(workspace, CancellationToken.None);
        return workspace.CurrentSolution;
    }

    private static async Task<string> TextAsync(Document document) => (await document.GetTextAsync()).ToString().ReplaceLineEndings("\n");

    private sealed class DiagnosticSource : FixAllContext.DiagnosticProvider
    {
        public override async Task<IEnumerable<Diagnostic>> GetAllDiagnosticsAsync(Project project, CancellationToken cancellationToken) =>
            await All(project);

        public override async Task<IEnumerable<Diagnostic>> GetDocumentDiagnosticsAsync(Document document, CancellationToken cancellationToken)
        {
            SyntaxTree tree = (await document.GetSyntaxTreeAsync(cancellationToken))!;
            return (await All(document.Project)).Where(diagnostic => diagnostic.Location.SourceTree == tree);
        }

        public override async Task<IEnumerable<Diagnostic>> GetProjectDiagnosticsAsync(Project project, CancellationToken cancellationToken) =>
            (await All(project)).Where(diagnostic => diagnostic.Location == Location.None);

        private static async Task<ImmutableArray<Diagnostic>> All(Project project)
        {
            return await AnalyzeAsync((await project.GetCompilationAsync())!);
        }
    }
}
