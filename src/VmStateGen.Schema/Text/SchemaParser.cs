using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace VmStateGen.Schema;

/// <summary>
/// Reads baseline text (docs/schema.md). The order of lines and identical duplicates do not matter; two different lines under one
/// key are an error that names both.
/// </summary>
public static class SchemaParser
{
    /// <summary>Reads the lines of any number of types.</summary>
    /// <exception cref="SchemaException">With line and column.</exception>
    public static SchemaSet Parse(string text)
    {
        string[] lines = text.Split('\n');
        return Parse(lines.Select((line, index) => (line.TrimEnd('\r'), index + 1)).Where(line => line.Item1.Trim().Length > 0 && line.Item1[0] != '#'));
    }

    /// <summary>Reads lines that are neither empty nor comments, with their numbers.</summary>
    internal static SchemaSet Parse(IEnumerable<(string Content, int Number)> lines)
    {
        var types = new Dictionary<string, Entities>();
        var enums = new Entities();
        var set = new SchemaSet();
        foreach ((string content, int number) in lines)
            ReadLine(new SchemaLine(content, number), content, number, types, enums, set);
        foreach (KeyValuePair<string, Entities> type in types)
            set.Add(WithEnums(type.Value.ToSchema(type.Key), set));
        return set;
    }

    /// <summary>Checks a line by itself.</summary>
    internal static void Check(string content, int number) =>
        ReadLine(new SchemaLine(content, number), content, number, new Dictionary<string, Entities>(), new Entities(), new SchemaSet());

    /// <summary>An enum's key reads like a state's until its own line is known.</summary>
    private static StateSchema WithEnums(StateSchema state, SchemaSet set) => state with
    {
        Items = state.Items.Select(item => item.Shape is WireShape.State shape && set.FindEnum(shape.Type) is EnumSchema found
            ? item with { Shape = new WireShape.Scalar(found.Underlying, found.Key, shape.Array) }
            : item).ToEquatableArray(),
    };

    private static void ReadLine(SchemaLine line, string content, int number, Dictionary<string, Entities> types, Entities enums, SchemaSet set)
    {
        string key = line.Token("a type's key");
        int hash = key.LastIndexOf('#');
        string type = hash < 0 ? key : key.Substring(0, hash);
        if (hash >= 0)
        {
            if (!ItemNumber.TryParse(key.Substring(hash + 1), out ItemNumber place))
                throw line.Wrong("expected an ordinal such as 003 or 003.1 behind #", last: true);
            Entities entities = Of(types, type);
            // 3 and 003 are one place.
            entities.Once("#" + place, content, number);
            entities.Items[place] = ReadItem(line, place);
        }
        else if (line.IsNext("@enum"))
        {
            enums.Once(key, content, number);
            set.Add(ReadEnum(line, key));
        }
        else if (line.Take("@removed-section"))
        {
            string name = line.Quoted("the section's name");
            // Its key is the name: the same type may read several.
            enums.Once("@removed-section " + name, content, number);
            set.Add(new RemovedSectionSchema(name, key));
        }
        else
        {
            ReadType(line, Of(types, type), content, number);
        }
        line.End();
    }

    private static Entities Of(Dictionary<string, Entities> types, string key)
    {
        if (!types.TryGetValue(key, out Entities? entities))
            types.Add(key, entities = new Entities());
        return entities;
    }

    private static void ReadType(SchemaLine line, Entities entities, string content, int number)
    {
        if (line.IsNext("@section") || line.IsNext("@state"))
        {
            entities.Once("type", content, number);
            entities.Header = ReadHeader(line, isSection: line.Token("") == "@section");
        }
        else if (line.Take("@subsection"))
        {
            string name = line.Quoted("the subsection's name");
            if (entities.Once("@subsection " + name, content, number))
                entities.Subsections.Add(ReadSubsection(line, name));
            else
                ReadSubsection(line, name);
        }
        else if (line.Take("@removed-subsection"))
        {
            string name = line.Quoted("the subsection's name");
            string type = line.Token("the type that reads it");
            if (entities.Once("@removed-subsection " + name, content, number))
                entities.Removed.Add(new RemovedSubsectionSchema(name, type));
        }
        else
        {
            throw line.Wrong("expected @section, @state, @subsection, @removed-subsection, @removed-section or @enum");
        }
    }

