using Microsoft.CodeAnalysis;

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
}
