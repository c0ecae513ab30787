using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using VmStateGen.Generator.Emit;
using VmStateGen.Generator.Linking;
using VmStateGen.Parsing;

namespace VmStateGen.Generator;

/// <summary>
/// Writes save, load and describe code for every [VmState] type: parse each type alone, link it with what it nests, emit.
/// Reports nothing: what is wrong with a type is the analyzers' to say.
/// </summary>
[Generator(LanguageNames.CSharp)]
public sealed class VmStateGenerator : IIncrementalGenerator
{
    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        IncrementalValuesProvider<TypeModel> types = context.SyntaxProvider
            .ForAttributeWithMetadataName(
                "VmStateGen.VmStateAttribute",
                static (_, _) => true,
                static (attributed, cancel) => attributed.TargetSymbol is INamedTypeSymbol type && IsFirst(attributed, type)
                    ? TypeParser.Parse(type, attributed.SemanticModel.Compilation, SilentSink.Instance, cancel)
                    : null)
            .WithTrackingName(TrackingNames.Parse)
            .Where(static model => model is not null)
            .Select(static (model, _) => model!);

        IncrementalValueProvider<TypeIndex> index = types.Collect()
            .Select(static (ImmutableArray<TypeModel> all, System.Threading.CancellationToken _) => new TypeIndex(all))
            .WithTrackingName(TrackingNames.Index);

        IncrementalValuesProvider<LinkedType> linked = types.Combine(index)
            .Select(static (pair, _) => Linker.Link(pair.Left, pair.Right))
            .WithTrackingName(TrackingNames.Link);

        context.RegisterSourceOutput(linked, static (output, type) => output.AddSource(type.Model.HintName, TypeEmitter.Emit(type)));
    }

    /// <summary>
    /// A type with the attribute on two partial declarations is an error of the author's, but one type: two files of one name would
    /// take everybody's code away.
    /// </summary>
    private static bool IsFirst(GeneratorAttributeSyntaxContext attributed, INamedTypeSymbol type)
    {
        foreach (AttributeData attribute in type.GetAttributes())
        {
            if (attribute.AttributeClass?.ToDisplayString() == "VmStateGen.VmStateAttribute" && attribute.ApplicationSyntaxReference is SyntaxReference place)
                return place.SyntaxTree == attributed.TargetNode.SyntaxTree && attributed.TargetNode.Span.Contains(place.Span);
        }
        return true;
    }

    private sealed class SilentSink : ProblemSink
    {
        public static readonly SilentSink Instance = new();

        public override bool WantsLocations => false;

        public override void Report(DefinitionRule rule, Location? location, params string[] arguments)
        {
        }
    }
}

/// <summary>Names of the pipeline's steps, for the caching tests.</summary>
internal static class TrackingNames
{
    public const string Parse = "Parse";
    public const string Index = "Index";
    public const string Link = "Link";

    public static readonly string[] All = { Parse, Index, Link };
}
