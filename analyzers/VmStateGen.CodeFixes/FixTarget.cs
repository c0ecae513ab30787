using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using VmStateGen.Analyzers;

namespace VmStateGen.CodeFixes;

/// <summary>A diagnostic, and what stands where it points.</summary>
internal sealed class FixTarget
{
    private readonly Diagnostic diagnostic;

    private FixTarget(Diagnostic diagnostic, SyntaxNode root, SemanticModel model, CancellationToken cancel)
    {
        this.diagnostic = diagnostic;
        Node = root.FindNode(diagnostic.Location.SourceSpan, getInnermostNodeForTie: true);
        Model = model;
        Cancel = cancel;
    }

    public string Id => diagnostic.Id;

    public SyntaxNode Node { get; }

    public SemanticModel Model { get; }

    public CancellationToken Cancel { get; }

    /// <summary>The attribute that the diagnostic points into.</summary>
    public AttributeSyntax? Attribute => Node.FirstAncestorOrSelf<AttributeSyntax>();

    /// <summary>The type, member or method that it is about.</summary>
    public MemberDeclarationSyntax? Declaration => Node.FirstAncestorOrSelf<MemberDeclarationSyntax>();

    /// <summary>The type whose members it is about: that which carries the attribute, or contains the member.</summary>
    public TypeDeclarationSyntax? Type => Node.FirstAncestorOrSelf<TypeDeclarationSyntax>();

    public INamedTypeSymbol? TypeSymbol => Type is null ? null : Model.GetDeclaredSymbol(Type, Cancel) as INamedTypeSymbol;

    /// <summary>The member or members (<c>int a, b;</c>) that it is about.</summary>
    public ISymbol? Member
    {
        get
        {
            SyntaxNode? declared = Node.FirstAncestorOrSelf<VariableDeclaratorSyntax>() is VariableDeclaratorSyntax declarator && Attribute is null
                ? declarator
                : Declaration is BaseFieldDeclarationSyntax fields ? fields.Declaration.Variables.FirstOrDefault() : Declaration;
            return declared is null ? null : Model.GetDeclaredSymbol(declared, Cancel);
        }
    }

    public static async Task<FixTarget> CreateAsync(Document document, Diagnostic diagnostic, CancellationToken cancel)
    {
        SyntaxNode root = (await document.GetSyntaxRootAsync(cancel).ConfigureAwait(false))!;
        SemanticModel model = (await document.GetSemanticModelAsync(cancel).ConfigureAwait(false))!;
        return new FixTarget(diagnostic, root, model, cancel);
    }

    /// <summary>The n-th argument of the message.</summary>
    public string Argument(int index) =>
        diagnostic.Properties.TryGetValue(DiagnosticSink.ArgumentKey(index), out string? value) ? value ?? "" : "";

    /// <summary>What the analyzer left under that name.</summary>
    public string? Property(string name) => diagnostic.Properties.TryGetValue(name, out string? value) ? value : null;

    /// <summary>The attribute at the first of the other places that the diagnostic names, if it is in this document.</summary>
    public AttributeSyntax? Anchor => diagnostic.AdditionalLocations.FirstOrDefault() is Location { SourceTree: SyntaxTree tree } place && tree == Node.SyntaxTree
        ? tree.GetRoot(Cancel).FindNode(place.SourceSpan, getInnermostNodeForTie: true).FirstAncestorOrSelf<AttributeSyntax>()
        : null;

    /// <summary>The name, with a number if the type has such a member.</summary>
    public string FreeName(string name)
    {
        string free = name;
        for (int n = 2; TypeSymbol?.GetMembers(free).Any() == true; n++)
            free = name + n.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return free;
    }
}
