using System;
using System.Collections.Generic;
using System.Linq;
using FsCheck;
using FsCheck.Fluent;

namespace VmStateGen.Schema.Tests;

/// <summary>Random schemas with every construct of the model.</summary>
internal static class Schemas
{
    private static readonly Gen<int> Small = Gen.Choose(0, 300);

    /// <summary>Wire names: anything but nothing, also what must be escaped.</summary>
    public static readonly Gen<string> Name = Gen.OneOf(
        Gen.Elements("rxbuf_size", "mac_reg[RDTR]", "PS2 Common State", "e1000/mit", "a\"b", "back\\slash", "tab\there", "line\nbreak", "#", "größe", " ", "version"),
        ArbMap.Default.GeneratorFor<NonEmptyString>().Select(text => text.Get));

    private static readonly Gen<string> Token = Gen.Elements("HasFlash", "IsOld", "until", "x", "Größe", "since", "@class");

    private static readonly Gen<string> Key = Gen.Elements("Acme.Descriptor", "Acme.Outer+Inner`1", "Global", "Acme.Größe");

    private static readonly Gen<ArrayExtent> Extent = Gen.OneOf(
        Gen.Constant(ArrayExtent.Counted),
        Gen.Choose(1, 70_000).Select(ArrayExtent.Of),
        Gen.Choose(1, 99).ListOf(2).Select(sizes => new ArrayExtent(sizes.ToEquatableArray())));

    private static readonly Gen<ScalarKind> Kind = Gen.Elements(Enum.GetValues<ScalarKind>());

    private static readonly Gen<WireShape> Shape = Gen.OneOf(
        from kind in Kind from array in Optional(Extent) select (WireShape)new WireShape.Scalar(kind, Array: array),
        from array in Extent select (WireShape)new WireShape.Bytes(array),
        from array in Extent select (WireShape)new WireShape.Bitmap(array),
        Gen.Constant((WireShape)new WireShape.Text()),
        from size in Gen.Choose(1, 9999) select (WireShape)new WireShape.Padding(size),
        from type in Key from array in Optional(Extent) select (WireShape)new WireShape.State(type, array),
        from array in Optional(Extent) select (WireShape)new WireShape.Scalar(ScalarKind.U16, "Acme.Mode", array),
        from type in Key select (WireShape)new WireShape.List(type),
        from key in Gen.Elements("u64", "Acme.Key") from type in Key select (WireShape)new WireShape.Tree(key, type));

    private static readonly Gen<ItemNumber> Number = Gen.OneOf(
        Gen.Choose(0, 2000).Select(number => $"{number:D3}"),
        from number in Gen.Choose(0, 2000) from inserted in Gen.Choose(1, 30) select $"{number:D3}.{inserted}",
        from number in Gen.Choose(0, 20) from first in Gen.Choose(1, 9) from second in Gen.Choose(0, 9) select $"{number:D3}.{first}.{second}")
        .Select(text => ItemNumber.TryParse(text, out ItemNumber place) ? place : throw new InvalidOperationException(text));

    private static readonly Gen<WireItem> Item =
        from number in Number
        from name in Name
        from shape in Shape
        from since in Small
        from until in OptionalNumber(Small)
        from when in Optional(Token)
        from element in OptionalNumber(Small)
        from start in OptionalNumber(Small)
        from count in Optional(Gen.OneOf(Gen.Elements("@Configured", "@x"), Name.Where(name => name[0] != '@')))
        from max in OptionalNumber(Small)
        from structVersion in OptionalNumber(Small)
        from elementVersion in OptionalNumber(Small)
        from nulls in Gen.Elements<NullMarking?>(null, NullMarking.Nulls, NullMarking.Every)
        from marker in Optional(Token)
        from expect in Gen.Elements(Enum.GetValues<Expectation>())
        from via in Optional(Key)
        from codec in Optional(Key)
        from codecVersion in Gen.Choose(1, 9)
        from value in Optional(Gen.Elements("0", "-5", "True", "1.5", "NaN"))
        from subsection in Optional(Name)
        select new WireItem
        {
            Number = number,
            Name = name,
            Shape = shape,
            Since = since,
            Until = until,
            When = when,
            Element = element,
            RangeStart = shape.Length > 0 ? start : null,
            Count = count,
            Max = max,
            StructVersion = structVersion,
            ElementVersion = elementVersion,
            Nulls = nulls,
            Marker = marker,
            Expect = expect,
            Via = via,
            Codec = codec,
            CodecVersion = codec is null ? 1 : codecVersion,
            Default = value,
            Subsection = subsection,
        };

    private static readonly Gen<SubsectionSchema> Subsection =
        from name in Name
        from type in Optional(Key)
        from version in Small
        from minimum in Small
        from needed in Optional(Token)
        from present in Optional(Token)
        select new SubsectionSchema { Name = name, Type = type, Version = version, MinimumVersion = minimum, Needed = needed, Present = present };

    private static readonly Gen<StateSchema> State =
        from key in Gen.OneOf(Key, Gen.Choose(0, 99).Select(n => $"Acme.Type{n}"))
        from name in Name
        from isSection in ArbMap.Default.GeneratorFor<bool>()
        from version in Small
        from minimum in Small
        from priority in Gen.Elements("default", "iommu", "gic-v3-its")
        from needed in Optional(Token)
        from flags in Gen.Choose(0, 3)
        from hooks in Gen.SubListOf("before-save", "after-save", "before-load", "after-load")
        from items in Item.ListOf()
        from subsections in Subsection.ListOf()
        from removed in (from subsection in Name from type in Key select new RemovedSubsectionSchema(subsection, type)).ListOf()
        select new StateSchema
        {
            Key = key,
            Name = name,
            IsSection = isSection,
            Version = version,
            MinimumVersion = minimum,
            Priority = isSection ? priority : "default",
            Needed = needed,
            EarlySetup = (flags & 1) != 0,
            Unmigratable = (flags & 2) != 0,
            Hooks = hooks.ToEquatableArray(),
            Items = items.GroupBy(item => item.Number).Select(twins => twins.First()).OrderBy(item => item.Number).ToEquatableArray(),
            Subsections = subsections.DistinctBy(subsection => subsection.Name).ToEquatableArray(),
            RemovedSubsections = removed.DistinctBy(subsection => subsection.Name).ToEquatableArray(),
        };

    /// <summary>States and the enum that they use.</summary>
    public static readonly Arbitrary<SchemaSet> Sets = (
        from states in State.ListOf()
        from members in (from name in Gen.Choose(0, 99) from value in ArbMap.Default.GeneratorFor<long>() select new EnumMember($"M{name}", $"{value}")).ListOf()
        select Set(states, members)).ToArbitrary();

    private static SchemaSet Set(IEnumerable<StateSchema> states, IEnumerable<EnumMember> members)
    {
        var set = new SchemaSet(states);
        set.Add(new EnumSchema("Acme.Mode", ScalarKind.U16, members.ToEquatableArray()));
        return set;
    }

    private static Gen<T?> Optional<T>(Gen<T> some)
        where T : class => Gen.OneOf(Gen.Constant<T?>(null), some.Select(value => (T?)value));

    private static Gen<int?> OptionalNumber(Gen<int> some) => Gen.OneOf(Gen.Constant<int?>(null), some.Select(value => (int?)value));
}