    private static StateSchema ReadHeader(SchemaLine line, bool isSection)
    {
        string name = line.Quoted("the name");
        (int version, int minimum) = Versions(line);
        return new StateSchema
        {
            Key = "",
            Name = name,
            IsSection = isSection,
            Version = version,
            MinimumVersion = minimum,
            Priority = line.Take("priority") ? line.Token("a priority") : "default",
            Needed = Property(line, "needed"),
            EarlySetup = line.Take("early-setup"),
            Unmigratable = line.Take("unmigratable"),
            Hooks = line.Take("hooks") ? line.Token("hooks").Split(',').ToEquatableArray() : default,
        };
    }

    private static SubsectionSchema ReadSubsection(SchemaLine line, string name)
    {
        string? type = line.IsNext("version") ? null : line.Token("a type's key or version");
        (int version, int minimum) = Versions(line);
        return new SubsectionSchema
        {
            Name = name,
            Type = type,
            Version = version,
            MinimumVersion = minimum,
            Needed = Property(line, "needed"),
            Present = Property(line, "present"),
            IsNullable = line.Take("nullable"),
        };
    }

    private static EnumSchema ReadEnum(SchemaLine line, string key)
    {
        line.Take("@enum");
        if (!ScalarKinds.TryParse(line.Token("the underlying type"), out ScalarKind underlying))
            throw line.Wrong("expected the underlying type: u8, i8, … i64", last: true);
        var members = new List<EnumMember>();
        while (!line.AtEnd)
        {
            string[] parts = line.Token("Name=value").Split('=');
            if (parts.Length != 2)
                throw line.Wrong("expected Name=value", last: true);
            members.Add(new EnumMember(parts[0], parts[1]));
        }
        return new EnumSchema(key, underlying, members.ToEquatableArray());
    }

