using System.Collections.Generic;
using System.Collections.Immutable;
using System.Composition;
using System.Globalization;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using VmStateGen.Analyzers;
using VmStateGen.Parsing;
using VmStateGen.Schema;

namespace VmStateGen.CodeFixes;

/// <summary>
/// VMS2xx: what the engine suggests, where an edit of annotations does it. Nothing is offered that would make an old stream load
/// as something else: where a fix needs a decision, it leaves one that fails loudly.
/// </summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(CompatibilityFix)), Shared]
public sealed class CompatibilityFix : StateCodeFix
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = ImmutableArray.Create(
        "VMS201", "VMS202", "VMS203", "VMS204", "VMS206", "VMS210", "VMS211", "VMS212", "VMS213", "VMS214", "VMS215", "VMS220", "VMS221", "VMS223", "VMS224",
        "VMS226", "VMS227", "VMS230", "VMS231", "VMS233", "VMS240", "VMS241", "VMS250");

    private protected override IEnumerable<FixChoice> Choices(FixTarget target)
    {
        if (target.Id == "VMS223")
            return EnumFix.Choices(target);
        if (target.Attribute is not AttributeSyntax attribute || target.Type is not TypeDeclarationSyntax type)
            return Enumerable.Empty<FixChoice>();
        return Suggestions(target).SelectMany(fix => Choices(target, fix, attribute, type));
    }

    internal static IEnumerable<SuggestedFix> Suggestions(FixTarget target)
    {
        for (int i = 0; target.Property(FindingDiagnostic.FixKey(i, "kind")) is string name; i++)
        {
            if (System.Enum.TryParse(name, out FixKind kind))
                yield return new SuggestedFix(kind, target.Property(FindingDiagnostic.FixKey(i, "target")), target.Property(FindingDiagnostic.FixKey(i, "value")));
        }
    }

    private static IEnumerable<FixChoice> Choices(FixTarget target, SuggestedFix fix, AttributeSyntax attribute, TypeDeclarationSyntax type)
    {
        string? on = Edits.NameOf(attribute, target.Model);
        switch (fix.Kind)
        {
            case FixKind.Restore:
                return RestoreFix.Choices(target, fix, attribute, on);
            case FixKind.RestoreName when on == "VmState" && FirstLiteral(attribute) is LiteralExpressionSyntax name:
                return One($"Restore the name {Edits.Literal(fix.Value!)}", "name", batch => batch.Editor.ReplaceNode(name,
                    SyntaxFactory.LiteralExpression(SyntaxKind.StringLiteralExpression, SyntaxFactory.Literal(fix.Value!)).WithTriviaFrom(name)));
            case FixKind.RestoreOrder:
                return MoveFix.Choices(target, fix, type);
            case FixKind.AddRemovedSection when on == "VmState" && Edits.Argument(attribute, "Nested") is not null && FirstLiteral(attribute) is not null:
                return One("Make it a section again", "section", batch => batch.Editor.RemoveArgument(attribute, "Nested")).Concat(RemovedSection(target, fix));
            case FixKind.BumpVersion when on == "Field" && Edits.Argument(attribute, "When") is null && Number(fix.Value) is int version:
                return Bump(target, attribute, version);
            case FixKind.AddRemoved when target.Property(FindingDiagnostic.OldConditionsKey) is string conditions:
                return Removed(target, fix, type, conditions);
            case FixKind.MoveToSubsection when on == "Field" && target.Property(FindingDiagnostic.SubsectionKey) is null && Edits.Argument(attribute, "When") is null:
                return ToSubsection(target, fix.Value!, attribute, type);
            case FixKind.KeepEncoding when on == "Field" && IsInteger(target.Member) && WireTypeOf(fix.Value) is string encoding:
                return One($"Keep the wire: As = {encoding}", "as", batch => batch.Editor.SetArgument(attribute, "As", encoding));
            case FixKind.AddRemovedSubsection when fix.Value is not null:
                return RemovedSubsection(target, fix, type);
            case FixKind.AddFormerName when on == "Field":
                return One($"Say that it was called {Edits.Literal(fix.Value!)}", "former", batch => batch.Editor.SetArgument(attribute, "FormerName", Edits.Literal(fix.Value!)));
            case FixKind.AddDefault when on == "Field" && Zero(target.Member) is string zero && Edits.Argument(attribute, "When") is null:
                return One($"Add 'Default = {zero}' (check that old guests had that)", "default", batch => batch.Editor.SetArgument(attribute, "Default", zero));
            case FixKind.AddNeeded when on == "Subsection" && Edits.Argument(attribute, "Needed") is null:
                string predicate = target.FreeName(Edits.Pascal(fix.Target!) + "Needed");
                return One($"Add 'Needed = nameof({predicate})' and create it", "needed", batch =>
                {
                    batch.Editor.SetArgument(attribute, "Needed", $"nameof({predicate})");
                    if (batch.Once((type, predicate)))
                        batch.Editor.AddMember(type, MissingMemberFix.Stub(predicate, Signatures.Predicate)!);
                });
            default:
                return Enumerable.Empty<FixChoice>();
        }
    }

    private static IEnumerable<FixChoice> Bump(FixTarget target, AttributeSyntax attribute, int version)
    {
        if (VersionFix.Owner(target, attribute) is not AttributeSyntax owner)
            yield break;
        string text = Text(version);
        string? padding = target.Id == "VMS227" ? target.Property(FindingDiagnostic.OldSizeKey) : null;
        // Without its padding the old version would have other bytes.
        if (target.Id == "VMS227" && (padding is null || target.Property(FindingDiagnostic.OldConditionsKey) is not "" || !IsFirst(attribute, target)))
            yield break;
        yield return new FixChoice($"Raise the version to {text} and add the field in it", "bump", batch =>
        {
            VersionFix.Raise(batch, owner, version);
            batch.Editor.SetArgument(attribute, "Version", text);
            if (padding is not null && batch.Once(("padding", attribute)))
            {
                batch.Editor.InsertAttribute(attribute, $"[Removed({Edits.Literal(target.Property(FindingDiagnostic.OldNameKey)!)}, {padding}, Until = {Text(version - 1)})]");
            }
        });
    }

    /// <summary>Zeros where it stood: before the next item that is still there, or behind the last.</summary>
    private static IEnumerable<FixChoice> Removed(FixTarget target, SuggestedFix fix, TypeDeclarationSyntax type, string conditions)
    {
        string text = $"Removed({Edits.Literal(fix.Target!)}, {fix.Value}{conditions}";
        if (target.Anchor is AttributeSyntax anchor)
        {
            // Padding comes before all fields of its member.
            if (Edits.NameOf(anchor, target.Model) == "Removed" || IsFirst(anchor, target))
                return One($"Leave padding in its place: [{text})]", "removed", batch => batch.Editor.InsertAttribute(anchor, $"[{text})]"));
            return Enumerable.Empty<FixChoice>();
        }
        return One($"Leave padding at the end: [{text}, AtEnd = true)]", "removed", batch => batch.Editor.AddTypeAttribute(type, $"[{text}, AtEnd = true)]"));
    }

    /// <summary>The predicate throws until somebody has thought about it.</summary>
    private static IEnumerable<FixChoice> ToSubsection(FixTarget target, string name, AttributeSyntax attribute, TypeDeclarationSyntax type)
    {
        if (Edits.Argument(attribute, "Subsection") is not null || DeclarationFix.Find(type, target.Model, "VmState") is null)
            return Enumerable.Empty<FixChoice>();
        string predicate = target.FreeName(Edits.Pascal(name) + "Needed");
        return One($"Move it to a subsection {Edits.Literal(name)}", "subsection", batch =>
        {
            batch.Editor.RemoveArgument(attribute, "Version");
            batch.Editor.SetArgument(attribute, "Subsection", Edits.Literal(name));
            if (!batch.Once((type, predicate)))
                return;
            batch.Editor.AddTypeAttribute(type, $"[Subsection({Edits.Literal(name)}, Needed = nameof({predicate}))]");
            batch.Editor.AddMember(type, MissingMemberFix.Stub(predicate, Signatures.Predicate)!);
        });
    }

    /// <summary>The class is only part of other state now; what releases wrote of it on its own is read as it.</summary>
    private static IEnumerable<FixChoice> RemovedSection(FixTarget target, SuggestedFix fix)
    {
        if (target.TypeSymbol is not INamedTypeSymbol { IsAbstract: false, Arity: 0 } type || target.Node.SyntaxTree.GetRoot(target.Cancel) is not CompilationUnitSyntax root)
            return Enumerable.Empty<FixChoice>();
        string attribute = $"[assembly: RemovedSection({Edits.Literal(fix.Target!)}, typeof({type.ToDisplayString()}))]";
        return One($"Read and discard it: {attribute}", "removed", batch => batch.Editor.ReplaceNode(root, (current, _) => Edits.WithAssemblyAttribute((CompilationUnitSyntax)current, attribute)));
    }

    private static IEnumerable<FixChoice> RemovedSubsection(FixTarget target, SuggestedFix fix, TypeDeclarationSyntax type)
    {
        if (target.Model.Compilation.GetTypeByMetadataName(fix.Value!) is not INamedTypeSymbol { IsAbstract: false, Arity: 0 } reader || !TypeParser.IsState(reader)
            || !(reader.IsValueType || reader.InstanceConstructors.Any(constructor => constructor.Parameters.Length == 0)))
        {
            return Enumerable.Empty<FixChoice>();
        }
        string attribute = $"[RemovedSubsection({Edits.Literal(fix.Target!)}, typeof({reader.ToMinimalDisplayString(target.Model, type.SpanStart)}))]";
        return One($"Read and discard it: {attribute}", "removed", batch => batch.Editor.AddTypeAttribute(type, attribute));
    }

    /// <summary>No other field of the member stands before it.</summary>
    private static bool IsFirst(AttributeSyntax attribute, FixTarget target) =>
        attribute.Parent is AttributeListSyntax { Attributes.Count: 1, Parent: MemberDeclarationSyntax member }
        && member.AttributeLists.SelectMany(list => list.Attributes).First(other => Edits.NameOf(other, target.Model) == "Field") == attribute;

    internal static IEnumerable<FixChoice> One(string title, string key, System.Action<FixBatch> edit) => new[] { new FixChoice(title, key, edit) };

    internal static int? Number(string? text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : null;

    internal static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);

    internal static LiteralExpressionSyntax? FirstLiteral(AttributeSyntax attribute) =>
        attribute.ArgumentList?.Arguments.FirstOrDefault() is { NameEquals: null, Expression: LiteralExpressionSyntax { Token.Value: string } literal } ? literal : null;

    private static ITypeSymbol? TypeOf(ISymbol? member) => member switch { IFieldSymbol field => field.Type, IPropertySymbol property => property.Type, _ => null };

    private static bool IsInteger(ISymbol? member) =>
        TypeOf(member) is ITypeSymbol type && StateTypes.Scalar(type) is >= ScalarKind.U8 and <= ScalarKind.I64;

    private static string? WireTypeOf(string? token) =>
        token is not null && ScalarKinds.TryParse(token, out ScalarKind kind) && kind is >= ScalarKind.U8 and <= ScalarKind.I64 ? "WireType." + kind : null;

    private static string? Zero(ISymbol? member) => TypeOf(member) switch
    {
        { SpecialType: SpecialType.System_Boolean } => "false",
        { TypeKind: not TypeKind.Enum } type when StateTypes.Scalar(type) is >= ScalarKind.U8 and <= ScalarKind.I64 => "0",
        _ => null,
    };
}
