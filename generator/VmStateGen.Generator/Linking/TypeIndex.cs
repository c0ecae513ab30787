using System;
using System.Collections.Generic;
using System.Linq;
using VmStateGen.Parsing;
using VmStateGen.Schema;

namespace VmStateGen.Generator.Linking;

/// <summary>All types of the compilation and the ones of other assemblies that they reach. Compares by value.</summary>
internal sealed class TypeIndex : IEquatable<TypeIndex>
{
    private readonly EquatableArray<TypeModel> types;
    private readonly Dictionary<string, TypeModel> local = new();

    public TypeIndex(IEnumerable<TypeModel> models)
    {
        types = models.ToEquatableArray();
        foreach (TypeModel type in types.Where(type => !local.ContainsKey(type.Schema.Key)))
            local.Add(type.Schema.Key, type);
        Schemas = new SchemaSet(types.Select(type => type.Schema).Concat(types.SelectMany(type => type.ExternalSchemas)));
    }

    public SchemaSet Schemas { get; }

    /// <summary>The type of that key, if it is of this compilation.</summary>
    public TypeModel? FindLocal(string key) => local.TryGetValue(key, out TypeModel? type) ? type : null;

    public bool Equals(TypeIndex? other) => other is not null && types == other.types;

    public override bool Equals(object? obj) => Equals(obj as TypeIndex);

    public override int GetHashCode() => types.GetHashCode();
}
