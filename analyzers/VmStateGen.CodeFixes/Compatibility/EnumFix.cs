using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using VmStateGen.Schema;

namespace VmStateGen.CodeFixes;

/// <summary>VMS223: the values that releases know, written out, and the others as they are.</summary>
internal static class EnumFix
{
    public static IEnumerable<FixChoice> Choices(FixTarget target)
    {
        if (target.Node.FirstAncestorOrSelf<EnumDeclarationSyntax>() is not EnumDeclarationSyntax declaration)
            yield break;
        Dictionary<string, string> old = CompatibilityFix.Suggestions(target).Where(fix => fix.Kind == FixKind.Restore && fix.Target is not null && fix.Value is not null)
            .ToDictionary(fix => fix.Target!, fix => fix.Value!);
        // Every value is written out: an implicit one would move with the one before it.
        var values = new Dictionary<EnumMemberDeclarationSyntax, string>();
        foreach (EnumMemberDeclarationSyntax member in declaration.Members)
        {
            if (target.Model.GetDeclaredSymbol(member, target.Cancel) is not IFieldSymbol { HasConstantValue: true } field)
                yield break;
            values[member] = old.TryGetValue(field.Name, out string? value) ? value : System.Convert.ToString(field.ConstantValue, CultureInfo.InvariantCulture)!;
        }
        // A value that is gone is for its author to put back, and two names of one value may be one too many.
        if (old.Keys.Any(name => declaration.Members.All(member => member.Identifier.ValueText != name)) || values.Values.Distinct().Count() != values.Count)
            yield break;
        yield return new FixChoice("Restore the values", "values", batch =>
        {
            foreach (KeyValuePair<EnumMemberDeclarationSyntax, string> entry in values)
            {
                EqualsValueClauseSyntax written = SyntaxFactory.EqualsValueClause(SyntaxFactory.ParseExpression(entry.Value)).NormalizeWhitespace().WithLeadingTrivia(SyntaxFactory.Space);
                batch.Editor.ReplaceNode(entry.Key, (current, _) =>
                {
                    var now = (EnumMemberDeclarationSyntax)current;
                    return now.WithIdentifier(now.Identifier.WithTrailingTrivia()).WithEqualsValue(written).WithTrailingTrivia(now.GetTrailingTrivia());
                });
            }
        });
    }
}
