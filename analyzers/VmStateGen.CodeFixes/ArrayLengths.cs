using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace VmStateGen.CodeFixes;

/// <summary>How long an array is, as its declaration tells.</summary>
internal static class ArrayLengths
{
    /// <summary>The length as C#, the declaration's own constant where it has one; null if the declaration does not tell.</summary>
    public static string? Of(FixTarget target)
    {
        ExpressionSyntax? initializer = target.Declaration switch
        {
            FieldDeclarationSyntax { Declaration.Variables: { Count: 1 } variables } => variables[0].Initializer?.Value,
            PropertyDeclarationSyntax property => property.Initializer?.Value,
            _ => null,
        };
        return initializer switch
        {
            ArrayCreationExpressionSyntax { Type.RankSpecifiers: { Count: > 0 } ranks } created when ranks[0].Sizes.Count == 1 =>
                ranks[0].Sizes[0] is OmittedArraySizeExpressionSyntax ? Count(created.Initializer?.Expressions.Count) : Constant(target, ranks[0].Sizes[0]),
            ImplicitArrayCreationExpressionSyntax implied => Count(implied.Initializer.Expressions.Count),
            InitializerExpressionSyntax listed => Count(listed.Expressions.Count),
            CollectionExpressionSyntax collection when collection.Elements.All(element => element is ExpressionElementSyntax) => Count(collection.Elements.Count),
            _ => null,
        };
    }

    private static string? Constant(FixTarget target, ExpressionSyntax size) =>
        target.Model.GetConstantValue(size, target.Cancel) is { HasValue: true, Value: int value and > 0 }
            // A named constant stays named, and an expression stays as it was thought of; only a cast or suffix is worked out.
            ? size is LiteralExpressionSyntax or IdentifierNameSyntax or MemberAccessExpressionSyntax or BinaryExpressionSyntax ? size.WithoutTrivia().ToString() : Text(value)
            : null;

    private static string? Count(int? count) => count is > 0 ? Text(count.Value) : null;

    private static string Text(int value) => value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
