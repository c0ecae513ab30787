using System;
using System.Collections.Generic;
using System.Linq;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Tool.Scaffolding;

/// <summary>One place in a section's data that a description tells of.</summary>
internal readonly record struct Instance(VmsdDescription Description, long Offset);

/// <summary>Neighbouring fields of one name in one instance: a field, or an array that is described element by element.</summary>
/// <param name="Instance">Number of the instance.</param>
/// <param name="Fields">The entries of the trailer.</param>
/// <param name="Offset">Of the first one's data.</param>
internal sealed record FieldGroup(int Instance, IReadOnlyList<VmFieldDescription> Fields, long Offset)
{
    public string Name => Fields[0].Name;

    public long Size => Fields.Sum(each => each.TotalSize);

    /// <summary>The group of the n-th entry alone.</summary>
    public FieldGroup Entry(int index) => new(Instance, [Fields[index]], Offset + Fields.Take(index).Sum(field => field.TotalSize));

    /// <summary>The groups of an instance, in order.</summary>
    public static List<FieldGroup> Of(int number, in Instance instance)
    {
        var groups = new List<FieldGroup>();
        IReadOnlyList<VmFieldDescription> fields = instance.Description.Fields;
        long offset = instance.Offset;
        for (int i = 0; i < fields.Count;)
        {
            int count = 1;
            while (i + count < fields.Count && fields[i + count].Name == fields[i].Name)
                count++;
            var group = new FieldGroup(number, [.. fields.Skip(i).Take(count)], offset);
            groups.Add(group);
            offset += group.Size;
            i += count;
        }
        return groups;
    }

    /// <summary>The fields of all instances side by side, by name; one that some instances lack has its place among the others.</summary>
    /// <returns>Null if their orders contradict each other.</returns>
    public static List<List<FieldGroup>>? Merge(IReadOnlyList<List<FieldGroup>> instances)
    {
        var order = instances.MaxBy(groups => groups.Count)!.ConvertAll(group => group.Name);
        foreach (List<FieldGroup> groups in instances)
        {
            int place = 0;
            foreach (FieldGroup group in groups)
            {
                int found = order.IndexOf(group.Name);
                if (found < 0)
                    order.Insert(found = place, group.Name);
                if (found < place)
                    return null;
                place = found + 1;
            }
        }
        var byName = order.ToDictionary(name => name, _ => new List<FieldGroup>(), StringComparer.Ordinal);
        foreach (FieldGroup group in instances.SelectMany(groups => groups))
            byName[group.Name].Add(group);
        return order.ConvertAll(name => byName[name]);
    }
}

/// <summary>
/// Finds out by what field an optional one can be told: one before it that is non-zero (zero, of one value) in just the instances
/// that have it. True of this stream; whether it is the rule, nobody can tell from it.
/// </summary>
internal static class ConditionFinder
{
    /// <param name="optional">Those that have the field.</param>
    /// <param name="before">The fields before it, in order.</param>
    /// <param name="instances">Number of instances.</param>
    /// <param name="data">The section's data.</param>
    public static FieldCondition? Find(List<FieldGroup> optional, IReadOnlyList<List<FieldGroup>> before, int instances, byte[] data)
    {
        var has = new bool[instances];
        foreach (FieldGroup group in optional)
            has[group.Instance] = true;
        foreach (List<FieldGroup> candidate in before.Reverse().Where(groups => groups.Count == instances))
        {
            VmFieldDescription field = candidate[0].Fields[0];
            if (candidate[0].Fields.Count > 1 || field.ArrayLength != null || ScalarTypes.Of(field.Type, field.Size) is not (string type, _) || type is "double" or "VmTimer")
                continue;
            List<(string Text, bool Has)> values = candidate.ConvertAll(group => (FieldValue.Format(field.Type, data.AsSpan((int)group.Offset, (int)field.Size)), has[group.Instance]));
            bool IsZero(string text) => text is "0" or "false";
            if (values.All(value => IsZero(value.Text) != value.Has))
                return new FieldCondition(field.Name, type == "bool" ? "{0}" : "{0} != 0");
            if (values.All(value => IsZero(value.Text) == value.Has))
                return new FieldCondition(field.Name, type == "bool" ? "!{0}" : "{0} == 0");
            string one = values.First(value => value.Has).Text;
            if (type != "bool" && values.All(value => value.Text == one == value.Has))
                return new FieldCondition(field.Name, $"{{0}} == {one}");
        }
        return null;
    }
}

/// <summary>A guessed predicate.</summary>
/// <param name="Field">Trailer name of the field that it looks at.</param>
/// <param name="Format">C# expression, with {0} for the member.</param>
internal sealed record FieldCondition(string Field, string Format);

/// <summary>C# types of the trailer's.</summary>
internal static class ScalarTypes
{
    /// <summary>The C# type of a value, and the trailer's natural name of that; null if it is no scalar.</summary>
    public static (string Type, string Natural)? Of(string type, long size)
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
