using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;

namespace VmStateGen.Schema;

/// <summary>Writes schemas as baseline text (docs/schema.md): one self-contained line an entity, lines end in <c>\n</c>.</summary>
public static class SchemaWriter
{
    /// <summary>First line of a baseline file.</summary>
    public const string Header = "#vmstate-baseline 1";

    /// <summary>All types of the set in the order of their keys, without the header.</summary>
    public static string Write(SchemaSet set)
    {
        var text = new StringBuilder();
        foreach (StateSchema state in set.States.OrderBy(state => state.Key, System.StringComparer.Ordinal))
            Write(text, state);
        foreach (EnumSchema value in set.Enums.OrderBy(value => value.Key, System.StringComparer.Ordinal))
            Write(text, value);
        foreach (RemovedSectionSchema removed in set.RemovedSections.OrderBy(removed => removed.Name, System.StringComparer.Ordinal))
            Line(text, new[] { removed.Type, "@removed-section", Quote(removed.Name) });
        return text.ToString();
    }

    /// <summary>The lines of one type.</summary>
    public static string Write(StateSchema state)
    {
        var text = new StringBuilder();
        Write(text, state);
        return text.ToString();
    }

    private static void Write(StringBuilder text, StateSchema state)
    {
        var words = new List<string> { state.Key, state.IsSection ? "@section" : "@state", Quote(state.Name) };
        words.AddRange(Versions(state.Version, state.MinimumVersion));
        if (state.IsSection)
            words.AddRange(new[] { "priority", state.Priority });
        Add(words, "needed", state.Needed);
        if (state.EarlySetup)
            words.Add("early-setup");
        if (state.Unmigratable)
            words.Add("unmigratable");
        if (state.Hooks.Count > 0)
            Add(words, "hooks", string.Join(",", state.Hooks));
        Line(text, words);

        foreach (WireItem item in state.Items)
            Line(text, Words(state.Key, item));
        foreach (SubsectionSchema subsection in state.Subsections)
        {
            words = new List<string> { state.Key, "@subsection", Quote(subsection.Name) };
            if (subsection.Type is not null)
                words.Add(subsection.Type);
            words.AddRange(Versions(subsection.Version, subsection.MinimumVersion));
            Add(words, "needed", subsection.Needed);
            Add(words, "present", subsection.Present);
            if (subsection.IsNullable)
                words.Add("nullable");
            Line(text, words);
        }
        foreach (RemovedSubsectionSchema removed in state.RemovedSubsections)
            Line(text, new[] { state.Key, "@removed-subsection", Quote(removed.Name), removed.Type });
    }

    private static void Write(StringBuilder text, EnumSchema value)
    {
        var words = new List<string> { value.Key, "@enum", value.Underlying.Token() };
        words.AddRange(value.Members.Select(member => member.Name + "=" + member.Value));
        Line(text, words);
    }

    private static List<string> Words(string key, WireItem item)
    {
        var words = new List<string> { key + "#" + item.Number, Quote(item.Name), item.Shape.ToString() };
        if (item.Since > 0)
            Add(words, "since", Number(item.Since));
        Add(words, "until", Number(item.Until));
        Add(words, "when", item.When);
        Add(words, "element", Number(item.Element));
        if (item.RangeStart is int start)
            Add(words, "range", Number(start) + ".." + Number(start + (int)item.Shape.Length - 1));
        Add(words, "count", item.Count is null ? null : item.Count[0] == '@' ? item.Count : Quote(item.Count));
        Add(words, "max", Number(item.Max));
        Add(words, "struct-version", Number(item.StructVersion));
        Add(words, "element-version", Number(item.ElementVersion));
        if (item.Nulls is NullMarking nulls)
            words.Add(nulls == NullMarking.Nulls ? "nulls" : "every");
        Add(words, "marker", item.Marker);
        if (item.Expect != Expectation.None)
            words.Add(item.Expect == Expectation.Equal ? "equal" : "not-above");
        Add(words, "via", item.Via);
        Add(words, "codec", item.Codec is null ? null : item.Codec + "/" + Number(item.CodecVersion));
        Add(words, "default", item.Default);
        Add(words, "in", item.Subsection is null ? null : Quote(item.Subsection));
        return words;
    }

    private static string[] Versions(int version, int minimum) => new[] { "version", Number(version), "min", Number(minimum) };

    private static void Add(List<string> words, string property, string? value)
    {
        if (value is null)
            return;
        words.Add(property);
        words.Add(value);
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static string? Number(int? value) => value is int number ? Number(number) : null;

    /// <summary>A name as the text has it: a JSON string.</summary>
    public static string Quote(string name)
    {
        var text = new StringBuilder("\"");
        foreach (char c in name)
        {
            if (c is '"' or '\\')
                text.Append('\\').Append(c);
            else if (c < ' ')
                text.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
            else
                text.Append(c);
        }
        return text.Append('"').ToString();
    }

    private static void Line(StringBuilder text, IEnumerable<string> words) => text.Append(string.Join(" ", words)).Append('\n');
}
