using System.Collections.Generic;
using System.Collections.Immutable;
using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using VmStateGen.Parsing;

namespace VmStateGen.CodeFixes;

/// <summary>VMS110: the member is on the wire, or says why not.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(UnmarkedFieldFix)), Shared]
public sealed class UnmarkedFieldFix : StateCodeFix
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = ImmutableArray.Create("VMS110");

    private protected override IEnumerable<FixChoice> Choices(FixTarget target)
    {
        if (target.Declaration is not MemberDeclarationSyntax member || target.Member is not ISymbol symbol)
            yield break;
        if (FieldAttribute(target, symbol) is string field)
            yield return new FixChoice($"Migrate it: {field}", "field", batch => Add(batch, member, field));
        yield return new FixChoice("Do not migrate it: [Ignore(\"…\")]", "ignore", batch => Add(batch, member, Edits.IgnoreText));
    }

    /// <summary>Null where [Field] would be the next error.</summary>
    private static string? FieldAttribute(FixTarget target, ISymbol symbol)
    {
        ITypeSymbol? type = symbol switch
        {
            IFieldSymbol { IsFixedSizeBuffer: false } field => field.Type,
            IPropertySymbol property => property.Type,
            _ => null,
        };
        bool isReadOnly = symbol is IFieldSymbol { IsReadOnly: true } or IPropertySymbol { SetMethod: null or { IsInitOnly: true } };
        return type switch
        {
            null => null,
            IArrayTypeSymbol { Rank: 1 } array when IsElement(array.ElementType) =>
                ArrayLengths.Of(target) is string length ? $"[Field(Length = {length})]" : null,
            IArrayTypeSymbol => null,
            _ when StateTypes.InlineElement(type) is ITypeSymbol element && StateTypes.InlineLength(type) is not null =>
                IsElement(element) && symbol is IFieldSymbol && !isReadOnly ? "[Field]" : null,
            { IsReferenceType: true } => TypeParser.IsState(type) ? "[Field]" : null,
            _ => IsElement(type) && !isReadOnly ? "[Field]" : null,
        };
    }

    private static bool IsElement(ITypeSymbol type) => TypeParser.IsState(type) || StateTypes.Scalar(type) is not null;

    private static void Add(FixBatch batch, MemberDeclarationSyntax member, string attribute)
    {
        if (batch.Once(member))
            batch.Editor.AddAttribute(member, attribute);
    }
}
