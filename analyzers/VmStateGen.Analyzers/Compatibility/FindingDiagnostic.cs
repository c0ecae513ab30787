using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using Microsoft.CodeAnalysis;
using VmStateGen.Schema;

namespace VmStateGen.Analyzers;

/// <summary>A finding as a diagnostic. What the code fixes need goes along as properties.</summary>
internal static class FindingDiagnostic
{
    public const string TypeKey = "type";
    public const string ItemKey = "item";
    public const string OldNameKey = "oldName";
    public const string OldSizeKey = "oldSize";
    public const string OldConditionsKey = "oldConditions";
    public const string SubsectionKey = "subsection";
    public const string ProblemKey = "problem";
    public const string LineKey = "line";

    /// <summary>Place among the findings of the type; many at one location are mended in this order.</summary>
    public const string OrderKey = "order";

    /// <summary>The n-th suggested fix.</summary>
    public static string FixKey(int index, string part) => $"fix{index.ToString(CultureInfo.InvariantCulture)}.{part}";

    public static Diagnostic Create(Finding finding, Location location, int order, CompatibilityResult result, StatePlaces? places)
    {
        ImmutableDictionary<string, string?>.Builder properties = ImmutableDictionary.CreateBuilder<string, string?>();
        properties[TypeKey] = finding.Type;
        properties[OrderKey] = order.ToString("D6", CultureInfo.InvariantCulture);
        properties[SubsectionKey] = finding.Subsection;
        properties[ItemKey] = finding.Item?.Name;
        if (finding.OldItem is WireItem old)
        {
            properties[OldNameKey] = old.Name;
            properties[OldSizeKey] = old.Shape is WireShape.Padding padding && old.Count is null ? Text(padding.Size) : null;
            properties[OldConditionsKey] = Conditions(old);
        }
        for (int i = 0; i < finding.Fixes.Count; i++)
        {
            properties[FixKey(i, "kind")] = finding.Fixes[i].Kind.ToString();
            properties[FixKey(i, "target")] = finding.Fixes[i].Target;
            properties[FixKey(i, "value")] = finding.Fixes[i].Value;
        }
        // Where something that is gone would go again.
        IEnumerable<Location> anchors = finding is { Item: null, OldItem: WireItem gone } && places is not null && Holding(result, finding.Type, gone) is StateSchema before
            && places.Next(before, gone) is Location next ? new[] { next } : Enumerable.Empty<Location>();
        return Diagnostic.Create(CompatibilityDescriptors.Of(finding), location, CompatibilityDescriptors.Severity(finding), anchors, properties.ToImmutable(),
            FindingText.Path(finding), FindingText.Text(finding));
    }

    /// <summary>The schema of a supported release that has the item.</summary>
    private static StateSchema? Holding(CompatibilityResult result, string type, WireItem item) => result.Files.Supported(result.Current.Oldest)
        .Select(baseline => baseline.Schemas.Find(type)).LastOrDefault(state => state?.Items.Any(other => other.Equals(item)) == true);

    /// <summary>Version and Until as an attribute would say them; null where they cannot be written for padding.</summary>
    private static string? Conditions(WireItem item)
    {
        if (item.When is not null || item.Count is not null)
            return null;
        string text = item.Since > 0 ? $", Version = {Text(item.Since)}" : "";
        if (item.Until is int until)
            text += $", Until = {Text(until)}";
        return item.Subsection is null ? text : text + $", Subsection = {Microsoft.CodeAnalysis.CSharp.SymbolDisplay.FormatLiteral(item.Subsection, quote: true)}";
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
