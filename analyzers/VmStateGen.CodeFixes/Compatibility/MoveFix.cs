using System.Collections.Generic;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using VmStateGen.Schema;

namespace VmStateGen.CodeFixes;

/// <summary>VMS214: moves a member back behind the one that it followed; only where each member is one field and nothing else hangs on its place.</summary>
internal static class MoveFix
{
    public static IEnumerable<FixChoice> Choices(FixTarget target, SuggestedFix fix, TypeDeclarationSyntax type)
    {
        if (target.Declaration is not MemberDeclarationSyntax moved || !type.Members.Contains(moved) || !IsSimple(moved, target))
            yield break;
        MemberDeclarationSyntax? place = fix.Value is string name
            ? type.Members.SingleOrDefault(member => IsSimple(member, target) && WireName(member, target) == name)
            : type.Members.FirstOrDefault(member => WireName(member, target) is not null);
        if (place is null || place == moved)
            yield break;
        yield return new FixChoice(fix.Value is null ? "Move it back to the front" : $"Move it back behind '{fix.Value}'", "order", batch =>
        {
            batch.Editor.RemoveNode(moved, SyntaxRemoveOptions.KeepNoTrivia);
            if (fix.Value is null)
                batch.Editor.InsertBefore(place, moved);
            else
                batch.Editor.InsertAfter(place, moved);
        });
    }

    private static bool IsSimple(MemberDeclarationSyntax member, FixTarget target)
    {
        string?[] ours = member.AttributeLists.SelectMany(list => list.Attributes).Select(attribute => Edits.NameOf(attribute, target.Model)).Where(name => name is not null).ToArray();
        return ours.Length == 1 && ours[0] == "Field" && member is PropertyDeclarationSyntax or FieldDeclarationSyntax { Declaration.Variables.Count: 1 }
            && !member.ContainsDirectives
            && member.AttributeLists.SelectMany(list => list.Attributes).All(attribute => Edits.Argument(attribute, "Order") is null);
    }

    private static string? WireName(MemberDeclarationSyntax member, FixTarget target)
    {
        AttributeSyntax? field = member.AttributeLists.SelectMany(list => list.Attributes).FirstOrDefault(attribute => Edits.NameOf(attribute, target.Model) == "Field");
        if (field is null)
            return null;
        if (CompatibilityFix.FirstLiteral(field)?.Token.Value is string given)
            return given;
        return member switch
        {
            FieldDeclarationSyntax declaration => Schema.WireName.Of(declaration.Declaration.Variables[0].Identifier.ValueText),
            PropertyDeclarationSyntax property => Schema.WireName.Of(property.Identifier.ValueText),
            _ => null,
        };
    }
}
