using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Editing;
using Microsoft.CodeAnalysis.Formatting;
using Microsoft.CodeAnalysis.Simplification;

namespace VmStateGen.CodeFixes;

/// <summary>Changes that several fixes make.</summary>
internal static class Edits
{
    /// <summary>What the fixes write as a reason that only a person knows.</summary>
    public const string IgnoreText = "[Ignore(\"TODO: why it does not migrate\")]";

    /// <summary>Adds <c>name = value</c> to the attribute, or replaces the value.</summary>
    public static void SetArgument(this DocumentEditor editor, AttributeSyntax attribute, string name, string value) =>
        editor.ReplaceNode(attribute, (current, _) => WithArgument((AttributeSyntax)current, name, value));

    public static AttributeSyntax WithArgument(AttributeSyntax attribute, string name, string value)
    {
        ExpressionSyntax expression = SyntaxFactory.ParseExpression(value);
        if (Argument(attribute, name) is AttributeArgumentSyntax given)
            return attribute.ReplaceNode(given.Expression, expression.WithTriviaFrom(given.Expression));
        AttributeArgumentSyntax added = SyntaxFactory.AttributeArgument(SyntaxFactory.NameEquals(name), null, expression).NormalizeWhitespace();
        AttributeArgumentListSyntax list = attribute.ArgumentList ?? SyntaxFactory.AttributeArgumentList();
        if (list.Arguments.Count == 0)
            return attribute.WithArgumentList(list.AddArguments(added));
        // The comma that joins them has no trivia of its own.
        return attribute.WithArgumentList(list.AddArguments(added.WithLeadingTrivia(SyntaxFactory.Space)));
    }

    public static AttributeArgumentSyntax? Argument(AttributeSyntax attribute, string name) =>
        attribute.ArgumentList?.Arguments.FirstOrDefault(argument => argument.NameEquals?.Name.Identifier.ValueText == name);

    /// <summary>Removes <c>name = …</c> from the attribute, and empty parentheses with it.</summary>
    public static void RemoveArgument(this DocumentEditor editor, AttributeSyntax attribute, string name) =>
        editor.ReplaceNode(attribute, (current, _) =>
        {
            var now = (AttributeSyntax)current;
            if (Argument(now, name) is not AttributeArgumentSyntax given)
                return now;
            AttributeArgumentListSyntax list = now.ArgumentList!.RemoveNode(given, SyntaxRemoveOptions.KeepNoTrivia)!;
            if (list.Arguments.Count == 0)
                return now.WithArgumentList(null);
            return now.WithArgumentList(list.WithArguments(list.Arguments.Replace(list.Arguments[0], list.Arguments[0].WithLeadingTrivia())));
        });

    /// <summary>Puts an attribute in front of the member, on its line.</summary>
    public static void AddAttribute(this DocumentEditor editor, MemberDeclarationSyntax member, string attribute) =>
        editor.ReplaceNode(member, (current, _) =>
        {
            var now = (MemberDeclarationSyntax)current;
            return WithAttribute(now.WithLeadingTrivia(), attribute, SyntaxFactory.Space).WithLeadingTrivia(now.GetLeadingTrivia());
        });

    /// <summary>The member behind an attribute; <paramref name="separator"/> keeps them apart.</summary>
    public static MemberDeclarationSyntax WithAttribute(MemberDeclarationSyntax member, string attribute, SyntaxTrivia separator)
    {
        AttributeListSyntax list = ParseAttribute(attribute).WithTrailingTrivia(separator);
        return member.WithAttributeLists(member.AttributeLists.Insert(0, list));
    }

    /// <summary>Puts an attribute before another one, in a list of its own.</summary>
    public static void InsertAttribute(this DocumentEditor editor, AttributeSyntax before, string attribute)
    {
        var list = (AttributeListSyntax)before.Parent!;
        // A space where they share a line; where each has its own, the same indent.
        editor.InsertBefore(list, ParseAttribute(attribute).WithLeadingTrivia(list.GetLeadingTrivia()).WithTrailingTrivia(SyntaxFactory.Space));
        editor.ReplaceNode(list, (current, _) => current.WithLeadingTrivia());
    }

    /// <summary>Puts an attribute on a type, on a line of its own behind those that it has.</summary>
    public static void AddTypeAttribute(this DocumentEditor editor, TypeDeclarationSyntax type, string attribute) =>
        editor.ReplaceNode(type, (current, _) =>
        {
            var now = (TypeDeclarationSyntax)current;
            AttributeListSyntax last = now.AttributeLists.Last();
            SyntaxTriviaList indent = SyntaxFactory.TriviaList(now.GetLeadingTrivia().Reverse().TakeWhile(trivia => trivia.IsKind(SyntaxKind.WhitespaceTrivia)).Reverse());
            return now.WithAttributeLists(now.AttributeLists.Add(ParseAttribute(attribute).WithLeadingTrivia(indent).WithTrailingTrivia(last.GetTrailingTrivia())));
        });

