using System;
using System.Linq;

namespace VmStateGen.Schema;

/// <summary>One item on the wire: a field, a use of an array, or padding.</summary>
public sealed record WireItem
{
    /// <summary>Place in the wire order; never changes once shipped.</summary>
    public ItemNumber Number { get; init; }

    /// <summary>QEMU's field name; for padding, what stood there.</summary>
    public required string Name { get; init; }

    /// <summary>What the bytes are.</summary>
    public required WireShape Shape { get; init; }

    /// <summary>First version of the state (of the flat subsection) that has the item; 0: all.</summary>
    public int Since { get; init; }

    /// <summary>Last version that has it; null: all.</summary>
    public int? Until { get; init; }

    /// <summary>The predicate that alone decides whether it is there, by name.</summary>
    public string? When { get; init; }

    /// <summary>The one element of the member's array that it is.</summary>
    public int? Element { get; init; }

    /// <summary>First element, where it is a range of the member's array.</summary>
    public int? RangeStart { get; init; }

    /// <summary>Where the number of elements comes from: a wire name, or <c>@Member</c> for configuration.</summary>
    public string? Count { get; init; }

    /// <summary>Most elements or bytes that a load accepts.</summary>
    public int? Max { get; init; }

    /// <summary>Version at which nested state is saved and loaded, if it is not the type's own.</summary>
    public int? StructVersion { get; init; }

    /// <summary>Version at which elements of a list or values of a tree are loaded.</summary>
    public int? ElementVersion { get; init; }

    /// <summary>How null references are marked; null: there can be none.</summary>
    public NullMarking? Nulls { get; init; }

    /// <summary>The member of a list's elements whose value stands before each as its marker; null: a 1 does.</summary>
    public string? Marker { get; init; }

    /// <summary>What an incoming value must be.</summary>
    public Expectation Expect { get; init; }

    /// <summary>Key of the companion type that is on the wire instead.</summary>
    public string? Via { get; init; }

    /// <summary>Key of the codec.</summary>
    public string? Codec { get; init; }

    /// <summary>The codec's version.</summary>
    public int CodecVersion { get; init; } = 1;

    /// <summary>Value assigned when a stream has no such item, as C# text without spaces.</summary>
    public string? Default { get; init; }

    /// <summary>Name of the flat subsection that it belongs to.</summary>
    public string? Subsection { get; init; }

    /// <summary>Whether a stream of that version has the item, as far as versions decide; predicates are not asked.</summary>
    public bool IsInVersion(int version) => When is not null || (Since <= version && version <= (Until ?? int.MaxValue));
}

/// <summary>How null references in an array are written.</summary>
public enum NullMarking
{
    /// <summary>Only nulls have a marker.</summary>
    Nulls,

    /// <summary>Every entry has one.</summary>
    Every,
}

/// <summary>What an incoming value must be.</summary>
public enum Expectation
{
    /// <summary>Anything.</summary>
    None,

    /// <summary>Equal to the local value.</summary>
    Equal,

    /// <summary>From 0 to the local value.</summary>
    NotAbove,
}

/// <summary>
/// A place such as 13, or 3.1 for what was put between 3 and 4 after they had shipped; compared number by number.
/// </summary>
public readonly struct ItemNumber : IEquatable<ItemNumber>, IComparable<ItemNumber>
{
    private static readonly EquatableArray<int> First = new[] { 0 }.ToEquatableArray();

    /// <summary>Empty only in <c>default</c>, which is place 0.</summary>
    private readonly EquatableArray<int> given;

    /// <summary>A place of its own: not inserted.</summary>
    public ItemNumber(int number) => given = new[] { number }.ToEquatableArray();

    private ItemNumber(EquatableArray<int> parts) => given = parts;

    private EquatableArray<int> Parts => given.Count == 0 ? First : given;

    /// <summary>Reads <c>013</c> or <c>003.1</c>.</summary>
    public static bool TryParse(string text, out ItemNumber number)
    {
        string[] words = text.Split('.');
        var parts = new int[words.Length];
        bool valid = true;
        for (int i = 0; i < words.Length; i++)
            valid &= words[i].Length is > 0 and < 9 && AllDigits(words[i]) && int.TryParse(words[i], out parts[i]);
        number = valid ? new ItemNumber(parts.ToEquatableArray()) : default;
        return valid;
    }

    /// <summary>A place behind <paramref name="lower"/> (null: the start) and before <paramref name="upper"/> (null: the end).</summary>
    /// <returns>Null: there is none, nothing stands before 0.</returns>
    internal static ItemNumber? Between(ItemNumber? lower, ItemNumber? upper)
    {
        if (upper is not ItemNumber end)
            return new ItemNumber(lower is ItemNumber last ? last.Part(0) + 1 : 0);
        if (lower is not ItemNumber start)
            return end.Part(0) > 0 ? new ItemNumber(end.Part(0) - 1) : end.Parts.Count > 1 ? new ItemNumber(0) : null;
        int depth = start.Parts.Count;
        bool isInside = end.Parts.Count > depth && start.CompareTo(end.Take(depth)) == 0;
        if (isInside)
        {
            int child = end.Parts[depth];
            return child > 1 ? start.Append(child - 1) : child == 1 ? start.Append(0).Append(1) : Between(start.Append(0), end);
        }
        if (depth > 1)
        {
            ItemNumber next = start.Take(depth - 1).Append(start.Parts[depth - 1] + 1);
            if (next.CompareTo(end) < 0)
                return next;
        }
        return start.Append(1);
    }

    /// <inheritdoc/>
    public int CompareTo(ItemNumber other)
    {
        for (int i = 0; i < Math.Min(Parts.Count, other.Parts.Count); i++)
        {
            int order = Parts[i].CompareTo(other.Parts[i]);
            if (order != 0)
                return order;
        }
        return Parts.Count.CompareTo(other.Parts.Count);
    }

    /// <inheritdoc/>
    public bool Equals(ItemNumber other) => Parts == other.Parts;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is ItemNumber other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Parts.GetHashCode();

    /// <summary>Three digits at least, then the insertions.</summary>
    public override string ToString()
    {
        string text = Parts[0].ToString("D3", System.Globalization.CultureInfo.InvariantCulture);
        for (int i = 1; i < Parts.Count; i++)
            text += "." + Parts[i].ToString(System.Globalization.CultureInfo.InvariantCulture);
        return text;
    }

    private int Part(int index) => Parts[index];

    private ItemNumber Take(int count) => new(Parts.Take(count).ToEquatableArray());

    private ItemNumber Append(int part) => new(Parts.Concat(new[] { part }).ToEquatableArray());

    private static bool AllDigits(string text)
    {
        foreach (char c in text)
        {
            if (c is < '0' or > '9')
                return false;
        }
        return true;
    }
}
