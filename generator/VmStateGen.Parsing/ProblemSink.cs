using Microsoft.CodeAnalysis;
using VmStateGen.Schema;

namespace VmStateGen.Parsing;

/// <summary>Takes the problems that parsing a type finds. The generator only counts them; the analyzers report them.</summary>
public abstract class ProblemSink
{
    /// <summary>Whether the caller wants locations; without it none is looked up.</summary>
    public abstract bool WantsLocations { get; }

    /// <summary>A problem.</summary>
    /// <param name="rule">Which rule.</param>
    /// <param name="location">Where, <see langword="null"/> unless <see cref="WantsLocations"/>.</param>
    /// <param name="arguments">What the rule's message takes.</param>
    public abstract void Report(DefinitionRule rule, Location? location, params string[] arguments);

    /// <summary>Where an item of the schema is declared. Only called if <see cref="WantsLocations"/>.</summary>
    /// <param name="item">The item as it is in the schema.</param>
    /// <param name="location">Its attribute; null: it has none, a base class.</param>
    public virtual void ItemAt(WireItem item, Location? location)
    {
    }

    /// <summary>Where a subsection is declared. Only called if <see cref="WantsLocations"/>.</summary>
    public virtual void SubsectionAt(SubsectionSchema subsection, Location? location)
    {
    }
}
