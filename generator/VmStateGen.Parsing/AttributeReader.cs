using System.Collections.Generic;
using System.Linq;
using Microsoft.CodeAnalysis;

namespace VmStateGen.Parsing;

/// <summary>One attribute, by the names of its arguments.</summary>
internal readonly struct AttributeReader(AttributeData data)
{
    public const string Namespace = "VmStateGen";

    public AttributeData Data => data;

    /// <summary>The short name of an attribute of ours, without <c>Attribute</c>; null for any other.</summary>
    public static string? NameOf(AttributeData attribute)
    {
        INamedTypeSymbol? type = attribute.AttributeClass;
        return type is { ContainingNamespace: { Name: Namespace, ContainingNamespace.IsGlobalNamespace: true } } && type.Name.EndsWith("Attribute", System.StringComparison.Ordinal)
            ? type.Name.Substring(0, type.Name.Length - "Attribute".Length)
            : null;
    }

    /// <summary>The symbol's attributes of that short name, in written order.</summary>
    public static IEnumerable<AttributeReader> All(ISymbol symbol, string name) =>
        symbol.GetAttributes().Where(attribute => NameOf(attribute) == name).Select(attribute => new AttributeReader(attribute));

    /// <summary>The symbol's first attribute of that short name.</summary>
    public static AttributeReader? Find(ISymbol symbol, string name)
    {
        foreach (AttributeReader attribute in All(symbol, name))
            return attribute;
        return null;
    }

    public static bool Has(ISymbol symbol, string name) => Find(symbol, name) is not null;

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