    private static WireItem ReadItem(SchemaLine line, ItemNumber number)
    {
        string name = line.Quoted("the field's name");
        WireShape shape = ReadShape(line);
        var item = new WireItem
        {
            Number = number,
            Name = name,
            Shape = shape,
            Since = NumberProperty(line, "since") ?? 0,
            Until = NumberProperty(line, "until"),
            When = Property(line, "when"),
            Element = NumberProperty(line, "element"),
            RangeStart = line.Take("range") ? ReadRangeStart(line, shape) : null,
            Count = line.Take("count") ? (line.IsNextQuoted ? line.Quoted("a field") : line.Token("@Member")) : null,
            Max = NumberProperty(line, "max"),
            StructVersion = NumberProperty(line, "struct-version"),
            ElementVersion = NumberProperty(line, "element-version"),
            Nulls = line.Take("nulls") ? NullMarking.Nulls : line.Take("every") ? NullMarking.Every : null,
            Marker = Property(line, "marker"),
            Expect = line.Take("equal") ? Expectation.Equal : line.Take("not-above") ? Expectation.NotAbove : Expectation.None,
            Via = Property(line, "via"),
        };
        if (line.Take("codec"))
        {
            string codec = line.Token("Type/version");
            int slash = codec.LastIndexOf('/');
            if (slash < 0 || !int.TryParse(codec.Substring(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int version))
                throw line.Wrong("expected the codec as Type/version", last: true);
            item = item with { Codec = codec.Substring(0, slash), CodecVersion = version };
        }
        return item with
        {
            Default = Property(line, "default"),
            Subsection = line.Take("in") ? line.Quoted("a subsection") : null,
        };
    }

    private static int ReadRangeStart(SchemaLine line, WireShape shape)
    {
        string range = line.Token("first..last");
        int dots = range.IndexOf("..", StringComparison.Ordinal);
        if (dots < 0
            || !int.TryParse(range.Substring(0, dots), NumberStyles.None, CultureInfo.InvariantCulture, out int start)
            || !int.TryParse(range.Substring(dots + 2), NumberStyles.None, CultureInfo.InvariantCulture, out int last))
        {
            throw line.Wrong("expected a range such as 0..31", last: true);
        }
        if (last - (long)start + 1 != shape.Length)
            throw line.Wrong($"the range has {last - (long)start + 1} elements, {shape} has {shape.Length}", last: true);
        return start;
    }

    private static WireShape ReadShape(SchemaLine line)
    {
        string token = line.Token("what it is");
        if (token == "string")
            return new WireShape.Text();
        if (token.EndsWith(">", StringComparison.Ordinal) && token.IndexOf('<') is int angle and > 0)
        {
            string inner = token.Substring(angle + 1, token.Length - angle - 2);
            int comma = inner.IndexOf(',');
            return token.Substring(0, angle) switch
            {
                "list" when inner.Length > 0 => new WireShape.List(inner),
                "tree" when comma > 0 && comma < inner.Length - 1 => new WireShape.Tree(inner.Substring(0, comma), inner.Substring(comma + 1)),
                _ => throw line.Wrong("expected list<Type> or tree<key,Type>", last: true),
            };
        }
        int bracket = token.IndexOf('[');
        string element = bracket < 0 ? token : token.Substring(0, bracket);
        ArrayExtent? array = bracket < 0 ? null : ReadExtent(line, token, bracket);
        return element switch
        {
            "bytes" when array is not null => new WireShape.Bytes(array),
            "bitmap" when array is not null => new WireShape.Bitmap(array),
            "pad" when array is { Dimensions.Count: 1 } => new WireShape.Padding(array.Dimensions[0]),
            "bytes" or "bitmap" or "pad" => throw line.Wrong($"expected a length behind {element}: {element}[8]", last: true),
            "" => throw line.Wrong("expected what is an array before [", last: true),
            _ when ScalarKinds.TryParse(element, out ScalarKind kind) => new WireShape.Scalar(kind, Array: array),
            _ => new WireShape.State(element, array),
        };
    }

    private static ArrayExtent ReadExtent(SchemaLine line, string token, int bracket)
    {
        if (!token.EndsWith("]", StringComparison.Ordinal))
            throw line.Wrong("expected ] behind the length", last: true);
        string inner = token.Substring(bracket + 1, token.Length - bracket - 2);
        var dimensions = new List<int>();
        foreach (string part in inner.Split(',').Where(part => inner.Length > 0))
        {
            if (!int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int length))
                throw line.Wrong($"expected a length, found {part}", last: true);
            dimensions.Add(length);
        }
        return new ArrayExtent(dimensions.ToEquatableArray());
    }

    private static (int Version, int Minimum) Versions(SchemaLine line)
    {
        if (!line.Take("version"))
            throw line.Wrong("expected version");
        int version = line.Number("version");
        if (!line.Take("min"))
            throw line.Wrong("expected min");
        return (version, line.Number("min"));
    }

    private static string? Property(SchemaLine line, string property) => line.Take(property) ? line.Token(property) : null;

    private static int? NumberProperty(SchemaLine line, string property) => line.Take(property) ? line.Number(property) : null;

    /// <summary>What the lines of one type have said so far.</summary>
    private sealed class Entities
    {
        private readonly Dictionary<string, (string Content, int Line)> seen = new();

        public StateSchema? Header { get; set; }

        public SortedDictionary<ItemNumber, WireItem> Items { get; } = new();

        public List<SubsectionSchema> Subsections { get; } = new();

        public List<RemovedSubsectionSchema> Removed { get; } = new();

        /// <returns>False for an identical duplicate.</returns>
        public bool Once(string key, string content, int line)
        {
            if (!seen.TryGetValue(key, out (string Content, int Line) first))
            {
                seen.Add(key, (content, line));
                return true;
            }
            if (first.Content == content)
                return false;
            throw new SchemaException($"a second line for one key; line {first.Line} says: {first.Content}", line, 1);
        }

        public StateSchema ToSchema(string key)
        {
            if (Header is null)
                throw new SchemaException($"{key} has items, but no @section or @state line", seen.Values.Min(place => place.Line), 1);
            return Header with
            {
                Key = key,
                Items = Items.Values.ToEquatableArray(),
                Subsections = Subsections.ToEquatableArray(),
                RemovedSubsections = Removed.ToEquatableArray(),
            };
        }
    }
}
