using System;
using System.Collections.Generic;
using System.Linq;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Tool.Scaffolding;

/// <summary>
/// Turns a section's description into shapes. All elements of an array are looked at together, since one class must fit
/// them all; where none can, they become single members, or bytes.
/// </summary>
internal sealed class ShapeBuilder(byte[] data)
{
    /// <summary>Elements beyond these are taken to be like the others.</summary>
    private const int MaxInstances = 1 << 14;

    /// <summary>The shape of a section.</summary>
    public static StateShape Build(VmDeviceDescription device, string stateName, uint version, byte[] data)
    {
        if (!device.IsOldStyle && new ShapeBuilder(data).State([new Instance(device.State, 0)], isShared: false) is { } state)
            return state;
        string why = device.IsOldStyle
            ? "an old-style section: hand-made code writes it, and its trailer says nothing but the size"
            : "no class can say this description";
        ItemShape all = Opaque("data", "buffer", data.Length, why) with { DiffersInTrailer = true };
        return new StateShape(stateName, version, [all], []);
    }

    /// <param name="instances">All places where the state stands, at least one.</param>
    /// <param name="isShared">They are elements of an array: nothing may depend on the value of one.</param>
    /// <returns>Null if they are too different for one class.</returns>
    private StateShape? State(IReadOnlyList<Instance> instances, bool isShared)
    {
        VmsdDescription first = instances[0].Description;
        if (instances.Any(each => each.Description.Name != first.Name || each.Description.Version != first.Version))
            return null;
        isShared |= instances.Count > 1;
        List<List<FieldGroup>> own = instances.Select((instance, i) => FieldGroup.Of(i, instance)).ToList();
        if (FieldGroup.Merge(own) is not { } groups)
            return null;
        var items = new List<ItemShape>();
        for (int i = 0; i < groups.Count; i++)
        {
            FieldCondition? condition = null;
            if (groups[i].Count < instances.Count && (condition = ConditionFinder.Find(groups[i], groups[..i], instances.Count, data)) == null)
                return null;
            if (Group(groups[i], isShared) is not { } made)
                return null;
            items.AddRange(condition == null ? made : made.Select(item => item with { Condition = condition }));
        }
        long[] ends = own.Select((list, i) => list.Count == 0 ? instances[i].Offset : list[^1].Offset + list[^1].Size).ToArray();
        return Subsections(instances, ends, isShared) is { } subsections ? new StateShape(first.Name, first.Version, Paddings(items), subsections) : null;
    }

    private List<StateShape>? Subsections(IReadOnlyList<Instance> instances, long[] starts, bool isShared)
    {
        var names = new List<string>();
        var places = new Dictionary<string, List<Instance>>();
        for (int k = 0; k < starts.Length; k++)
        {
            long offset = starts[k];
            string parent = instances[k].Description.Name;
            var own = new HashSet<string>();
            foreach (VmsdDescription subsection in instances[k].Description.Subsections)
            {
                if (!own.Add(subsection.Name) || !subsection.Name.StartsWith(parent, StringComparison.Ordinal) || subsection.Name.Length == parent.Length)
                    return null;
                if (!places.TryGetValue(subsection.Name, out List<Instance>? list))
                {
                    places.Add(subsection.Name, list = []);
                    names.Add(subsection.Name);
                }
                offset += QemuWire.SubsectionHeaderSize(subsection.Name.Length);
                list.Add(new Instance(subsection, offset));
                offset += subsection.DataSize;
            }
        }
        var shapes = new List<StateShape>();
        foreach (string name in names)
        {
            if (State(places[name], isShared) is not { } shape)
                return null;
            shapes.Add(shape);
        }
        return shapes;
    }

