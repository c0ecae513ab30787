using System.Collections.Generic;
using System.Linq;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace VmStateGen.Parsing;

/// <summary>Names on the wire and in generated text.</summary>
public static class WireNames
{
    private static readonly SymbolDisplayFormat QualifiedFormat = SymbolDisplayFormat.FullyQualifiedFormat;

    /// <summary>CLR metadata name with namespace: <c>Acme.Outer+Inner`1</c>.</summary>
    public static string Key(INamedTypeSymbol type)
    {
        if (type.ContainingType is INamedTypeSymbol container)
            return Key(container) + "+" + type.MetadataName;
        return type.ContainingNamespace is { IsGlobalNamespace: false } space
            ? space.ToDisplayString() + "." + type.MetadataName
            : type.MetadataName;
    }

    /// <summary><c>global::Acme.Outer.Inner</c>.</summary>
    public static string Qualified(ITypeSymbol type) => Keyword(type.SpecialType) ?? type.ToDisplayString(QualifiedFormat);

    /// <summary>The keyword of a number: what most fields are, and the display of a symbol is slow.</summary>
    private static string? Keyword(SpecialType type) => type switch
    {
        SpecialType.System_Boolean => "bool",
        SpecialType.System_Byte => "byte",
        SpecialType.System_SByte => "sbyte",
        SpecialType.System_UInt16 => "ushort",
        SpecialType.System_Int16 => "short",
        SpecialType.System_UInt32 => "uint",
        SpecialType.System_Int32 => "int",
        SpecialType.System_UInt64 => "ulong",
        SpecialType.System_Int64 => "long",
        _ => null,
    };

    /// <summary>A member's name as generated code writes it.</summary>
    public static string Escaped(string name) =>
        SyntaxFacts.GetKeywordKind(name) != SyntaxKind.None || SyntaxFacts.GetContextualKeywordKind(name) != SyntaxKind.None ? "@" + name : name;

    /// <summary>Whether it fits into a counted string of the wire.</summary>
    public static bool IsValid(string name) => name.Length > 0 && Encoding.UTF8.GetByteCount(name) <= 255;

    /// <summary>QEMU's trailer names: where several items of a state share one, each gets its index among them.</summary>
    public static IReadOnlyList<string> Unique(IReadOnlyList<string> names)
    {
        Dictionary<string, int> shared = names.GroupBy(name => name).Where(group => group.Count() > 1).ToDictionary(group => group.Key, _ => 0);
        return names.Select(name => shared.TryGetValue(name, out int index) ? $"{name}[{(shared[name] = index + 1) - 1}]" : name).ToList();
    }
}
