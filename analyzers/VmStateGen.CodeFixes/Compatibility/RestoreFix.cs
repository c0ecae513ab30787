using System.Collections.Generic;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using VmStateGen.Schema;

namespace VmStateGen.CodeFixes;

/// <summary>Puts a property of an attribute back to what a release had.</summary>
internal static class RestoreFix
{
    public static IEnumerable<FixChoice> Choices(FixTarget target, SuggestedFix fix, AttributeSyntax attribute, string? on)
    {
        if (fix.Target is not string property || on is not ("VmState" or "Subsection" or "Field" or "Removed"))
            return Enumerable.Empty<FixChoice>();
        bool isType = on is "VmState" or "Subsection";
        string? value = fix.Value;
        switch (property)
        {
            case "Version" or "MinimumVersion" when isType && CompatibilityFix.Number(value) is not null:
            case "Max" or "StructVersion" when on == "Field" && CompatibilityFix.Number(value) is not null:
                return Set(attribute, property, value!);
            case "Version" when CompatibilityFix.Number(value) is int version:
                return version == 0 ? Remove(attribute, property) : Set(attribute, property, value!);
            case "Until" when !isType:
                return value is null ? Remove(attribute, property) : Set(attribute, property, value);
            case "When" when !isType:
                // The member's name is all that the schema knows: it must still be there.
                return value is not { Length: > 0 } ? Remove(attribute, property)
                    : target.TypeSymbol?.GetMembers(value).Any() == true ? Set(attribute, property, $"nameof({value})") : Enumerable.Empty<FixChoice>();
            case "Length" when on == "Field" && value is { Length: > 2 } && CompatibilityFix.Number(value.Substring(1, value.Length - 2)) is int length
                && Edits.Argument(attribute, "Length") is not null && Edits.Argument(attribute, "CountFrom") is null:
                return Set(attribute, property, CompatibilityFix.Text(length));
            case "EarlySetup" or "Unmigratable" when on == "VmState":
                return value == "false" ? Remove(attribute, property) : Set(attribute, property, "true");
            case "Priority" when on == "VmState":
                return value == "default" ? Remove(attribute, property)
                    : PriorityOf(target, value) is string priority ? Set(attribute, property, "MigrationPriority." + priority) : Enumerable.Empty<FixChoice>();
            case "Size" when on == "Removed" && CompatibilityFix.Number(value) is not null && attribute.ArgumentList?.Arguments is { Count: > 1 } arguments && arguments[1].NameEquals is null:
                return CompatibilityFix.One($"Restore the size {value}", "restore.Size", batch => batch.Editor.ReplaceNode(arguments[1].Expression,
                    SyntaxFactory.ParseExpression(value!).WithTriviaFrom(arguments[1].Expression)));
            default:
                return Enumerable.Empty<FixChoice>();
        }
    }

    private static IEnumerable<FixChoice> Set(AttributeSyntax attribute, string property, string value) =>
        CompatibilityFix.One($"Restore '{property} = {value}'", "restore." + property, batch => batch.Editor.SetArgument(attribute, property, value));

    private static IEnumerable<FixChoice> Remove(AttributeSyntax attribute, string property) => Edits.Argument(attribute, property) is null
        ? Enumerable.Empty<FixChoice>()
        : CompatibilityFix.One($"Remove '{property}' again", "restore." + property, batch => batch.Editor.RemoveArgument(attribute, property));

    private static string? PriorityOf(FixTarget target, string? name) => target.Model.Compilation.GetTypeByMetadataName("VmStateGen.MigrationPriority")?.GetMembers()
        .OfType<IFieldSymbol>().FirstOrDefault(field => Schema.WireName.Of(field.Name).Replace('_', '-') == name)?.Name;
}
