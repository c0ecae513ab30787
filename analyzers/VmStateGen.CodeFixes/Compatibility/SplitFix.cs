using System.Collections.Generic;
using System.Collections.Immutable;
using System.Composition;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Editing;
using VmStateGen.Analyzers;
using VmStateGen.Schema;

namespace VmStateGen.CodeFixes;

/// <summary>
/// VMS212 in nested state: the new field gets a version of its type, and every place that has the type reads it at the old one in old
/// streams and at the new one in new streams, which raises the version of every section that reaches it. Offered only where that can be
/// done everywhere: one place that is forgotten would read the field from streams that do not have it.
/// </summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(SplitFix)), Shared]
public sealed class SplitFix : CodeFixProvider
{
    private const string Key = "split";

    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = ImmutableArray.Create("VMS212");

    /// <summary>None: two fields of one type share a version, and two types may share a section.</summary>
    public override FixAllProvider? GetFixAllProvider() => null;

    /// <inheritdoc/>
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        foreach (Diagnostic diagnostic in context.Diagnostics)
        {
            FixTarget target = await FixTarget.CreateAsync(context.Document, diagnostic, context.CancellationToken).ConfigureAwait(false);
            SuggestedFix? split = CompatibilityFix.Suggestions(target).FirstOrDefault(fix => fix.Kind == FixKind.SplitUseSites);
            if (split is null || CompatibilityFix.Number(split.Value) is not int old || target.Attribute is not AttributeSyntax field || Edits.NameOf(field, target.Model) != "Field"
                || target.Property(FindingDiagnostic.TypeKey) is not string key || target.Property(FindingDiagnostic.SubsectionKey) is not null || Edits.Argument(field, "When") is not null)
            {
                continue;
            }
            if (await Plan.MakeAsync(context.Document.Project, key, old, context.CancellationToken).ConfigureAwait(false) is Plan plan)
            {
                context.RegisterCodeFix(CodeAction.Create($"Split the places that use '{target.TypeSymbol?.Name}' by version", cancel => plan.ApplyAsync(context.Document, field, cancel), Key), diagnostic);
            }
        }
    }

    /// <summary>What is to be raised and split.</summary>
    private sealed class Plan
    {
        private readonly Project project;
        private readonly CurrentSchema current;
        private readonly SchemaSet released;
        private readonly CancellationToken cancel;

        /// <summary>The version that each type gets.</summary>
        private readonly Dictionary<string, int> versions = new();
        private readonly List<(AttributeSyntax Field, int Until, int Old, int New)> splits = new();

        private Plan(Project project, CurrentSchema current, SchemaSet released, CancellationToken cancel)
        {
            this.project = project;
            this.current = current;
            this.released = released;
            this.cancel = cancel;
        }

        public static async Task<Plan?> MakeAsync(Project project, string key, int old, CancellationToken cancel)
        {
            if (await project.GetCompilationAsync(cancel).ConfigureAwait(false) is not Compilation compilation)
                return null;
            var files = new List<BaselineFile>();
            foreach (TextDocument document in project.AdditionalDocuments.Where(document => BaselineSet.IsBaseline(document.FilePath ?? document.Name)))
                files.Add(BaselineFiles.Read(document.FilePath ?? document.Name, await document.GetTextAsync(cancel).ConfigureAwait(false)));
            CurrentSchema current = CurrentSchema.Build(compilation, cancel);
            // The last release's: what is older is read as what it is read as now.
            if (current.Broken.Count > 0 || BaselineSet.Combine(files).Supported().LastOrDefault() is not Baseline last)
                return null;
            var plan = new Plan(project, current, last.Schemas, cancel);
            return plan.Split(key, old) && plan.splits.Count > 0 ? plan : null;
        }

        public async Task<Solution> ApplyAsync(Document document, AttributeSyntax added, CancellationToken token)
        {
            var editor = new SolutionEditor(project.Solution);
            foreach (KeyValuePair<string, int> raised in versions)
            {
                if (Attribute(raised.Key) is AttributeSyntax owner)
                    (await EditorAsync(owner).ConfigureAwait(false)).SetArgument(owner, "Version", CompatibilityFix.Text(raised.Value));
            }
            string key = versions.Keys.First();
            if (current.Find(key) is not null)
                (await editor.GetDocumentEditorAsync(document.Id, token).ConfigureAwait(false)).SetArgument(added, "Version", CompatibilityFix.Text(versions[key]));
            foreach ((AttributeSyntax field, int until, int old, int now) in splits)
            {
                DocumentEditor place = await EditorAsync(field).ConfigureAwait(false);
                string arguments = field.ArgumentList is { Arguments.Count: > 0 } list ? list.Arguments + ", " : "";
                place.SetArgument(field, "Version", CompatibilityFix.Text(until + 1));
                place.SetArgument(field, "StructVersion", CompatibilityFix.Text(now));
                place.InsertAttribute(field, $"[Field({arguments}Until = {CompatibilityFix.Text(until)}, StructVersion = {CompatibilityFix.Text(old)})]");
            }
            return editor.GetChangedSolution();

            Task<DocumentEditor> EditorAsync(SyntaxNode node) => editor.GetDocumentEditorAsync(project.Solution.GetDocument(node.SyntaxTree)!.Id, token);
        }

        /// <returns>False: some place cannot be split.</returns>
        private bool Split(string key, int old)
        {
            if (versions.ContainsKey(key))
                return true;
            if (current.Schemas.Find(key) is not StateSchema state || (Attribute(key) is null && !IsVersioned(state, old)))
                return false;
            int now = System.Math.Max(state.Version, old + 1);
            versions.Add(key, now);
            if (current.Schemas.RemovedSections.Any(removed => removed.Type == key))
                return false;
            foreach (StateSchema user in current.Schemas.States)
            {
                if (user.Subsections.Any(subsection => subsection.Type == key) || user.RemovedSubsections.Any(removed => removed.Type == key))
                    return false;
                List<WireItem> uses = user.Items.Where(item => SchemaReach.TypesOf(item).Contains(key)).ToList();
                // What no release has, and what they have at another version already, is right as it is.
                if (uses.Count == 0 || released.Find(user.Key) is not StateSchema before)
                    continue;
                if (uses.Any(use => !IsSimple(use)) || !Split(user.Key, before.Version) || Places(user.Key) is not StatePlaces places)
                    return false;
                foreach (WireItem use in uses)
                {
                    if (places.Item(use) is not Location { SourceTree: SyntaxTree tree } location
                        || tree.GetRoot(cancel).FindNode(location.SourceSpan, getInnermostNodeForTie: true).FirstAncestorOrSelf<AttributeSyntax>() is not { Parent: AttributeListSyntax } field
                        || Edits.NameOf(field, current.Compilation.GetSemanticModel(tree)) != "Field")
                    {
                        return false;
                    }
                    splits.Add((field, versions[user.Key] - 1, old, now));
                }
            }
            return true;
        }

        /// <summary>Another project's type cannot be changed from here; it must read its old version as releases wrote it.</summary>
        private bool IsVersioned(StateSchema state, int old) => state.Version > old && current.Find(state.Key) is null && released.Find(state.Key) is StateSchema before
            && WireProjection.Project(current.Schemas, state, old).Select(leaf => leaf.Wire).SequenceEqual(WireProjection.Project(released, before, old).Select(leaf => leaf.Wire));

        private static bool IsSimple(WireItem use) => use is
        {
            Shape: WireShape.State, Since: 0, Until: null, When: null, StructVersion: null, Via: null, Codec: null, Subsection: null,
        };

        private StatePlaces? Places(string key) => current.Find(key) is INamedTypeSymbol type ? StatePlaces.Find(type, current.Compilation, cancel) : null;

        private AttributeSyntax? Attribute(string key) => Places(key)?.Type is Location { SourceTree: SyntaxTree tree } place
            ? tree.GetRoot(cancel).FindNode(place.SourceSpan, getInnermostNodeForTie: true).FirstAncestorOrSelf<AttributeSyntax>() : null;
    }
}
