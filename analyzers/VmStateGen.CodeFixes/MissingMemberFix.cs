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

/// <summary>
/// VMS130: creates the member that an annotation names. CS0103 too: with <c>nameof</c>, which everybody writes, the compiler is
/// the first to miss it, and what it would have to be is only known here.
/// </summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(MissingMemberFix)), Shared]
public sealed class MissingMemberFix : StateCodeFix
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = ImmutableArray.Create("VMS130", "CS0103");

    private protected override IEnumerable<FixChoice> Choices(FixTarget target)
    {
        if (target.Attribute is not AttributeSyntax attribute || target.Type is not TypeDeclarationSyntax type || target.TypeSymbol is not INamedTypeSymbol symbol)
            yield break;
        (string name, string? signature) = target.Id == "VMS130"
            ? (target.Argument(1), target.Argument(2))
            : ((target.Node as IdentifierNameSyntax)?.Identifier.ValueText ?? "", SignatureOf(target, attribute));
        // A member of the name that does not fit is not for a fix to judge.
        if (!SyntaxFacts.IsValidIdentifier(name) || signature is null || symbol.GetMembers(name).Any() || Stub(name, signature) is not string stub)
            yield break;
        yield return new FixChoice($"Create '{name}'", "create", batch =>
        {
            if (batch.Once((type, name)))
                batch.Editor.AddMember(type, stub);
        });
    }

    internal static string? Stub(string name, string signature)
    {
        if (SyntaxFacts.GetKeywordKind(name) != SyntaxKind.None)
            name = "@" + name;
        return signature switch
        {
            // Not `=> true`: an answer nobody thought about would be on the wire.
            Signatures.Predicate or Signatures.SectionPredicate => $"private bool {name}() => throw new System.NotImplementedException();",
            Signatures.Hook => $"private void {name}() => throw new System.NotImplementedException();",
            Signatures.Flag => $"[Ignore(\"set by a load\")] private bool {name};",
            _ => null,
        };
    }

    /// <summary>What the argument around the missing name must be.</summary>
    private static string? SignatureOf(FixTarget target, AttributeSyntax attribute)
    {
        bool isNameOf = target.Node.FirstAncestorOrSelf<InvocationExpressionSyntax>()
            is { Expression: IdentifierNameSyntax { Identifier.ValueText: "nameof" }, ArgumentList.Arguments: { Count: 1 } arguments }
            && arguments[0].Expression == target.Node;
        if (!isNameOf || Edits.NameOf(attribute, target.Model) is not string owner)
            return null;
        return target.Node.FirstAncestorOrSelf<AttributeArgumentSyntax>()?.NameEquals?.Name.Identifier.ValueText switch
        {
            "When" or "Needed" => owner == "VmState" ? Signatures.SectionPredicate : Signatures.Predicate,
            "Absent" => Signatures.Hook,
            "Present" => Signatures.Flag,
            _ => null,
        };
    }
}
