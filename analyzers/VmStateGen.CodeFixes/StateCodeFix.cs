using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.Editing;
using VmStateGen.Analyzers;

namespace VmStateGen.CodeFixes;

/// <summary>One way to fix a diagnostic.</summary>
/// <param name="Title">What the light bulb says.</param>
/// <param name="Key">Which way it is: all diagnostics of a document are fixed the same way together.</param>
/// <param name="Edit">Makes the change.</param>
internal sealed record FixChoice(string Title, string Key, Action<FixBatch> Edit);

/// <summary>The changes to one document.</summary>
internal sealed class FixBatch(DocumentEditor editor)
{
    private readonly HashSet<object> done = new();

    public DocumentEditor Editor => editor;

    /// <summary>True the first time: two diagnostics may ask for one and the same change.</summary>
    public bool Once(object change) => done.Add(change);
}

/// <summary>
/// A fix that stays in one document. A single fix and a fix of all are the same edits, of one diagnostic or of many, so they
/// cannot differ, and edits that touch the same declaration do not get lost in a merge of texts.
/// </summary>
public abstract class StateCodeFix : CodeFixProvider
{
    /// <inheritdoc/>
    public sealed override FixAllProvider GetFixAllProvider() => FixAllProvider.Create(async (context, document, diagnostics) =>
        await ApplyAsync(document, diagnostics, context.CodeActionEquivalenceKey, context.CancellationToken).ConfigureAwait(false));

    /// <inheritdoc/>
    public sealed override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        foreach (Diagnostic diagnostic in context.Diagnostics)
        {
            FixTarget target = await FixTarget.CreateAsync(context.Document, diagnostic, context.CancellationToken).ConfigureAwait(false);
            foreach (FixChoice choice in Choices(target))
            {
                context.RegisterCodeFix(
                    CodeAction.Create(choice.Title, cancel => ApplyAsync(context.Document, ImmutableArray.Create(diagnostic), choice.Key, cancel), choice.Key),
                    diagnostic);
            }
        }
    }

    /// <summary>The ways to fix it, the best first; none where no change is sure to make the diagnostic go.</summary>
    private protected abstract IEnumerable<FixChoice> Choices(FixTarget target);

    private async Task<Document> ApplyAsync(Document document, ImmutableArray<Diagnostic> diagnostics, string? key, CancellationToken cancel)
    {
        DocumentEditor editor = await DocumentEditor.CreateAsync(document, cancel).ConfigureAwait(false);
        var batch = new FixBatch(editor);
        foreach (Diagnostic diagnostic in diagnostics.OrderBy(diagnostic => diagnostic.Location.SourceSpan.Start)
            .ThenBy(diagnostic => diagnostic.Properties.TryGetValue(FindingDiagnostic.OrderKey, out string? order) ? order : null, StringComparer.Ordinal))
        {
            FixTarget target = await FixTarget.CreateAsync(document, diagnostic, cancel).ConfigureAwait(false);
            Choices(target).FirstOrDefault(choice => choice.Key == key)?.Edit(batch);
        }
        return editor.GetChangedDocument();
    }
}
