using System.Collections.Generic;
using System.Collections.Immutable;
using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace VmStateGen.CodeFixes;

/// <summary>VMS113 and VMS114: a length or a bound that the declaration tells.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(ExtentFix)), Shared]
public sealed class ExtentFix : StateCodeFix
{
    private const string Placeholder = "256";

    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = ImmutableArray.Create("VMS113", "VMS114");

    private protected override IEnumerable<FixChoice> Choices(FixTarget target)
    {
        if (target.Attribute is not AttributeSyntax attribute)
            yield break;
        string? length = ArrayLengths.Of(target);
        if (target.Id == "VMS113")
        {
            string max = length ?? Placeholder;
            string title = length is null ? $"Add 'Max = {max}' (a placeholder: check it)" : $"Add 'Max = {max}'";
            yield return new FixChoice(title, "max", batch => batch.Editor.SetArgument(attribute, "Max", max));
        }
        else if (length is not null && IsWhole(attribute))
        {
            yield return new FixChoice($"Add 'Length = {length}'", "length", batch => batch.Editor.SetArgument(attribute, "Length", length));
        }
    }

    /// <summary>Nothing is said about a part: then the length is that of the array.</summary>
    private static bool IsWhole(AttributeSyntax attribute) => Edits.Argument(attribute, "Element") is null
        && Edits.Argument(attribute, "Start") is null && Edits.Argument(attribute, "CountFrom") is null && Edits.Argument(attribute, "Max") is null;
}
