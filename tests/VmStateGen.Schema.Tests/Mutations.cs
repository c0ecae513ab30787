using System;
using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Schema.Tests;

/// <summary>One change of one state.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Rules">How it may be classified; several where two are the same bytes (an exchange is two renames, …). None: it is no difference.</param>
/// <param name="Apply">The changed set and the path of what changed; null where the state has nothing to change.</param>
internal sealed record Mutation(string Name, IReadOnlyList<CompatibilityRule> Rules, Func<SchemaSet, StateSchema, Random, (SchemaSet, string)?> Apply);

internal static class Mutations
{
    public static IReadOnlyList<Mutation> All { get; } =
    [
        OfItem("remove", [CompatibilityRule.FieldRemoved, CompatibilityRule.PaddingChanged], _ => true, _ => null),
        OfItem("rename", [CompatibilityRule.FieldRenamed], item => item.Shape is not WireShape.Padding, item => item with { Name = "renamed" }),
        OfItem("pad", [], item => Plain(item) is not null, item => item with { Shape = new WireShape.Padding(Plain(item)!.Value.Size()) }),
        OfItem("reuse", [CompatibilityRule.PaddingReused], item => item.Shape is WireShape.Padding, item => item with { Shape = new WireShape.Bytes(ArrayExtent.Of(((WireShape.Padding)item.Shape).Size)) }),
        OfItem("resize", [CompatibilityRule.PaddingChanged], item => item.Shape is WireShape.Padding, item => item with { Shape = new WireShape.Padding(((WireShape.Padding)item.Shape).Size + 1) }),
        OfItem("widen", [CompatibilityRule.WidthChanged], item => Plain(item) is ScalarKind.U8 or ScalarKind.U16 or ScalarKind.U32, item => item with { Shape = new WireShape.Scalar(ScalarKind.U64) }),
        OfItem("sign", [CompatibilityRule.SignednessChanged], item => Plain(item) is ScalarKind.U32, item => item with { Shape = new WireShape.Scalar(ScalarKind.I32) }),
        OfItem("float", [CompatibilityRule.KindChanged], item => Plain(item) is ScalarKind.U32 or ScalarKind.I32, item => item with { Shape = new WireShape.Scalar(ScalarKind.F32) }),
        OfItem("length", [CompatibilityRule.CountChanged], item => item.Codec is null && Extent(item) is not null, item => item with { Shape = Longer(item.Shape) }),
        OfItem("codec", [CompatibilityRule.EncodingChanged], item => item.Codec is not null, item => item with { CodecVersion = 7 }),
        OfItem("encode", [CompatibilityRule.EncodingChanged], item => item.Shape is WireShape.Text, item => item with { Shape = new WireShape.Scalar(ScalarKind.U32) }),
        OfItem("condition", [CompatibilityRule.PredicateChanged], item => item.When is null && item.Since == 0, item => item with { When = "IsSo" }),
        OfItem("other condition", [CompatibilityRule.PredicateChanged], item => item.When is not null && item.Shape is not WireShape.Padding, item => item with { When = "IsSo" }),
        OfItem("until", [CompatibilityRule.FieldVersionChanged], item => item.When is null, item => item with { Until = 1 }),
        OfItem("version that every stream has", [], item => item.When is null && item.Since == 0, item => item with { Since = 1 }),
        OfItem("max", [CompatibilityRule.CountChanged], item => item.Max is not null, item => item with { Max = 1 }),
        new("add", [CompatibilityRule.FieldAdded], (set, state, random) =>
        {
            List<WireItem> items = state.Items.ToList();
            items.Insert(random.Next(items.Count + 1), new WireItem { Name = "fresh", Shape = new WireShape.Scalar(ScalarKind.U128) });
            return (RandomSections.With(set, RandomSections.WithItems(state, items)), "fresh");
        }),
        new("exchange", [CompatibilityRule.FieldsReordered], (set, state, random) =>
        {
            List<WireItem> items = state.Items.ToList();
            int at = random.Next(items.Count - 1);
            if (items[at].Subsection != items[at + 1].Subsection)
                return null;
            (items[at], items[at + 1]) = (items[at + 1], items[at]);
            return (RandomSections.With(set, RandomSections.WithItems(state, items)), items[at + 1].Name);
        }),
        new("wrap", [CompatibilityRule.FieldsMoved], (set, state, random) =>
        {
            int at = random.Next(state.Items.Count);
            WireItem item = state.Items[at];
            if (item.Subsection is not null || item.When is not null || item.Shape is WireShape.Padding || item.Since > 0)
                return null;
            SchemaSet changed = RandomSections.With(set, RandomSections.WithItems(state, state.Items.Select((old, i) =>
                i == at ? new WireItem { Name = "wrapped", Shape = new WireShape.State("Acme.Wrapper") } : old)));
            changed.Add(new StateSchema { Key = "Acme.Wrapper", Name = "wrapper", Items = new[] { item with { Number = default } }.ToEquatableArray() });
            return (changed, "wrapped");
        }),
        new("lower the version", [CompatibilityRule.VersionLowered], (set, state, _) => (RandomSections.With(set, state with { Version = 1 }), "")),
        new("raise the version", [CompatibilityRule.NeedlessVersion], (set, state, _) =>
            IsListed(set, state) ? null : (RandomSections.With(set, state with { Version = 3 }), "")),
        new("remove the hook", [CompatibilityRule.LoadOrderChanged], (set, state, _) => (RandomSections.With(set, state with { Hooks = default }), "")),
        new("remove a subsection", [CompatibilityRule.SubsectionRemoved], (set, state, _) =>
            state.Subsections.Count == 0 ? null : (RandomSections.With(set, state with { Subsections = state.Subsections.Skip(1).ToEquatableArray(), Items = state.Items.Where(item => item.Subsection is null).ToEquatableArray() }), "")),
    ];