    /// <summary>Neighbours of one name are one array, described element by element (qemu-migration.md §4.1).</summary>
    /// <param name="groups">The group in each instance that has it.</param>
    /// <param name="isShared">As for the state.</param>
    /// <returns>Null if no class can hold all of them.</returns>
    private List<ItemShape>? Group(List<FieldGroup> groups, bool isShared)
    {
        FieldGroup first = groups[0];
        VmFieldDescription field = first.Fields[0];
        int count = first.Fields.Count;
        bool isAlike = groups.All(group => group.Fields.Count == count && group.Fields.All(each => each.Type == field.Type
            && (each.Struct == null) == (field.Struct == null) && each.ArrayLength == field.ArrayLength && (each.Size == field.Size || Body(field) != null)));
        if (isAlike && count == 1 && Single(groups, isShared) is { } single)
            return [single];
        if (isAlike && count > 1 && field.ArrayLength == null)
        {
            if (field.Struct != null && State(Elements(groups), isShared: true) is { } state)
                return [new ItemShape(field.Name, ItemKind.State) { State = state, Length = count, IsConditional = IsCompressible(state) }];
            if (field.Struct == null && ScalarTypes.Of(field.Type, field.Size) is (string type, string natural))
                return [new ItemShape(field.Name, ItemKind.Scalar) { Type = type, TypeName = natural == field.Type ? null : field.Type, Length = count, IsConditional = true }];
        }
        if (groups.All(group => group.Fields.Count == count) && count > 1 && Apart(groups, isShared) is { } apart)
            return apart;
        return groups.All(group => group.Size == first.Size)
            ? [Opaque(field.Name, field.Type, first.Size, "state of several forms, which no one class holds") with { DiffersInTrailer = true }]
            : null;
    }

    /// <summary>An array of elements that no one class holds, as single members.</summary>
    private List<ItemShape>? Apart(List<FieldGroup> groups, bool isShared)
    {
        var items = new List<ItemShape>();
        for (int i = 0; i < groups[0].Fields.Count; i++)
        {
            if (Group(groups.ConvertAll(group => group.Entry(i)), isShared) is not { } made)
                return null;
            items.AddRange(made.Select(item => item with
            {
                Name = $"{item.Name}[{i}]",
                Remark = item.Remark ?? "an element of an array whose elements differ",
                DiffersInTrailer = true,
            }));
        }
        return items;
    }

    private static List<Instance> Elements(List<FieldGroup> groups)
    {
        var elements = new List<Instance>();
        foreach (FieldGroup group in groups)
        {
            long offset = group.Offset;
            foreach (VmFieldDescription field in group.Fields)
            {
                for (long n = 0; n < (field.ArrayLength ?? 1) && elements.Count < MaxInstances; n++)
                    elements.Add(new Instance(Body(field)!, offset + n * field.Size));
                offset += field.TotalSize;
            }
        }
        return elements;
    }

    /// <returns>Null if the instances hold it in different forms.</returns>
    private ItemShape? Single(List<FieldGroup> groups, bool isShared)
    {
        VmFieldDescription field = groups[0].Fields[0];
        if (Body(field) != null && field.Size > 0)
            return State(Elements(groups), isShared || field.ArrayLength != null) is { } state ? Nested(field, state) : null;
        if (groups.Any(group => group.Size != groups[0].Size))
            return null;
        if (field.Size == 0)
            return Opaque(field.Name, field.Type, 0, null) with { DiffersInTrailer = Body(field) != null || field.ArrayLength != null };
        if (field.Type == "unused_buffer" && field.ArrayLength == null && groups.All(group => IsZero(group.Offset, field.Size)))
            return new ItemShape(field.Name, ItemKind.Padding) { Length = field.Size };
        if (ScalarTypes.Of(field.Type, field.Size) is (string type, string natural))
        {
            var item = new ItemShape(field.Name, ItemKind.Scalar) { Type = type, Length = field.ArrayLength, TypeName = natural == field.Type ? null : field.Type };
            return item.TypeName == null || field.ArrayLength != null || isShared ? item : Expected(item, field, groups[0].Offset);
        }
        return Bytes(field);
    }

