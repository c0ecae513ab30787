using System;
using System.Collections.Generic;
using System.Linq;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Tool.Scaffolding;

/// <summary>One place in a section's data that a description tells of.</summary>
internal readonly record struct Instance(VmsdDescription Description, long Offset);

/// <summary>
/// Turns a section's description into shapes. All elements of an array are looked at together, since one class must fit
/// them all; where none can, the range becomes bytes.
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
        if (instances.Any(each => each.Description.Name != first.Name || each.Description.Version != first.Version || !HasSameFields(each.Description, first)))
            return null;
        var items = new List<ItemShape>();
        var starts = instances.Select(each => each.Offset).ToArray();
        for (int i = 0; i < first.Fields.Count;)
        {
            int count = 1;
            while (i + count < first.Fields.Count && first.Fields[i + count].Name == first.Fields[i].Name)
                count++;
            items.AddRange(Group(instances, i, count, starts, isShared));
            for (int k = 0; k < starts.Length; k++)
                starts[k] += Enumerable.Range(i, count).Sum(field => instances[k].Description.Fields[field].TotalSize);
            i += count;
        }
        return Subsections(instances, starts, isShared) is { } subsections ? new StateShape(first.Name, first.Version, Paddings(items), subsections) : null;
    }

    private static bool HasSameFields(VmsdDescription left, VmsdDescription right)
    {
        if (ReferenceEquals(left, right))
            return true;
        return left.Fields.Count == right.Fields.Count && left.Fields.Zip(right.Fields).All(pair =>
            pair.First.Name == pair.Second.Name && pair.First.Type == pair.Second.Type && pair.First.ArrayLength == pair.Second.ArrayLength
            && (pair.First.Size == pair.Second.Size || pair.First.Struct != null));
    }

    private List<StateShape>? Subsections(IReadOnlyList<Instance> instances, long[] starts, bool isShared)
    {
        var names = new List<string>();
        var places = new Dictionary<string, List<Instance>>();
        for (int k = 0; k < starts.Length; k++)
        {
            long offset = starts[k];
            var own = new HashSet<string>();
            foreach (VmsdDescription subsection in instances[k].Description.Subsections)
            {
                string parent = instances[k].Description.Name;
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
    private IEnumerable<ItemShape> Group(IReadOnlyList<Instance> instances, int index, int count, long[] starts, bool isShared)
    {
        IReadOnlyList<VmFieldDescription> fields = instances[0].Description.Fields;
        VmFieldDescription first = fields[index];
        if (count == 1)
            return [Single(instances, index, starts, isShared)];

        bool isAlike = Enumerable.Range(index, count).All(i => fields[i].Type == first.Type && fields[i].ArrayLength == null
            && (fields[i].Size == first.Size || first.Struct != null));
        if (isAlike && first.Struct != null && State(Elements(instances, index, count, starts), isShared: true) is { } state)
            return [new ItemShape(first.Name, ItemKind.State) { State = state, Length = count, IsConditional = IsCompressible(state) }];
        if (isAlike && first.Struct == null && Scalar(first.Type, first.Size) is (string type, string natural))
            return [new ItemShape(first.Name, ItemKind.Scalar) { Type = type, TypeName = natural == first.Type ? null : first.Type, Length = count, IsConditional = true }];
        long size = Enumerable.Range(index, count).Sum(i => fields[i].TotalSize);
        bool isFixed = instances.All(each => Enumerable.Range(index, count).Sum(i => each.Description.Fields[i].TotalSize) == size);
        string why = isFixed ? "elements that differ: null pointers, or lists of several lengths" : "elements of several sizes: right for this stream only";
        return [Opaque(first.Name, first.Type, size, why) with { DiffersInTrailer = true }];
    }

    private static List<Instance> Elements(IReadOnlyList<Instance> instances, int index, int count, long[] starts)
    {
        var elements = new List<Instance>();
        for (int k = 0; k < instances.Count; k++)
        {
            long offset = starts[k];
            for (int i = index; i < index + count; i++)
            {
                VmFieldDescription field = instances[k].Description.Fields[i];
                for (long n = 0; n < (field.ArrayLength ?? 1) && elements.Count < MaxInstances; n++)
                    elements.Add(new Instance(Body(field)!, offset + n * field.Size));
                offset += field.TotalSize;
            }
        }
        return elements;
    }

    private ItemShape Single(IReadOnlyList<Instance> instances, int index, long[] starts, bool isShared)
    {
        VmFieldDescription field = instances[0].Description.Fields[index];
        if (field.Size == 0)
            return Opaque(field.Name, field.Type, 0, null);
        if (Body(field) != null)
        {
            if (State(Elements(instances, index, 1, starts), isShared || field.ArrayLength != null) is { } state)
                return Nested(field, state);
            return Opaque(field.Name, field.Type, field.TotalSize, "nested state of several forms") with { DiffersInTrailer = true };
        }
        if (field.Type == "unused_buffer" && field.ArrayLength == null && starts.All(at => IsZero(at, field.Size)))
            return new ItemShape(field.Name, ItemKind.Padding) { Length = field.Size };
        if (Scalar(field.Type, field.Size) is (string type, string natural))
        {
            var item = new ItemShape(field.Name, ItemKind.Scalar) { Type = type, Length = field.ArrayLength, TypeName = natural == field.Type ? null : field.Type };
            return item.TypeName == null || field.ArrayLength != null || isShared ? item : Expected(item, field, starts[0]);
        }
        return field.Type switch
        {
            "qtailq" or "qlist" => Opaque(field.Name, field.Type, field.TotalSize, field.Size == 1
                ? "a list, empty in this stream: what its elements are is not known from it"
                : "a list, as long as in this stream: a list member says it, once it is supported") with { DiffersInTrailer = field.Inline.Count > 0 },
            "gtree" => Opaque(field.Name, field.Type, field.TotalSize, "a tree, as large as in this stream") with { DiffersInTrailer = field.Inline.Count > 0 },
            "bitmap" => Opaque(field.Name, field.Type, field.TotalSize, "a bitmap in words of 8 bytes") with { DiffersInTrailer = field.ArrayLength != null },
            "buffer" => Opaque(field.Name, field.Type, field.TotalSize, field.ArrayLength == null ? null : $"{field.ArrayLength} buffers of {field.Size} bytes")
                with { DiffersInTrailer = field.ArrayLength != null },
            "unused_buffer" => Opaque(field.Name, field.Type, field.TotalSize, "padding, but not of zeros") with { DiffersInTrailer = field.ArrayLength != null },
            _ => Opaque(field.Name, field.Type, field.TotalSize, $"QEMU's own encoding \"{field.Type}\": a codec can take it apart") with
            {
                DiffersInTrailer = field.ArrayLength != null || field.Inline.Count > 0,
            },
        };
    }

    private static ItemShape Nested(VmFieldDescription field, StateShape state) => new(field.Name, ItemKind.State)
    {
        State = state,
        Length = field.ArrayLength,
        IsVersioned = field.Type == "vstruct",
        // Nobody can say by the array alone that QEMU would compress it, but it did.
        Remark = field.Type == "tmp" ? "through a companion type in QEMU (VMSTATE_WITH_TMP): Via, once it is supported"
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
        return isRight ? items : items.ConvertAll(item => item.Kind != ItemKind.Padding ? item
            : Opaque(item.Name, "unused_buffer", item.Length!.Value, "padding; the stream lacks others beside it, so it keeps its number"));
    }

    private bool IsZero(long offset, long size) => data.AsSpan((int)offset, (int)size).IndexOfAnyExcept((byte)0) < 0;

    /// <summary>As the schema has it: no predicate and no subsection anywhere inside.</summary>
    private static bool IsCompressible(StateShape state) =>
        state.Subsections.Count == 0 && state.Items.All(item => !item.IsConditional && (item.State == null || IsCompressible(item.State)));

    /// <summary>The C# type of a value, and the trailer's name of that.</summary>
    private static (string Type, string Natural)? Scalar(string type, long size)
    {
        string plain = type.EndsWith(" equal", StringComparison.Ordinal) || type.EndsWith(" le", StringComparison.Ordinal) ? type[..type.LastIndexOf(' ')] : type;
        return (plain, size) switch
        {
            ("bool", 1) => ("bool", "bool"),
            ("uint8", 1) => ("byte", "uint8"),
            ("int8", 1) => ("sbyte", "int8"),
            ("uint16", 2) => ("ushort", "uint16"),
            ("int16", 2) => ("short", "int16"),
            ("uint32", 4) => ("uint", "uint32"),
            ("int32", 4) => ("int", "int32"),
            ("uint64", 8) => ("ulong", "uint64"),
            // QEMU calls the comparison of unsigned ones so.
            ("int64", 8) when type == "int64 equal" => ("ulong", "uint64"),
            ("int64", 8) => ("long", "int64"),
            ("timer", 8) => ("VmTimer", "timer"),
            ("float64" or "CPU_Double_U", 8) => ("double", "float64"),
            _ => null,
        };
    }
}
