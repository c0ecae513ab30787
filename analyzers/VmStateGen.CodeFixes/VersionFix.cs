using System.Collections.Generic;
using System.Collections.Immutable;
using System.Composition;
using System.Globalization;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace VmStateGen.CodeFixes;

/// <summary>VMS120 and VMS121: a version that its state does not have yet, or that all its streams have.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(VersionFix)), Shared]
public sealed class VersionFix : StateCodeFix
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = ImmutableArray.Create("VMS120", "VMS121");

    private protected override IEnumerable<FixChoice> Choices(FixTarget target)
    {
        if (target.Attribute is not AttributeSyntax attribute)
            yield break;
        if (target.Id == "VMS121")
        {
            yield return new FixChoice("Remove the condition", "dead", batch => batch.Editor.RemoveArgument(attribute, "Version"));
        }
        else if (target.Argument(1).StartsWith("Version ", System.StringComparison.Ordinal)
            && int.TryParse(target.Argument(1).Substring("Version ".Length), NumberStyles.None, CultureInfo.InvariantCulture, out int version)
            && Owner(target, attribute) is AttributeSyntax owner)
        {
            string text = version.ToString(CultureInfo.InvariantCulture);
            yield return new FixChoice($"Raise the version of its state to {text}", "raise", batch => Raise(batch, owner, version));
        }
    }

    /// <summary>The attribute that has the version: of the flat subsection, or of the type.</summary>
    internal static AttributeSyntax? Owner(FixTarget target, AttributeSyntax attribute)
    {
        string? field = Edits.NameOf(attribute, target.Model);
        if (target.Type is not TypeDeclarationSyntax type || field is not ("Field" or "Removed"))
            return null;
        object? subsection = Edits.Argument(attribute, "Subsection") is AttributeArgumentSyntax argument
            ? target.Model.GetConstantValue(argument.Expression, target.Cancel).Value
            : null;
        return subsection is null
            ? DeclarationFix.Find(type, target.Model, "VmState")
            : type.AttributeLists.SelectMany(list => list.Attributes).FirstOrDefault(candidate => Edits.NameOf(candidate, target.Model) == "Subsection"
                && candidate.ArgumentList?.Arguments.FirstOrDefault() is { NameEquals: null } name
                && Equals(target.Model.GetConstantValue(name.Expression, target.Cancel).Value, subsection));
    }

    /// <summary>To the highest that any field asks for.</summary>
    internal static void Raise(FixBatch batch, AttributeSyntax owner, int version) =>
        batch.Editor.ReplaceNode(owner, (current, _) =>
        {
            var now = (AttributeSyntax)current;
            bool isEnough = Edits.Argument(now, "Version")?.Expression is LiteralExpressionSyntax { Token.Value: int before } && before >= version;
            return isEnough ? now : Edits.WithArgument(now, "Version", version.ToString(CultureInfo.InvariantCulture));
        });
}
