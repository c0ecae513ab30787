using System.Collections.Generic;
using System.Linq;
using VmStateGen.Parsing;
using VmStateGen.Schema;

namespace VmStateGen.Generator.Linking;

/// <summary>Looks up what a type nests.</summary>
internal static class Linker
{
    public static LinkedType Link(TypeModel type, TypeIndex index) => new()
    {
        Model = type,
        Items = type.Schema.Items.Select((item, i) => Link(item, type.Items[i], index)).ToEquatableArray(),
        Subsections = type.Schema.Subsections.Select(subsection => subsection.Type is null ? Flat : Use(subsection.Type, null, index)).ToEquatableArray(),
        Removed = type.Schema.RemovedSubsections.Select(removed => Use(removed.Type, null, index)).ToEquatableArray(),
        MaxSize = WireLayout.MaxSize(type.Schema, type.Schema.Version, index.Schemas),
        IsRun = IsRun(type, index, new HashSet<string>()),
        PassesDescriptors = WireLayout.PassesDescriptors(type.Schema, index.Schemas),
    };

    private static readonly NestedUse Flat = new("", 0, null, "");

    private static LinkedItem Link(WireItem item, ItemModel model, TypeIndex index)
    {
        string? key = item.Shape switch
        {
            WireShape.State state => state.Type,
            WireShape.List list => list.Type,
            WireShape.Tree tree => tree.Type,
            _ => null,
        };
        NestedUse? nested = key is null ? null : Use(key, item.StructVersion, index);
        NestedUse? treeKey = item.Shape is WireShape.Tree { KeyType: not "u64" and string keyType } ? Use(keyType, null, index) : null;
        long? size = WireLayout.FixedSize(item, index.Schemas);
        long? element = WireLayout.FixedSize(item with { Count = null, Shape = Single(item.Shape) }, index.Schemas);
        bool inRun = item.When is null && model.Codec is null && model.Form != MemberForm.Bits && model.Count is null && (key is null || nested!.RunVersion is not null) && model.Form != MemberForm.Base
            && !(key is not null && (model.IsProperty || !model.IsStructState)) && item.Shape is not WireShape.Scalar { Kind: ScalarKind.Fd };
        return new LinkedItem(
            inRun && size is > 0 and <= WireLayout.MaxRun ? (int)size : null,
            element is <= int.MaxValue ? (int)element : null,
            WireLayout.IsCompressible(item, index.Schemas),
            nested,
            treeKey);
    }

    /// <summary>One element of an array.</summary>
    private static WireShape Single(WireShape shape) => shape switch
    {
        WireShape.Scalar scalar => scalar with { Array = null },
        WireShape.Bytes bytes => bytes with { Array = ArrayExtent.Of(1) },
        WireShape.State state => state with { Array = null },
        WireShape.List list => new WireShape.State(list.Type),
        _ => shape,
    };

    private static NestedUse Use(string key, int? structVersion, TypeIndex index)
    {
        StateSchema? schema = index.Schemas.Find(key);
        if (schema is null)
            return Flat;
        int version = structVersion ?? schema.Version;
        VersionRange? range = WireLayout.Versions(schema.Items(), schema.MinimumVersion, schema.Version)
            .FirstOrDefault(range => range.First <= version && version <= range.Last);
        bool isRun = range is not null && index.FindLocal(key) is TypeModel local && IsRun(local, index, new HashSet<string>());
        return new NestedUse(schema.Name, version, isRun ? range!.Last : null, isRun ? RunMapText.Of(schema, version, index.Schemas) : "");
    }

    private static bool IsRun(TypeModel type, TypeIndex index, HashSet<string> open)
    {
        // An object may be null and is reached by reference: only a struct lies within its parent.
        if (!type.IsStruct || !type.CanBeInRun || !open.Add(type.Schema.Key))
            return false;
        bool all = true;
        foreach (WireItem item in type.Schema.Items)
        {
            if (item.Shape is WireShape.State nested)
                all &= index.FindLocal(nested.Type) is TypeModel inner && IsRun(inner, index, open);
            all &= WireLayout.FixedSize(item, index.Schemas) is > 0 and <= WireLayout.MaxRun;
        }
        open.Remove(type.Schema.Key);
        // Its methods take the state in one piece, at every version.
        return all && WireLayout.Versions(type.Schema.Items(), type.Schema.MinimumVersion, type.Schema.Version)
            .All(range => WireLayout.FixedSize(type.Schema, range.Last, index.Schemas) <= WireLayout.MaxRun);
    }
}
