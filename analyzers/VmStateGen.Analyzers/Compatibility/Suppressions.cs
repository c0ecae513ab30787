using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace VmStateGen.Analyzers;

/// <summary>A suppression of one of our rules.</summary>
/// <param name="Id">The rule.</param>
/// <param name="Place">What says it: the id in a pragma, or an attribute.</param>
/// <param name="End">The same id in the pragma that restores it.</param>
/// <param name="Reach">Where it holds.</param>
internal sealed record Suppression(string Id, Location Place, Location? End, ImmutableArray<Location> Reach)
{
    public bool Covers(Diagnostic diagnostic) => diagnostic.Id == Id
        && Reach.Any(reach => reach.SourceTree == diagnostic.Location.SourceTree && reach.SourceSpan.Contains(diagnostic.Location.SourceSpan.Start));

    public Diagnostic ToDiagnostic() => Diagnostic.Create(BaselineRules.StaleSuppression, Place, End is null ? null : new[] { End }, Id);
}

/// <summary>Finds what suppresses rules about releases (rule 35). Those about annotations do not come and go with releases.</summary>
internal static class Suppressions
{
    /// <summary>Pragmas of a tree.</summary>
    public static IEnumerable<Suppression> In(SyntaxTree tree, CancellationToken cancel)
    {
        SyntaxNode root = tree.GetRoot(cancel);
        if (!root.ContainsDirectives)
            yield break;
        List<PragmaWarningDirectiveTriviaSyntax> pragmas = new();
        for (DirectiveTriviaSyntax? next = root.GetFirstDirective(IsPragma); next is not null; next = next.GetNextDirective(IsPragma))
            pragmas.Add((PragmaWarningDirectiveTriviaSyntax)next);
        for (int i = 0; i < pragmas.Count; i++)
        {
            if (!pragmas[i].DisableOrRestoreKeyword.IsKind(SyntaxKind.DisableKeyword))
                continue;
            foreach (ExpressionSyntax code in pragmas[i].ErrorCodes.Where(code => IsOurs(code.ToString())))
            {
                string id = code.ToString();
                PragmaWarningDirectiveTriviaSyntax? restore = pragmas.Skip(i + 1).FirstOrDefault(pragma => pragma.DisableOrRestoreKeyword.IsKind(SyntaxKind.RestoreKeyword)
                    && (pragma.ErrorCodes.Count == 0 || Code(pragma, id) is not null));
                TextSpan reach = TextSpan.FromBounds(pragmas[i].Span.End, restore?.SpanStart ?? root.FullSpan.End);
                yield return new Suppression(id, code.GetLocation(), restore is null ? null : Code(restore, id)?.GetLocation(), ImmutableArray.Create(Location.Create(tree, reach)));
            }
        }

        static bool IsPragma(DirectiveTriviaSyntax directive) => directive is PragmaWarningDirectiveTriviaSyntax { IsActive: true };
    }

    /// <summary>Attributes of a type and its members.</summary>
    public static IEnumerable<Suppression> Of(INamedTypeSymbol type, CancellationToken cancel)
    {
        foreach (ISymbol symbol in type.GetMembers().Where(member => member is not INamedTypeSymbol).Prepend(type))
        {
            foreach (AttributeData attribute in symbol.GetAttributes())
            {
                if (attribute.AttributeClass?.Name != "SuppressMessageAttribute" || attribute.ConstructorArguments.Length < 2
                    || attribute.ConstructorArguments[1].Value is not string check || attribute.ApplicationSyntaxReference is not SyntaxReference place)
                {
                    continue;
                }
                string id = check.Split(':')[0].Trim();
                // A field is its variable; the attributes stand on the declaration around it.
                if (IsOurs(id))
                    yield return new Suppression(id, Location.Create(place.SyntaxTree, place.Span), null, symbol.DeclaringSyntaxReferences.Select(reference => Around(reference, cancel)).ToImmutableArray());
            }
        }
    }

    private static Location Around(SyntaxReference reference, CancellationToken cancel)
    {
        SyntaxNode node = reference.GetSyntax(cancel);
        return (node is VariableDeclaratorSyntax ? node.FirstAncestorOrSelf<MemberDeclarationSyntax>() ?? node : node).GetLocation();
    }

    private static ExpressionSyntax? Code(PragmaWarningDirectiveTriviaSyntax pragma, string id) => pragma.ErrorCodes.FirstOrDefault(code => code.ToString() == id);

    private static bool IsOurs(string id) => id.Length == 6 && (id.StartsWith("VMS2", StringComparison.Ordinal) || id.StartsWith("VMS30", StringComparison.Ordinal)) && id != "VMS305";
}
