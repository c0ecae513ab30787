using System;
using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Schema.Tests;

/// <summary>Random sections that make sense: every item is in every version that a release could have written, names are unique.</summary>
internal static class RandomSections
{
    public static SchemaSet Make(Random random)
    {
        var set = new SchemaSet();
        set.Add(new EnumSchema("Acme.Mode", ScalarKind.U8, new[] { new EnumMember("Off", "0"), new EnumMember("On", "1") }.ToEquatableArray()));
        set.Add(State(random, "Acme.Inner", "inner", isSection: false, depth: 2));
        set.Add(State(random, "Acme.Nested", "nested", isSection: false, depth: 1));
        set.Add(State(random, "Acme.Extra", "device/extra", isSection: false, depth: 1));
        StateSchema device = State(random, "Acme.Device", "device", isSection: true, depth: 0);
        var subsections = new List<SubsectionSchema> { new() { Name = "device/flat", Needed = "IsFlat" } };
        if (random.Next(2) == 0)
            subsections.Add(new() { Name = "device/extra", Type = "Acme.Extra", Needed = "HasExtra" });
        WireItem flat = Item(random, "flat_field", 2) with { Subsection = "device/flat", Number = new ItemNumber(device.Items.Count) };
        set.Add(device with { Subsections = subsections.ToEquatableArray(), Items = device.Items.Append(flat).ToEquatableArray() });
        StateSchema other = State(random, "Acme.Other", "other", isSection: true, depth: 0);
        set.Add(other);
        return set;
    }

    /// <summary>The set with one state replaced.</summary>
    public static SchemaSet With(SchemaSet set, StateSchema changed)
    {
        var result = new SchemaSet(set.States.Select(state => state.Key == changed.Key ? changed : state));
        foreach (EnumSchema value in set.Enums)
            result.Add(value);
        return result;
    }

    /// <summary>Numbers the items of a state anew, as code does.</summary>
    public static StateSchema WithItems(StateSchema state, IEnumerable<WireItem> items) =>
        state with { Items = items.Select((item, index) => item with { Number = new ItemNumber(index) }).ToEquatableArray() };

    private static StateSchema State(Random random, string key, string name, bool isSection, int depth) => new()
    {
        Key = key,
        Name = name,
        IsSection = isSection,
        Version = 2,
        MinimumVersion = 1,
        Hooks = new[] { "after-load" }.ToEquatableArray(),
        Items = Enumerable.Range(0, random.Next(2, 8))
            .Select(i => Item(random, $"{name.Replace('/', '_')}_{i}", depth) with { Number = new ItemNumber(i) }).ToEquatableArray(),
    };

    private static WireItem Item(Random random, string name, int depth)
    {
        ScalarKind kind = Enum.GetValues<ScalarKind>()[random.Next(15)];
        var item = new WireItem { Name = name, Shape = new WireShape.Scalar(kind), Since = random.Next(4) == 0 ? 2 : 0 };
        string inner = depth == 0 ? "Acme.Nested" : "Acme.Inner";
        return random.Next(depth < 2 ? 12 : 8) switch
        {
            0 => item with { Shape = new WireShape.Scalar(kind, Array: ArrayExtent.Of(random.Next(2, 40))) },
            1 => item with { Shape = new WireShape.Bytes(ArrayExtent.Of(random.Next(1, 300))) },
            2 => item with { Shape = new WireShape.Padding(random.Next(1, 9)) },
            3 => item with { Shape = new WireShape.Scalar(ScalarKind.U8, "Acme.Mode") },
            4 => item with { Since = 0, When = "HasIt" },
            5 => item with { Shape = new WireShape.Bytes(ArrayExtent.Of(8)), Codec = "Acme.Codec" },
            6 => item with { Shape = new WireShape.Text(), Max = 40 },
            8 => item with { Shape = new WireShape.State(inner) },
            9 => item with { Shape = new WireShape.State(inner, ArrayExtent.Of(3)) },
            10 => item with { Shape = new WireShape.List(inner), Max = 9, ElementVersion = 2 },
            11 => item with { Shape = new WireShape.Tree("u64", inner), Max = 9, ElementVersion = 2 },
            _ => item,
        };
    }
}