    private static Mutation OfItem(string name, CompatibilityRule[] rules, Func<WireItem, bool> fits, Func<WireItem, WireItem?> change) => new(name, rules, (set, state, random) =>
    {
        List<WireItem> items = state.Items.ToList();
        int[] places = Enumerable.Range(0, items.Count).Where(i => fits(items[i])).ToArray();
        if (places.Length == 0)
            return null;
        int at = places[random.Next(places.Length)];
        string path = items[at].Name;
        // A field of a flat subsection is in version 1 only.
        if (items[at].Subsection is not null && (name is "until" || items[at].Since > 0))
            return null;
        if (change(items[at]) is WireItem changed)
        {
            items[at] = changed;
            path = changed.Name;
        }
        else
        {
            items.RemoveAt(at);
        }
        return (RandomSections.With(set, RandomSections.WithItems(state, items)), path);
    });

    private static bool IsListed(SchemaSet set, StateSchema state) =>
        set.States.Any(other => other.Items.Any(item => item.ElementVersion is not null && SchemaReach.TypesOf(item).Contains(state.Key)));

    private static ScalarKind? Plain(WireItem item) => item.Shape is WireShape.Scalar { Array: null, Enum: null, Kind: ScalarKind kind } ? kind : null;

    private static ArrayExtent? Extent(WireItem item) => item.Shape switch
    {
        WireShape.Scalar scalar => scalar.Array,
        WireShape.Bytes bytes => bytes.Array,
        WireShape.State state => state.Array,
        _ => null,
    };

    private static WireShape Longer(WireShape shape) => shape switch
    {
        WireShape.Scalar scalar => scalar with { Array = ArrayExtent.Of((int)scalar.Array!.Length + 1) },
        WireShape.Bytes bytes => new WireShape.Bytes(ArrayExtent.Of((int)bytes.Array.Length + 1)),
        WireShape.State state => state with { Array = ArrayExtent.Of((int)state.Array!.Length + 1) },
        _ => shape,
    };
}
