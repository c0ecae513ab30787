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

/// <summary>VMS130: creates the member that an annotation names, with the signature that it must have there.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(MissingMemberFix)), Shared]
public sealed class MissingMemberFix : StateCodeFix
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = ImmutableArray.Create("VMS130");

    private protected override IEnumerable<FixChoice> Choices(FixTarget target)
    {
        if (target.Attribute is null || target.Type is not TypeDeclarationSyntax type || target.TypeSymbol is not INamedTypeSymbol symbol)
            yield break;
        string name = target.Argument(1);
        // A member of the name that does not fit is not for a fix to judge.
        if (!SyntaxFacts.IsValidIdentifier(name) || symbol.GetMembers(name).Any() || Stub(name, target.Argument(2)) is not string stub)
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
}
