using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace VmStateGen.Parsing;

/// <summary>A predicate may be asked any number of times, on save, load and description: it must change nothing.</summary>
internal static class PredicateBody
{
    public static void Check(TypeParser parser, ISymbol predicate, CancellationToken cancel)
    {
        foreach (SyntaxReference reference in predicate.DeclaringSyntaxReferences)
        {
            // An inherited one may stand in another project, which an editor hands over as source.
            if (!parser.Compilation.ContainsSyntaxTree(reference.SyntaxTree))
                continue;
            foreach (SyntaxNode node in reference.GetSyntax(cancel).DescendantNodes())
            {
                ExpressionSyntax? target = node switch
                {
                    AssignmentExpressionSyntax { Parent: not InitializerExpressionSyntax } assignment => assignment.Left,
                    PrefixUnaryExpressionSyntax prefix when prefix.IsKind(SyntaxKind.PreIncrementExpression) || prefix.IsKind(SyntaxKind.PreDecrementExpression) => prefix.Operand,
                    PostfixUnaryExpressionSyntax postfix when postfix.IsKind(SyntaxKind.PostIncrementExpression) || postfix.IsKind(SyntaxKind.PostDecrementExpression) => postfix.Operand,
                    ArgumentSyntax argument when argument.RefKindKeyword.IsKind(SyntaxKind.RefKeyword) || argument.RefKindKeyword.IsKind(SyntaxKind.OutKeyword) => argument.Expression,
                    _ => null,
                };
                foreach (ExpressionSyntax part in Parts(target))
                {
                    if (!IsLocal(parser.Compilation, part, cancel))
                        parser.Report(DefinitionRule.PredicateAssigns, part.GetLocation(), predicate.Name, part.ToString());
                }
            }
        }
    }

    /// <summary>A deconstruction assigns each of its parts.</summary>
    private static IEnumerable<ExpressionSyntax> Parts(ExpressionSyntax? target) => target switch
    {
        null => Enumerable.Empty<ExpressionSyntax>(),
        TupleExpressionSyntax tuple => tuple.Arguments.SelectMany(argument => Parts(argument.Expression)),
        _ => new[] { target },
    };

    private static bool IsLocal(Compilation compilation, ExpressionSyntax target, CancellationToken cancel)
    {
        SemanticModel model = compilation.GetSemanticModel(target.SyntaxTree);
        // A part of a local struct is as local as the struct.
        while (target is MemberAccessExpressionSyntax access && model.GetTypeInfo(access.Expression, cancel).Type is { IsValueType: true })
            target = access.Expression;
        return target is DeclarationExpressionSyntax
            || model.GetSymbolInfo(target, cancel).Symbol is ILocalSymbol { RefKind: RefKind.None } or IParameterSymbol { RefKind: RefKind.None } or IDiscardSymbol;
    }
}
