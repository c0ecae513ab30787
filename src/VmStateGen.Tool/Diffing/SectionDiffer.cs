using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;
using VmStateGen.Tool.Inspection;

namespace VmStateGen.Tool.Diffing;

/// <summary>Compares device sections field by field.</summary>
internal static class SectionDiffer
{
    private const int ShortBytes = 16;
    private const int ShownRanges = 4;

    /// <summary>Matches sections by name and instance, wherever they stand.</summary>
    public static IReadOnlyList<SectionDifference> Compare(StreamReport a, StreamReport b, IgnorePatterns ignore)
    {
        Dictionary<(string, uint), StreamPart> others = [];
        foreach (StreamPart part in Sections(b))
            others.TryAdd(Key(part), part);
        var differences = new List<SectionDifference>();
        var seen = new HashSet<(string, uint)>();
        foreach (StreamPart part in Sections(a))
        {
            if (!seen.Add(Key(part)))
                continue;
            if (!others.TryGetValue(Key(part), out StreamPart? other))
            {
                if (!ignore.IgnoresAll(part.Title))
                    differences.Add(new SectionDifference(part.Title, true, false, []));
                continue;
            }
            List<ValueDifference> fields = Fields(part, other).Where(field => !ignore.Ignores($"{part.Title}/{field.Path}")).ToList();
            if (fields.Count > 0)
                differences.Add(new SectionDifference(part.Title, true, true, fields));
        }
        foreach (StreamPart part in Sections(b).Where(part => seen.Add(Key(part)) && !ignore.IgnoresAll(part.Title)))
            differences.Add(new SectionDifference(part.Title, false, true, []));
        return differences;
    }

    private static IEnumerable<StreamPart> Sections(StreamReport report) =>
        report.Parts.Where(part => part.Kind == QemuElementKind.Section && part.Section.Kind == SectionKind.Full);

    private static (string, uint) Key(StreamPart part) => (part.Section.Name, part.Section.InstanceId);

    private static IEnumerable<ValueDifference> Fields(StreamPart a, StreamPart b)
    {
        if (a.Section.Version != b.Section.Version)
            yield return new ValueDifference("(version)", "", Text(a.Section.Version), Text(b.Section.Version));
        if (a.Data?.Bytes == null || b.Data?.Bytes == null)
        {
            if (a.DataLength != b.DataLength)
                yield return new ValueDifference("(bytes)", "", Text(a.DataLength), Text(b.DataLength));
            yield break;
        }
        // Where one stream has no trailer only the bytes can be compared.
        SectionData left = b.Data.Description == null ? a.Data with { Description = null } : a.Data;
        SectionData right = a.Data.Description == null ? b.Data with { Description = null } : b.Data;
        foreach (ValueDifference difference in Compare(left, right))
            yield return difference;
    }

    /// <summary>The fields of two sections, matched by path.</summary>
    public static IEnumerable<ValueDifference> Compare(SectionData a, SectionData b)
    {
        // Most sections are the same in both.
        if (a.Bytes.AsSpan().SequenceEqual(b.Bytes) && a.Description?.Json.Span.SequenceEqual(b.Description!.Json.Span) != false)
            yield break;
        var others = new Dictionary<string, VmDescriptionSpan>();
        foreach (VmDescriptionSpan span in b.Fields())
            others.TryAdd(Loose(span.Path), span);
        foreach (VmDescriptionSpan span in a.Fields())
        {
            if (!others.Remove(Loose(span.Path), out VmDescriptionSpan other))
            {
                yield return new ValueDifference(span.Path, span.Type, FieldText.Of(span.Type, a.Value(span)), null);
                continue;
            }
            if (Difference(a, span, b, other) is { } difference)
                yield return difference;
        }
        // In the order of the second stream.
        foreach (VmDescriptionSpan span in b.Fields())
        {
            if (others.Remove(Loose(span.Path)))
                yield return new ValueDifference(span.Path, span.Type, null, FieldText.Of(span.Type, b.Value(span)));
        }
    }

    /// <summary>An array of one element has an index in one dialect and none in another.</summary>
    private static string Loose(string path) => path.EndsWith("[0]", StringComparison.Ordinal) ? path[..^3] : path;

    private static ValueDifference? Difference(SectionData a, in VmDescriptionSpan left, SectionData b, in VmDescriptionSpan right)
    {
        ReadOnlySpan<byte> one = a.Value(left);
        ReadOnlySpan<byte> two = b.Value(right);
        if (one.SequenceEqual(two))
            return null;
        if (one.Length == two.Length && one.Length > ShortBytes)
        {
            (string first, string second) = Ranges(one, two);
            return new ValueDifference(left.Path, left.Type, first, second);
        }
        return new ValueDifference(left.Path, left.Type, FieldText.Of(left.Type, one), FieldText.Of(right.Type, two));
    }

    /// <summary>Of long bytes only those that differ: <c>+0x10: 0a 0b; +0x40: 01</c>.</summary>
    private static (string A, string B) Ranges(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        var first = new StringBuilder();
        var second = new StringBuilder();
        int ranges = 0;
        for (int i = 0; i < a.Length;)
        {
            if (a[i] == b[i])
            {
                i++;
                continue;
            }
            int end = i;
            while (end < a.Length && a[end] != b[end])
                end++;
            if (ranges++ < ShownRanges)
            {
                Append(first, i, a[i..Math.Min(end, i + ShortBytes)], end - i);
                Append(second, i, b[i..Math.Min(end, i + ShortBytes)], end - i);
            }
            i = end;
        }
        if (ranges > ShownRanges)
        {
            first.Append(CultureInfo.InvariantCulture, $"; … {ranges} ranges of {a.Length} bytes");
            second.Append(CultureInfo.InvariantCulture, $"; … {ranges} ranges of {b.Length} bytes");
        }
        return (first.ToString(), second.ToString());
    }

    private static void Append(StringBuilder text, int offset, ReadOnlySpan<byte> bytes, int length) => text.Append(text.Length > 0 ? "; " : "")
        .Append(CultureInfo.InvariantCulture, $"+0x{offset:x}: {Convert.ToHexStringLower(bytes)}{(length > bytes.Length ? "…" : "")}");

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