    private static ItemShape Bytes(VmFieldDescription field)
    {
        string? remark = field.Type switch
        {
            "qtailq" or "qlist" when field.Size == 1 => "a list, empty in this stream: what its elements are is not known from it",
            "qtailq" or "qlist" => "a list, as long as in this stream: a list member says it, once the generator has them",
            "gtree" => "a tree, as large as in this stream",
            "bitmap" => "a bitmap in words of 8 bytes",
            "buffer" => field.ArrayLength == null ? null : $"{field.ArrayLength} buffers of {field.Size} bytes",
            "unused_buffer" => "padding, but not of zeros",
            "nullptr" or "ptr-marker" => "the mark of a null pointer",
            _ => $"QEMU's own encoding \"{field.Type}\": a codec can take it apart",
        };
        return Opaque(field.Name, field.Type, field.TotalSize, remark) with { DiffersInTrailer = field.ArrayLength != null || field.Inline.Count > 0 };
    }

    private static ItemShape Nested(VmFieldDescription field, StateShape state) => new(field.Name, ItemKind.State)
    {
        State = state,
        Length = field.ArrayLength,
        IsVersioned = field.Type == "vstruct",
        Remark = field.Type == "tmp" ? "through a companion type in QEMU (VMSTATE_WITH_TMP): Via, once the generator has it"
            : field.Type is "struct" or "vstruct" ? null
            : $"QEMU's own encoding \"{field.Type}\"",
        DiffersInTrailer = field.Type is not ("struct" or "vstruct"),
    };

    /// <summary>What is checked on load in QEMU is checked here, if the local value is the stream's.</summary>
    private ItemShape Expected(ItemShape item, VmFieldDescription field, long at)
    {
        string? expect = field.Type.EndsWith(" equal", StringComparison.Ordinal) ? "Equal" : field.Type.EndsWith(" le", StringComparison.Ordinal) ? "NotAbove" : null;
        string value = FieldValue.Format(field.Type, data.AsSpan((int)at, (int)field.Size));
        if (expect == null || value.StartsWith('-'))
            return item;
        return item with { TypeName = null, Expect = expect, Initial = value };
    }

    private static VmsdDescription? Body(VmFieldDescription field) =>
        field.Struct ?? (field.Inline.Count == 1 && field.Type is "vstruct" or "tmp" && field.Inline[0].DataSize == field.Size ? field.Inline[0] : null);

    private static ItemShape Opaque(string name, string type, long size, string? remark) => new(name, ItemKind.Bytes)
    {
        TypeName = type == "buffer" ? null : type,
        Length = size,
        Remark = remark,
    };

    /// <summary>Padding has no name of its own in a trailer, only a number: where that would not come out right it becomes bytes.</summary>
    private static List<ItemShape> Paddings(List<ItemShape> items)
    {
        List<string> names = items.Where(item => item.Kind == ItemKind.Padding).Select(item => item.Name).ToList();
        bool isRight = names.Count == 1 ? names[0] == "unused" : names.SequenceEqual(Enumerable.Range(0, names.Count).Select(i => $"unused[{i}]"));
        return isRight && items.All(item => item.Kind != ItemKind.Padding || item.Condition == null) ? items : items.ConvertAll(item => item.Kind != ItemKind.Padding ? item
            : Opaque(item.Name, "unused_buffer", item.Length!.Value, "padding; the stream lacks others beside it, so it keeps its number") with { Condition = item.Condition });
    }

    private bool IsZero(long offset, long size) => data.AsSpan((int)offset, (int)size).IndexOfAnyExcept((byte)0) < 0;

    /// <summary>As the schema has it: no predicate and no subsection anywhere inside.</summary>
    private static bool IsCompressible(StateShape state) => state.Subsections.Count == 0
        && state.Items.All(item => !item.IsConditional && item.Condition == null && item.Length != 0 && (item.State == null || IsCompressible(item.State)));
}
