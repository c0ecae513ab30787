using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.CodeAnalysis;
using VmStateGen.Parsing;

namespace VmStateGen.Analyzers;

/// <summary>
/// The section names of a compilation, built once when the first section is looked at: so a duplicate is seen while typing,
/// which a compilation-end action would not show.
/// </summary>
internal sealed class SectionIndex(Compilation compilation)
{
    private readonly Lazy<Dictionary<string, List<INamedTypeSymbol>>> names = new(() => Build(compilation));

    /// <summary>The wire name, if the type is a section of its own.</summary>
    public static string? NameOf(INamedTypeSymbol type) =>
        AttributeReader.Find(type, "VmState") is AttributeReader attribute && !attribute.Flag("Nested") ? attribute.Argument(0) as string : null;

    /// <summary>Another section of the same name; always the same one, so that messages do not change from run to run.</summary>
    public INamedTypeSymbol? Other(INamedTypeSymbol type, string name) =>
        names.Value.TryGetValue(name, out List<INamedTypeSymbol> types)
            ? types.FirstOrDefault(other => !SymbolEqualityComparer.Default.Equals(other, type))
            : null;

    private static Dictionary<string, List<INamedTypeSymbol>> Build(Compilation compilation)
    {
        var found = new Dictionary<string, List<INamedTypeSymbol>>(StringComparer.Ordinal);
        var pending = new Stack<INamespaceOrTypeSymbol>();
        pending.Push(compilation.Assembly.GlobalNamespace);
        while (pending.Count > 0)
        {
            INamespaceOrTypeSymbol current = pending.Pop();
            if (current is INamedTypeSymbol type && NameOf(type) is string name)
                Add(name, type);
            foreach (INamespaceOrTypeSymbol member in current.GetMembers().OfType<INamespaceOrTypeSymbol>())
                pending.Push(member);
        }
        // The name of a removed section stays taken: by its frozen type, which reads what old streams still hold.
        foreach (AttributeReader removed in AttributeReader.All(compilation.Assembly, "RemovedSection"))
        {
            if (removed.Argument(0) is string name && removed.Argument(1) is INamedTypeSymbol type)
                Add(name, type);
        }
        foreach (List<INamedTypeSymbol> types in found.Values)
            types.Sort((left, right) => string.CompareOrdinal(WireNames.Key(left), WireNames.Key(right)));
        return found;

        void Add(string name, INamedTypeSymbol type)
        {
            if (!found.TryGetValue(name, out List<INamedTypeSymbol>? types))
                found.Add(name, types = new List<INamedTypeSymbol>());
            types.Add(type);
        }
    }
}
