using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;
using VmStateGen.Parsing;
using VmStateGen.Schema;

namespace VmStateGen.Analyzers;

/// <summary>The schema of a compilation, from its annotations; and what its support window is.</summary>
internal sealed class CurrentSchema
{
    private CurrentSchema(Compilation compilation) => Compilation = compilation;

    public Compilation Compilation { get; }

    /// <summary>Its types, and those of other assemblies that they reach.</summary>
    public SchemaSet Schemas { get; } = new();

    /// <summary>Keys of the types whose annotations are wrong: what they put on the wire is not known.</summary>
    public HashSet<string> Broken { get; } = new();

    /// <summary>The oldest release that is supported; null: every one.</summary>
    public string? Oldest { get; private set; }

    public CompatibilityDirection Direction { get; private set; } = CompatibilityDirection.Backward;

    /// <summary>Parses every type as the generator does.</summary>
    public static CurrentSchema Build(Compilation compilation, CancellationToken cancel)
    {
        var current = new CurrentSchema(compilation);
        foreach (INamedTypeSymbol type in States(compilation))
        {
            cancel.ThrowIfCancellationRequested();
            if (TypeParser.Parse(type, compilation, Silent.Instance, cancel) is TypeModel model)
                current.Add(model);
            else
                current.Broken.Add(WireNames.Key(type));
        }
        foreach (AttributeReader removed in AttributeReader.All(compilation.Assembly, "RemovedSection"))
        {
            if (removed.Argument(0) is string name && removed.Argument(1) is INamedTypeSymbol reader)
                current.Schemas.Add(new RemovedSectionSchema(name, WireNames.Key(reader.OriginalDefinition)));
        }
        if (AttributeReader.Find(compilation.Assembly, "VmStateSupport") is AttributeReader support)
        {
            current.Oldest = support.Text("Oldest");
            current.Direction = support.Number("Compatibility") switch
            {
                1 => CompatibilityDirection.Forward,
                2 => CompatibilityDirection.Full,
                _ => CompatibilityDirection.Backward,
            };
        }
        return current;
    }

    /// <summary>The type or enum of that key, if it is of this compilation.</summary>
    public INamedTypeSymbol? Find(string key) => Compilation.Assembly.GetTypeByMetadataName(key);

    /// <summary>Takes what is recorded of the types that are not known, so that nothing is said of them or because of them.</summary>
    public void FillIn(SchemaSet recorded)
    {
        foreach (string key in Broken)
        {
            if (recorded.Find(key) is StateSchema state)
                Schemas.Add(state);
        }
        // Enums that only they have.
        if (Broken.Count > 0)
        {
            foreach (EnumSchema value in recorded.Enums.Where(value => Schemas.FindEnum(value.Key) is null))
                Schemas.Add(value);
        }
    }

    private void Add(TypeModel model)
    {
        Schemas.Add(model.Schema);
        foreach (EnumSchema value in model.Enums)
            Schemas.Add(value);
        foreach (StateSchema external in model.ExternalSchemas.Where(external => Schemas.Add(external)))
            AddEnums(external);
    }

    /// <summary>The values of another assembly's enums stand in the attribute of the type that has a field of them.</summary>
    private void AddEnums(StateSchema external)
    {
        if (!external.Items.Any(item => item.Shape is WireShape.Scalar { Enum: not null }))
            return;
        foreach (INamedTypeSymbol type in Compilation.GetTypesByMetadataName(external.Key))
        {
            if (AttributeReader.Find(type, "VmStateSchema")?.Argument(0) is not string text)
                continue;
            try
            {
                foreach (EnumSchema value in SchemaParser.Parse(text).Enums)
                    Schemas.Add(value);
            }
            catch (SchemaException)
            {
                // The parser of types has reported it.
            }
        }
    }

    /// <summary>Every type of the compilation with [VmState].</summary>
    public static IEnumerable<INamedTypeSymbol> States(Compilation compilation)
    {
        var pending = new Stack<INamespaceOrTypeSymbol>();
        pending.Push(compilation.Assembly.GlobalNamespace);
        while (pending.Count > 0)
        {
            INamespaceOrTypeSymbol current = pending.Pop();
            if (current is INamedTypeSymbol type && TypeParser.IsState(type))
                yield return type;
            IEnumerable<INamespaceOrTypeSymbol> inner = current is INamespaceSymbol space ? space.GetMembers() : ((INamedTypeSymbol)current).GetTypeMembers();
            foreach (INamespaceOrTypeSymbol member in inner)
                pending.Push(member);
        }
    }

    private sealed class Silent : ProblemSink
    {
        public static readonly Silent Instance = new();

        public override bool WantsLocations => false;

        public override void Report(DefinitionRule rule, Location? location, params string[] arguments)
        {
        }
    }
}
