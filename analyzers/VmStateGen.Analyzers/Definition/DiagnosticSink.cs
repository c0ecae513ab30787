using System;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using Microsoft.CodeAnalysis;
using VmStateGen.Parsing;

namespace VmStateGen.Analyzers;

/// <summary>Turns problems into diagnostics. The arguments go along as properties, for the code fixes.</summary>
internal sealed class DiagnosticSink(Action<Diagnostic> report) : ProblemSink
{
    public override bool WantsLocations => true;

    /// <summary>Name of the property that holds the message's n-th argument.</summary>
    public static string ArgumentKey(int index) => "argument" + index.ToString(CultureInfo.InvariantCulture);

    public override void Report(DefinitionRule rule, Location? location, params string[] arguments)
    {
        ImmutableDictionary<string, string?> properties = arguments
            .Select((argument, index) => (Key: ArgumentKey(index), Value: argument))
            .ToImmutableDictionary(pair => pair.Key, pair => (string?)pair.Value);
        report(Diagnostic.Create(DefinitionDescriptors.Of(rule), location, properties, arguments.ToArray<object>()));
    }
}
