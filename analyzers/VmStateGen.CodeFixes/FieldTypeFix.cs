using System.Collections.Generic;
using System.Collections.Immutable;
using System.Composition;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace VmStateGen.CodeFixes;

/// <summary>VMS111 and VMS112: the member's type or declaration does not allow to load it.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(FieldTypeFix)), Shared]
public sealed class FieldTypeFix : StateCodeFix
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = ImmutableArray.Create("VMS111", "VMS112");

    private protected override IEnumerable<FixChoice> Choices(FixTarget target)
    {
        if (target.Type is not TypeDeclarationSyntax type || target.Declaration is not MemberDeclarationSyntax member)
            yield break;
        if (target.Id == "VMS112")
        {
            if (Assignable(member, target.Member) is MemberDeclarationSyntax assignable)
                yield return new FixChoice("Let a load assign it", "assignable", batch => batch.Editor.ReplaceNode(member, assignable));
            yield break;
        }
        if (member is FieldDeclarationSyntax { Declaration.Variables.Count: 1 } field && target.Member is IFieldSymbol { IsFixedSizeBuffer: true } buffer)
        {
            string name = target.FreeName(Edits.Pascal(buffer.Name) + "Buffer");
            yield return new FixChoice("Replace the fixed buffer by an inline array", "inline-array", batch => MakeInlineArray(batch, type, field, buffer, name));
        }
        string? kind = new[] { "Field", "Subsection" }.FirstOrDefault(name => DeclarationFix.Find(member, target.Model, name) is not null);
        if (kind is not null && member is FieldDeclarationSyntax or PropertyDeclarationSyntax)
        {
            yield return new FixChoice("Do not migrate it: [Ignore(\"…\")]", "ignore", batch =>
            {
                if (batch.Once(member))
                    batch.Editor.ReplaceAttributes(member, target.Model, kind!, Edits.IgnoreText);
            });
        }
    }

    /// <summary>The member without what keeps a load from assigning it; null where that is something else.</summary>
    private static MemberDeclarationSyntax? Assignable(MemberDeclarationSyntax member, ISymbol? symbol)
    {
        if (symbol?.ContainingType is not { IsReadOnly: false })
            return null;
        if (member is FieldDeclarationSyntax field && field.Modifiers.FirstOrDefault(modifier => modifier.IsKind(SyntaxKind.ReadOnlyKeyword)) is { RawKind: not 0 } readOnly)
        {
            FieldDeclarationSyntax changed = field.WithModifiers(field.Modifiers.Remove(readOnly));
            // As the only modifier it carries the comment above.
            return field.Modifiers[0] == readOnly && field.AttributeLists.Count == 0
                ? changed.WithLeadingTrivia(field.GetLeadingTrivia())
                : changed;
        }
        if (member is not PropertyDeclarationSyntax { AccessorList: AccessorListSyntax list } property)
            return null;
        AccessorDeclarationSyntax? init = list.Accessors.FirstOrDefault(accessor => accessor.IsKind(SyntaxKind.InitAccessorDeclaration));
        if (init is not null)
        {
            AccessorDeclarationSyntax set = SyntaxFactory.AccessorDeclaration(SyntaxKind.SetAccessorDeclaration, init.AttributeLists, init.Modifiers,
                SyntaxFactory.Token(SyntaxKind.SetKeyword).WithTriviaFrom(init.Keyword), init.Body, init.ExpressionBody, init.SemicolonToken);
            return property.ReplaceNode(init, set);
        }
        // Only an auto-property: a computed one has no place to store the value.
        if (list.Accessors.Count != 1 || list.Accessors[0] is not { Body: null, ExpressionBody: null })
            return null;
        AccessorDeclarationSyntax added = SyntaxFactory.AccessorDeclaration(SyntaxKind.SetAccessorDeclaration)
            .WithSemicolonToken(SyntaxFactory.Token(SyntaxKind.SemicolonToken)).WithTrailingTrivia(SyntaxFactory.Space);
        if (!property.Modifiers.Any(SyntaxKind.PrivateKeyword) && symbol.DeclaredAccessibility != Accessibility.Private)
            added = added.WithModifiers(SyntaxFactory.TokenList(SyntaxFactory.Token(SyntaxKind.PrivateKeyword).WithTrailingTrivia(SyntaxFactory.Space)));
        return property.WithAccessorList(list.AddAccessors(added));
    }

    private static void MakeInlineArray(FixBatch batch, TypeDeclarationSyntax type, FieldDeclarationSyntax field, IFieldSymbol buffer, string name)
    {
        string element = field.Declaration.Type.WithoutTrivia().ToString();
        VariableDeclaratorSyntax variable = field.Declaration.Variables[0];
        SyntaxTokenList modifiers = SyntaxFactory.TokenList(field.Modifiers
            .Where(modifier => !modifier.IsKind(SyntaxKind.FixedKeyword) && !modifier.IsKind(SyntaxKind.UnsafeKeyword)));
        FieldDeclarationSyntax changed = field.WithModifiers(modifiers).WithDeclaration(SyntaxFactory.VariableDeclaration(
            SyntaxFactory.IdentifierName(name).WithTriviaFrom(field.Declaration.Type),
            SyntaxFactory.SingletonSeparatedList(SyntaxFactory.VariableDeclarator(variable.Identifier.WithTrailingTrivia()))));
        batch.Editor.ReplaceNode(field, changed.WithLeadingTrivia(field.GetLeadingTrivia()));
        // As visible as the field, else it could not be the field's type.
        string visible = string.Concat(field.Modifiers.Where(IsVisibility).Select(modifier => modifier.ValueText + " "));
        batch.Editor.AddMember(type, $$"""
            [System.Runtime.CompilerServices.InlineArray({{buffer.FixedSize}})]
            {{(visible.Length == 0 ? "private " : visible)}}struct {{name}}
            {
                private {{element}} element;
            }
            """);
    }

    private static bool IsVisibility(SyntaxToken modifier) => modifier.Kind()
        is SyntaxKind.PublicKeyword or SyntaxKind.InternalKeyword or SyntaxKind.ProtectedKeyword or SyntaxKind.PrivateKeyword;
}
