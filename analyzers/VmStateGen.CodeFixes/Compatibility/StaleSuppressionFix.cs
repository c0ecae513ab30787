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
using Microsoft.CodeAnalysis.Text;

namespace VmStateGen.CodeFixes;

/// <summary>VMS305: removes an id from its pragmas, or the attribute; a line that is left with nothing goes too.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(StaleSuppressionFix)), Shared]
public sealed class StaleSuppressionFix : CodeFixProvider
{
    private const string Key = "unsuppress";

    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = ImmutableArray.Create("VMS305");

    /// <inheritdoc/>
    public override FixAllProvider GetFixAllProvider() => FixAllProvider.Create(async (context, document, diagnostics) =>
        await RemoveAsync(document, diagnostics, context.CancellationToken).ConfigureAwait(false));

    /// <inheritdoc/>
    public override Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        foreach (Diagnostic diagnostic in context.Diagnostics)
        {
            context.RegisterCodeFix(CodeAction.Create("Remove the suppression", cancel => RemoveAsync(context.Document, ImmutableArray.Create(diagnostic), cancel), Key), diagnostic);
        }
        return Task.CompletedTask;
    }

    private static async Task<Document> RemoveAsync(Document document, ImmutableArray<Diagnostic> diagnostics, CancellationToken cancel)
    {
        SyntaxNode root = (await document.GetSyntaxRootAsync(cancel).ConfigureAwait(false))!;
        SourceText text = await document.GetTextAsync(cancel).ConfigureAwait(false);
        // Several ids of one pragma go together.
        IEnumerable<IGrouping<SyntaxNode?, SyntaxNode>> gone = diagnostics.SelectMany(diagnostic => diagnostic.AdditionalLocations.Prepend(diagnostic.Location))
            .Select(place => root.FindNode(place.SourceSpan, findInsideTrivia: true, getInnermostNodeForTie: true)).Select(Entry).GroupBy(node => node.Parent);
        return document.WithText(text.WithChanges(gone.Select(group => Change(text, group)).OrderBy(change => change.Span.Start)));
    }

    private static SyntaxNode Entry(SyntaxNode node) => (SyntaxNode?)node.FirstAncestorOrSelf<AttributeSyntax>() ?? node;

    private static TextChange Change(SourceText text, IGrouping<SyntaxNode?, SyntaxNode> gone)
    {
        IReadOnlyList<SyntaxNode> all = gone.Key switch
        {
            PragmaWarningDirectiveTriviaSyntax pragma => pragma.ErrorCodes,
            AttributeListSyntax list => list.Attributes,
            _ => gone.ToList(),
        };
        string rest = string.Join(", ", all.Except(gone));
        if (rest.Length > 0)
            return new TextChange(TextSpan.FromBounds(all[0].SpanStart, all[all.Count - 1].Span.End), rest);
        TextSpan span = gone.Key!.Span;
        TextLine line = text.Lines.GetLineFromPosition(span.Start);
        bool isAlone = gone.Key is PragmaWarningDirectiveTriviaSyntax || text.ToString(line.Span).Trim() == text.ToString(span);
        if (isAlone)
            return new TextChange(line.SpanIncludingLineBreak, "");
        int end = span.End;
        while (end < text.Length && text[end] == ' ')
            end++;
        return new TextChange(TextSpan.FromBounds(span.Start, end), "");
    }
}