    /// <summary>Puts an attribute of the assembly behind the file's usings, on a line of its own.</summary>
    public static CompilationUnitSyntax WithAssemblyAttribute(CompilationUnitSyntax file, string attribute)
    {
        AttributeListSyntax list = SyntaxFactory.ParseCompilationUnit(attribute.Replace("[assembly: ", "[assembly: global::VmStateGen.")).AttributeLists[0];
        list = list.ReplaceNodes(list.Attributes.Select(added => added.Name), (_, name) => name.WithAdditionalAnnotations(Simplifier.Annotation))
            .WithTrailingTrivia(SyntaxFactory.ElasticCarriageReturnLineFeed);
        if (file.Usings.Count + file.Externs.Count + file.AttributeLists.Count > 0 || file.Members.Count == 0)
            return file.AddAttributeLists(list.WithLeadingTrivia(SyntaxFactory.ElasticCarriageReturnLineFeed));
        // The comment at the top of a file is the file's.
        MemberDeclarationSyntax first = file.Members[0];
        return file.ReplaceNode(first, first.WithLeadingTrivia(SyntaxFactory.ElasticCarriageReturnLineFeed))
            .AddAttributeLists(list.WithLeadingTrivia(first.GetLeadingTrivia()));
    }

    /// <summary>A string as C# writes it.</summary>
    public static string Literal(string text) => SymbolDisplay.FormatLiteral(text, quote: true);

    /// <summary>Replaces all attributes of those short names by one.</summary>
    public static void ReplaceAttributes(this DocumentEditor editor, MemberDeclarationSyntax member, SemanticModel model, string name, string replacement) =>
        editor.ReplaceNode(member, WithReplaced(member, model, name, replacement));

    /// <summary>Adds members to the end of the type, each after an empty line.</summary>
    public static void AddMember(this DocumentEditor editor, TypeDeclarationSyntax type, string text)
    {
        MemberDeclarationSyntax member = SyntaxFactory.ParseMemberDeclaration(text)!;
        editor.ReplaceNode(type, (current, _) =>
        {
            var now = (TypeDeclarationSyntax)current;
            SyntaxTriviaList lead = now.Members.Count == 0
                ? SyntaxFactory.TriviaList()
                : SyntaxFactory.TriviaList(SyntaxFactory.ElasticCarriageReturnLineFeed);
            return now.AddMembers(member.WithLeadingTrivia(lead).WithTrailingTrivia(SyntaxFactory.ElasticCarriageReturnLineFeed)
                .WithAdditionalAnnotations(Formatter.Annotation, Simplifier.Annotation));
        });
    }

    /// <summary><c>fifo</c> of <c>"uart/fifo"</c> or <c>rx_fifo</c> as the start of a C# name: <c>Fifo</c>, <c>RxFifo</c>.</summary>
    public static string Pascal(string wireName)
    {
        string last = wireName.Substring(wireName.LastIndexOf('/') + 1);
        string[] words = new string(last.Select(c => char.IsLetterOrDigit(c) ? c : '_').ToArray())
            .Split(new[] { '_' }, System.StringSplitOptions.RemoveEmptyEntries);
        string name = string.Concat(words.Select(word => char.ToUpperInvariant(word[0]) + word.Substring(1)));
        return name.Length == 0 || char.IsDigit(name[0]) ? "State" + name : name;
    }

    /// <summary>The short name of an attribute of ours that the node binds to.</summary>
    public static string? NameOf(AttributeSyntax attribute, SemanticModel model)
    {
        // A broken argument leaves the constructor open; the candidates still say which attribute it is.
        SymbolInfo info = model.GetSymbolInfo(attribute);
        INamedTypeSymbol? type = (info.Symbol ?? info.CandidateSymbols.FirstOrDefault())?.ContainingType;
        return type is { ContainingNamespace: { Name: "VmStateGen", ContainingNamespace.IsGlobalNamespace: true } }
            ? type.Name.Substring(0, type.Name.Length - "Attribute".Length)
            : null;
    }

    private static MemberDeclarationSyntax WithReplaced(MemberDeclarationSyntax member, SemanticModel model, string name, string replacement)
    {
        AttributeSyntax[] found = member.AttributeLists.SelectMany(list => list.Attributes).Where(attribute => NameOf(attribute, model) == name).ToArray();
        if (found.Length == 0)
            return member;
        AttributeSyntax added = ParseAttribute(replacement).Attributes[0];
        member = member.TrackNodes(found);
        member = member.ReplaceNode(member.GetCurrentNode(found[0])!, added);
        foreach (AttributeSyntax other in found.Skip(1))
        {
            AttributeSyntax now = member.GetCurrentNode(other)!;
            SyntaxNode gone = now.Parent is AttributeListSyntax { Attributes.Count: 1 } list ? list : now;
            member = member.RemoveNode(gone, SyntaxRemoveOptions.KeepNoTrivia)!;
        }
        return member;
    }

    /// <summary>An attribute of ours: written in full, and shortened where the file's usings allow it.</summary>
    private static AttributeListSyntax ParseAttribute(string text)
    {
        AttributeListSyntax list = SyntaxFactory.ParseCompilationUnit(text.Replace("[", "[global::VmStateGen.") + " class C;").Members[0].AttributeLists[0];
        AttributeSyntax attribute = list.Attributes[0];
        return list.ReplaceNode(attribute, attribute.WithName(attribute.Name.WithAdditionalAnnotations(Simplifier.Annotation))).WithTrailingTrivia();
    }
}
