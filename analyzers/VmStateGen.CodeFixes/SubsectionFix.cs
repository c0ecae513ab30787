using System.Collections.Generic;
using System.Collections.Immutable;
using System.Composition;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using VmStateGen.Parsing;

namespace VmStateGen.CodeFixes;

/// <summary>VMS140, VMS142, VMS144: a subsection's name, when it is written, and what its absence means.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(SubsectionFix)), Shared]
public sealed class SubsectionFix : StateCodeFix
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = ImmutableArray.Create("VMS140", "VMS142", "VMS144");

    private protected override IEnumerable<FixChoice> Choices(FixTarget target)
    {
        if (target.Attribute is not AttributeSyntax attribute || target.Type is not TypeDeclarationSyntax type)
            yield break;
        switch (target.Id)
        {
            case "VMS140" when Literal(attribute.ArgumentList?.Arguments.FirstOrDefault(), target.Argument(0)) is not null:
                string prefixed = target.Argument(1) + "/" + target.Argument(0).TrimStart('/');
                yield return new FixChoice($"Name it \"{prefixed}\"", "prefix", batch => Rename(batch, target, attribute, type, prefixed));
                break;
            case "VMS142":
                yield return Create(target, attribute, type, "Needed", Signatures.Predicate);
                break;
            case "VMS144":
                yield return Create(target, attribute, type, "Absent", Signatures.Hook);
                break;
        }
    }

    private static FixChoice Create(FixTarget target, AttributeSyntax attribute, TypeDeclarationSyntax type, string property, string signature)
    {
        string name = target.FreeName(Edits.Pascal(target.Argument(0)) + property);
        return new FixChoice($"Add '{property} = nameof({name})' and create it", property, batch =>
        {
            batch.Editor.SetArgument(attribute, property, $"nameof({name})");
            if (batch.Once((type, name)))
                batch.Editor.AddMember(type, MissingMemberFix.Stub(name, signature)!);
        });
    }

    /// <summary>With the fields that name it.</summary>
    private static void Rename(FixBatch batch, FixTarget target, AttributeSyntax attribute, TypeDeclarationSyntax type, string name)
    {
        IEnumerable<LiteralExpressionSyntax> uses = type.DescendantNodes(node => node == type || node is not TypeDeclarationSyntax).OfType<AttributeArgumentSyntax>()
            .Where(argument => argument.NameEquals?.Name.Identifier.ValueText == "Subsection")
            .Select(argument => Literal(argument, target.Argument(0))!).Where(use => use is not null);
        foreach (LiteralExpressionSyntax use in uses.Prepend(Literal(attribute.ArgumentList!.Arguments[0], target.Argument(0))!))
        {
            if (batch.Once(use))
            {
                batch.Editor.ReplaceNode(use, SyntaxFactory.LiteralExpression(SyntaxKind.StringLiteralExpression, SyntaxFactory.Literal(name)).WithTriviaFrom(use));
            }
        }
    }

    private static LiteralExpressionSyntax? Literal(AttributeArgumentSyntax? argument, string text) =>
        argument?.Expression is LiteralExpressionSyntax { Token.Value: string value } literal && value == text ? literal : null;
}
