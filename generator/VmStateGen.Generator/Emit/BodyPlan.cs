using System.Collections.Generic;
using System.Linq;
using VmStateGen.Generator.Linking;
using VmStateGen.Schema;

namespace VmStateGen.Generator.Emit;

/// <summary>A part of a state with versions of its own: the state itself, or a flat subsection.</summary>
internal sealed class BodyPlan
{
    private readonly Dictionary<ItemNumber, BoundItem> byWire;

    public BodyPlan(LinkedType type, SubsectionSchema? flat)
    {
        Items = type.Bound(flat?.Name).ToList();
        byWire = Items.ToDictionary(item => item.Wire.Number);
        Name = flat?.Name ?? type.Model.Schema.Name;
        Version = flat?.Version ?? type.Model.Schema.Version;
        MinimumVersion = flat?.MinimumVersion ?? type.Model.Schema.MinimumVersion;
        Ranges = WireLayout.Versions(Items.Select(item => item.Wire), MinimumVersion, Version);
    }

    public string Name { get; }

    public int Version { get; }

    public int MinimumVersion { get; }

    public IReadOnlyList<BoundItem> Items { get; }

    /// <summary>Versions with the same items, the newest first.</summary>
    public IReadOnlyList<VersionRange> Ranges { get; }

    public IEnumerable<BoundItem> At(VersionRange range) => Items.Where(item => item.Wire.IsInVersion(range.Last));

    /// <summary>Runs and single items.</summary>
    public IReadOnlyList<LayoutStep> Steps(IEnumerable<BoundItem> items) =>
        WireLayout.Steps(items.Select(item => item.Wire), wire => byWire[wire.Number].Linked.RunSize);

    public BoundItem Find(WireItem wire) => byWire[wire.Number];

    /// <summary>The condition under which a version belongs to the range, given that no newer range did.</summary>
    public string Condition(VersionRange range) =>
        range.First == range.Last
            ? $"version == {range.First}"
            : $"version >= {range.First} && version <= {range.Last}";
}
