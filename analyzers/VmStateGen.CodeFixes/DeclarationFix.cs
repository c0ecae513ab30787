using System.Collections.Generic;
using System.Collections.Immutable;
using System.Composition;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Editing;

namespace VmStateGen.CodeFixes;

/// <summary>Fixes of the type itself: VMS100, VMS101, VMS102, VMS105.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(DeclarationFix)), Shared]
public sealed class DeclarationFix : StateCodeFix
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = ImmutableArray.Create("VMS100", "VMS101", "VMS102", "VMS105");

    private protected override IEnumerable<FixChoice> Choices(FixTarget target)
    {
        if (target.Type is not TypeDeclarationSyntax type)
            yield break;
        switch (target.Id)
        {
            case "VMS100":
                yield return new FixChoice($"Make '{type.Identifier.ValueText}' partial", "partial", batch => MakePartial(batch, type));
                break;
            case "VMS101":
                yield return new FixChoice($"Make '{type.Identifier.ValueText}' internal", "internal", batch => MakeInternal(batch, type));
                break;
            case "VMS102" when Find(type, target.Model, "VmState") is AttributeSyntax attribute:
                yield return new FixChoice("Add 'Nested = true'", "nested", batch => batch.Editor.SetArgument(attribute, "Nested", "true"));
                break;
            case "VMS105" when type is ClassDeclarationSyntax or StructDeclarationSyntax or RecordDeclarationSyntax:
                yield return new FixChoice($"Add [VmState] to '{type.Identifier.ValueText}'", "state", batch => MakeState(batch, type));
                break;
        }
    }

    internal static AttributeSyntax? Find(MemberDeclarationSyntax declaration, SemanticModel model, string name) =>
        declaration.AttributeLists.SelectMany(list => list.Attributes).FirstOrDefault(attribute => Edits.NameOf(attribute, model) == name);

    private static void MakePartial(FixBatch batch, TypeDeclarationSyntax type)
    {
        if (batch.Once((type, "partial")) && !type.Modifiers.Any(SyntaxKind.PartialKeyword))
            batch.Editor.SetModifiers(type, batch.Editor.Generator.GetModifiers(type).WithPartial(true));
    }

    private static void MakeInternal(FixBatch batch, TypeDeclarationSyntax type)
    {
        SyntaxToken file = type.Modifiers.FirstOrDefault(modifier => modifier.IsKind(SyntaxKind.FileKeyword));
        if (batch.Once(type) && !file.IsKind(SyntaxKind.None))
        {
            batch.Editor.ReplaceNode(type, (current, _) =>
            {
                var now = (TypeDeclarationSyntax)current;
                SyntaxToken old = now.Modifiers.First(modifier => modifier.IsKind(SyntaxKind.FileKeyword));
                return now.WithModifiers(now.Modifiers.Replace(old, SyntaxFactory.Token(SyntaxKind.InternalKeyword).WithTriviaFrom(old)));
            });
        }
    }

    /// <summary>With the types around it, so that the attribute does not only exchange one diagnostic for another.</summary>
    private static void MakeState(FixBatch batch, TypeDeclarationSyntax type)
    {
        foreach (TypeDeclarationSyntax around in type.AncestorsAndSelf().OfType<TypeDeclarationSyntax>())
            MakePartial(batch, around);
        if (!batch.Once((type, "state")))
            return;
        batch.Editor.ReplaceNode(type, (current, _) =>
        {
            var now = (TypeDeclarationSyntax)current;
            SyntaxTriviaList leading = now.GetLeadingTrivia();
            SyntaxTriviaList indent = SyntaxFactory.TriviaList(leading.Reverse().TakeWhile(trivia => trivia.IsKind(SyntaxKind.WhitespaceTrivia)).Reverse());
            return Edits.WithAttribute(now.WithLeadingTrivia(indent), "[VmState]", SyntaxFactory.ElasticCarriageReturnLineFeed)
                .WithLeadingTrivia(leading);
        });
    }
}
