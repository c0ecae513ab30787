using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;
using VmStateGen.Parsing;
using VmStateGen.Schema;

namespace VmStateGen.Analyzers;

/// <summary>Where the items and subsections of one type are declared. Made only for types of which there is something to say.</summary>
internal sealed class StatePlaces : ProblemSink
{
    private readonly Dictionary<ItemNumber, (WireItem Item, Location? Location)> items = new();
    private readonly Dictionary<string, Location?> subsections = new();

    private StatePlaces(INamedTypeSymbol type)
    {
        Symbol = type;
        Type = AttributeReader.Find(type, "VmState")?.Location ?? type.Locations.FirstOrDefault() ?? Location.None;
    }

    public INamedTypeSymbol Symbol { get; }

    public override bool WantsLocations => true;

    /// <summary>The type's own attribute.</summary>
    public Location Type { get; }

    public static StatePlaces Find(INamedTypeSymbol type, Compilation compilation, CancellationToken cancel)
    {
        var places = new StatePlaces(type);
        TypeParser.Parse(type, compilation, places, cancel);
        return places;
    }

    public Location Of(Finding finding, WireItem? use)
    {
        if ((use ?? finding.Item) is WireItem item)
            return Item(item) ?? Type;
        return finding.Subsection is string subsection && subsections.TryGetValue(subsection, out Location? location) ? location ?? Type : Type;
    }

    public Location? Item(WireItem item) => items.TryGetValue(item.Number, out (WireItem Item, Location? Location) found) ? found.Location : null;

    /// <summary>The last item of that name, or the subsection that the text is about.</summary>
    public Location Subject(string subject) =>
        items.Values.Where(entry => entry.Item.Name == subject).Select(entry => entry.Location).LastOrDefault(location => location is not null) ?? Type;

    /// <summary>The item that an item of a release stood before: the next that is still there.</summary>
    public Location? Next(StateSchema old, WireItem gone)
    {
        HashSet<string> behind = new(old.Items.Where(item => item.Subsection == gone.Subsection && item.Number.CompareTo(gone.Number) > 0).Select(item => item.Name));
        return items.OrderBy(entry => entry.Key).Where(entry => entry.Value.Item.Subsection == gone.Subsection && behind.Contains(entry.Value.Item.Name))
            .Select(entry => entry.Value.Location).FirstOrDefault();
    }

    public override void ItemAt(WireItem item, Location? location) => items[item.Number] = (item, location);

    public override void SubsectionAt(SubsectionSchema subsection, Location? location) => subsections[subsection.Name] = location;

    public override void Report(DefinitionRule rule, Location? location, params string[] arguments)
    {
    }
}
