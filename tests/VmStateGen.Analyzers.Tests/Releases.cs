using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;
using VmStateGen.Schema;

namespace VmStateGen.Analyzers.Tests;

/// <summary>A project with baseline files, in a workspace: what is reported in it, and what a fix makes of it.</summary>
internal sealed class Releases : IDisposable
{
    private readonly AdhocWorkspace workspace = new();
    private readonly ProjectId id = ProjectId.CreateNewId();

    public Releases(IReadOnlyList<string> sources, IEnumerable<(string Name, string Text)> files, params MetadataReference[] references)
    {
        Compilation empty = Verifier.Compile();
        Solution solution = workspace.CurrentSolution.AddProject(ProjectInfo.Create(id, VersionStamp.Default, "Test", "Test", LanguageNames.CSharp,
            parseOptions: empty.SyntaxTrees.First().Options, compilationOptions: empty.Options, metadataReferences: Verifier.References.AddRange(references)));
        solution = solution.AddDocument(DocumentId.CreateNewId(id), "Usings.cs", SourceText.From(Verifier.Usings), filePath: "Usings.cs");
        for (int i = 0; i < sources.Count; i++)
            solution = solution.AddDocument(DocumentId.CreateNewId(id), $"Test{i}.cs", SourceText.From(sources[i]), filePath: $"Test{i}.cs");
        foreach ((string name, string text) in files)
            solution = solution.AddAdditionalDocument(DocumentId.CreateNewId(id), name, SourceText.From(text), filePath: name);
        Assert.True(workspace.TryApplyChanges(solution));
    }

    public Project Project => workspace.CurrentSolution.GetProject(id)!;

    /// <summary>The schema of sources, as the analyzer reads it.</summary>
    public static SchemaSet Schema(params string[] sources)
    {
        CurrentSchema current = CurrentSchema.Build(Verifier.Compile(sources), CancellationToken.None);
        Assert.Empty(current.Broken);
        return current.Schemas;
    }

    /// <summary>The file of a release.</summary>
    public static string Shipped(string release, string source) => $"{SchemaWriter.Header}\n#release {release}\n{SchemaWriter.Write(Schema(source))}";

    /// <summary>Files of a project whose last release is <paramref name="old"/>, and in which everything since is accepted.</summary>
    public static List<(string Name, string Text)> Accepted(string old, string current)
    {
        var files = new List<(string, string)> { (BaselineSet.ShippedName, Shipped("1.0", old)) };
        files.Add((BaselineSet.UnshippedName, BaselineEditor.Accept(BaselineSet.Load(files), Schema(current))));
        return files;
    }

    /// <summary>What is reported of sources with these files.</summary>
    public static async Task<ImmutableArray<Diagnostic>> AnalyzeAsync(string source, IEnumerable<(string Name, string Text)> files)
    {
        using var project = new Releases([source], files);
        return await project.AnalyzeAsync();
    }

    public async Task<ImmutableArray<Diagnostic>> AnalyzeAsync(DiagnosticAnalyzer? analyzer = null)
    {
        Exception? thrown = null;
        var options = new CompilationWithAnalyzersOptions(Project.AnalyzerOptions, onAnalyzerException: (exception, _, _) => thrown ??= exception,
            concurrentAnalysis: true, logAnalyzerExecutionTime: false);
        ImmutableArray<Diagnostic> found = await (await Project.GetCompilationAsync())!
            .WithAnalyzers([analyzer ?? new CompatibilityAnalyzer()], options).GetAnalyzerDiagnosticsAsync();
        if (thrown is not null)
            throw new InvalidOperationException("The analyzer threw: " + thrown, thrown);
        return [.. found.Where(diagnostic => !diagnostic.IsSuppressed).OrderBy(diagnostic => diagnostic.Location.SourceSpan.Start)];
    }

    /// <summary>Keys of the fixes on offer for the first diagnostic of that id in source.</summary>
    public async Task<List<CodeAction>> OffersAsync(string rule)
    {
        var actions = new List<CodeAction>();
        foreach (CodeFixProvider fix in Fixes.All.Where(fix => fix.FixableDiagnosticIds.Contains(rule)))
        {
            Diagnostic? diagnostic = (await AnalyzeAsync()).FirstOrDefault(diagnostic => diagnostic.Id == rule && diagnostic.Location.IsInSource);
            if (diagnostic is not null && Project.GetDocument(diagnostic.Location.SourceTree) is Document document)
                await fix.RegisterCodeFixesAsync(new CodeFixContext(document, diagnostic, (action, _) => actions.Add(action), CancellationToken.None));
        }
        return actions;
    }

    /// <summary>Fixes on offer at a file that is no source.</summary>
    public async Task<List<CodeAction>> FileOffersAsync(CodeFixProvider fix, string name)
    {
        var actions = new List<CodeAction>();
        TextDocument file = Project.AdditionalDocuments.Single(document => document.Name == name);
        Diagnostic diagnostic = (await AnalyzeAsync()).First(diagnostic => diagnostic.Location.GetLineSpan().Path == name);
        await fix.RegisterCodeFixesAsync(new CodeFixContext(file, diagnostic, (action, _) => actions.Add(action), CancellationToken.None));
        return actions;
    }

    public async Task ApplyAsync(CodeAction action)
    {
        foreach (CodeActionOperation operation in await action.GetOperationsAsync(CancellationToken.None))
            operation.Apply(workspace, CancellationToken.None);
    }

    /// <summary>A fix of everything in a scope.</summary>
    public async Task ApplyAllAsync(CodeFixProvider fix, string rule, string key, FixAllScope scope)
    {
        Document first = Project.Documents.First(document => document.Name == "Test0.cs");
        var context = new FixAllContext(first, fix, scope, key, [rule], new Source(this), CancellationToken.None);
        await ApplyAsync((await fix.GetFixAllProvider()!.GetFixAsync(context))!);
    }

    public async Task<string> SourceAsync(int index = 0) =>
        (await Project.Documents.First(document => document.Name == $"Test{index}.cs").GetTextAsync()).ToString().ReplaceLineEndings("\n");

    public async Task<string?> FileAsync(string name) =>
        Project.AdditionalDocuments.FirstOrDefault(document => document.Name == name) is TextDocument file ? (await file.GetTextAsync()).ToString() : null;

    public void Dispose() => workspace.Dispose();

    private sealed class Source(Releases project) : FixAllContext.DiagnosticProvider
    {
        public override async Task<IEnumerable<Diagnostic>> GetAllDiagnosticsAsync(Project unused, CancellationToken cancellationToken) => await project.AnalyzeAsync();

        public override async Task<IEnumerable<Diagnostic>> GetDocumentDiagnosticsAsync(Document document, CancellationToken cancellationToken)
        {
            string? path = document.FilePath;
            return (await project.AnalyzeAsync()).Where(diagnostic => diagnostic.Location.SourceTree?.FilePath == path);
        }

        public override async Task<IEnumerable<Diagnostic>> GetProjectDiagnosticsAsync(Project unused, CancellationToken cancellationToken) =>
            (await project.AnalyzeAsync()).Where(diagnostic => diagnostic.Location == Location.None);
    }
}
