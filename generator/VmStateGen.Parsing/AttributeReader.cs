using System.Collections.Generic;
using System.Linq;
using Microsoft.CodeAnalysis;

namespace VmStateGen.Parsing;

/// <summary>One attribute, by the names of its arguments.</summary>
internal readonly struct AttributeReader(AttributeData data)
{
    public const string Namespace = "VmStateGen";
    private const string Suffix = "Attribute";

    public AttributeData Data => data;

    /// <summary>The short name of an attribute of ours, without <c>Attribute</c>; null for any other.</summary>
    public static string? NameOf(AttributeData attribute)
    {
        INamedTypeSymbol? type = attribute.AttributeClass;
        return IsOurs(type) && type!.Name.EndsWith(Suffix, System.StringComparison.Ordinal)
            ? type.Name.Substring(0, type.Name.Length - Suffix.Length)
            : null;
    }

    /// <summary>The symbol's attributes of that short name, in written order.</summary>
    public static IEnumerable<AttributeReader> All(ISymbol symbol, string name) =>
        symbol.GetAttributes().Where(attribute => Is(attribute, name)).Select(attribute => new AttributeReader(attribute));

    /// <summary>The symbol's first attribute of that short name.</summary>
    public static AttributeReader? Find(ISymbol symbol, string name)
    {
        // A loop that allocates nothing: every member of every type is asked for every attribute that there is.
        foreach (AttributeData attribute in symbol.GetAttributes())
        {
            if (Is(attribute, name))
                return new AttributeReader(attribute);
        }
        return null;
    }

    public static bool Has(ISymbol symbol, string name) => Find(symbol, name) is not null;

    private static bool Is(AttributeData attribute, string name) =>
        attribute.AttributeClass is INamedTypeSymbol type && type.Name.Length == name.Length + Suffix.Length
        && type.Name.StartsWith(name, System.StringComparison.Ordinal) && type.Name.EndsWith(Suffix, System.StringComparison.Ordinal) && IsOurs(type);

    private static bool IsOurs(INamedTypeSymbol? type) => type is { ContainingNamespace: { Name: Namespace, ContainingNamespace.IsGlobalNamespace: true } };

    /// <summary>The compiler has reported an argument: what it would have been is not known.</summary>
    public bool IsBroken => data.AttributeConstructor is null
        || data.ConstructorArguments.Any(argument => argument.Kind == TypedConstantKind.Error)
        || data.NamedArguments.Any(argument => argument.Value.Kind == TypedConstantKind.Error);

    /// <summary>Constructor argument, or null.</summary>
    public object? Argument(int index) =>
        index < data.ConstructorArguments.Length && data.ConstructorArguments[index].Kind is not (TypedConstantKind.Error or TypedConstantKind.Array)
            ? data.ConstructorArguments[index].Value
            : null;

    public string? Text(string property) => Constant(property)?.Value as string;

    public INamedTypeSymbol? Type(string property) => Constant(property)?.Value as INamedTypeSymbol;

    public int? Number(string property) => Constant(property)?.Value is int value ? value : null;

    public bool Flag(string property) => Constant(property)?.Value is true;

    public TypedConstant? Constant(string property)
    {
        foreach (KeyValuePair<string, TypedConstant> argument in data.NamedArguments)
        {
            if (argument.Key == property && argument.Value.Kind is not (TypedConstantKind.Error or TypedConstantKind.Array))
                return argument.Value;
        }
        return null;
    }

    public Location? Location => data.ApplicationSyntaxReference is SyntaxReference reference
        ? Microsoft.CodeAnalysis.Location.Create(reference.SyntaxTree, reference.Span)
        : null;
}
