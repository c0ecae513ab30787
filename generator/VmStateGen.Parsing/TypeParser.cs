using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using VmStateGen.Schema;

namespace VmStateGen.Parsing;

/// <summary>Reads one annotated type. The only place where attributes become a model; whatever is wrong goes to the sink.</summary>
public sealed class TypeParser
{
    private readonly INamedTypeSymbol type;
    private readonly ProblemSink sink;
    private readonly CancellationToken cancel;
    private readonly Dictionary<string, StateSchema> external = new();
    private readonly Dictionary<string, EnumSchema> enums = new();
    private bool failed;

    private TypeParser(INamedTypeSymbol type, Compilation compilation, ProblemSink sink, CancellationToken cancel)
    {
        this.type = type;
        this.sink = sink;
        this.cancel = cancel;
        Compilation = compilation;
    }

    internal Compilation Compilation { get; }

    internal INamedTypeSymbol Type => type;

    internal int Version { get; private set; }

    internal int MinimumVersion { get; private set; }

    internal string Name { get; private set; } = "";

    /// <summary>The subsections that have no member of their own.</summary>
    internal IReadOnlyList<SubsectionSchema> FlatSubsections { get; private set; } = Array.Empty<SubsectionSchema>();

    /// <summary>A subsection of the type cannot be read: which ones it has is not known.</summary>
    internal bool HasBrokenSubsection { get; private set; }

    /// <summary>Whether the type is one of ours.</summary>
    public static bool IsState(ITypeSymbol type) => type.SpecialType == SpecialType.None && AttributeReader.Has(type.OriginalDefinition, "VmState");

    /// <summary>The model of a type with [VmState], or null if its annotations are wrong in a way that leaves nothing to generate.</summary>
    public static TypeModel? Parse(INamedTypeSymbol type, Compilation compilation, ProblemSink sink, CancellationToken cancel = default)
    {
        if (AttributeReader.Find(type, "VmState") is not AttributeReader attribute)
            return null;
        var parser = new TypeParser(type, compilation, sink, cancel);
        TypeModel model = parser.Parse(attribute);
        return parser.failed ? null : model;
    }

    private TypeModel Parse(AttributeReader attribute)
    {
        if (attribute.IsBroken)
            Fail();
        (Name, bool isSection) = ReadName(attribute);
        (Version, MinimumVersion) = ReadVersions(attribute, type.Name);
        CheckDeclaration(isSection);

        var subsections = new SubsectionParser(this);
        subsections.Parse();
        FlatSubsections = subsections.Flat;
        HasBrokenSubsection = subsections.HasBroken;
        var items = new ItemParser(this);
        items.Parse();
        HookModel hooks = new HookParser(this).Parse();
        subsections.CheckResets(hooks);

        var schema = new StateSchema
        {
            Key = WireNames.Key(type),
            Name = Name,
            IsSection = isSection,
            Version = Version,
            MinimumVersion = MinimumVersion,
            Priority = ReadPriority(attribute),
            Needed = attribute.Text("Needed"),
            EarlySetup = attribute.Flag("EarlySetup"),
            Unmigratable = attribute.Flag("Unmigratable"),
            Hooks = HookNames(hooks).ToEquatableArray(),
            Items = items.Schema.ToEquatableArray(),
            Subsections = subsections.Schema.ToEquatableArray(),
            RemovedSubsections = subsections.Removed.ToEquatableArray(),
        };
        ValidationModel[] validations = items.Validations.ToArray();
        return new TypeModel
        {
            Schema = schema,
            Items = items.Models.ToEquatableArray(),
            Subsections = subsections.Models.ToEquatableArray(),
            RemovedSubsectionTypes = subsections.RemovedTypes.ToEquatableArray(),
            Namespace = type.ContainingNamespace is { IsGlobalNamespace: false } space ? space.ToDisplayString() : "",
            Declarations = Declarations().ToEquatableArray(),
            HintName = HintName(schema.Key),
            IsStruct = type.IsValueType,
            HidesBase = type.BaseType is INamedTypeSymbol parent && HasStateBase(parent),
            Needed = attribute.Text("Needed") is string needed ? PredicateOf(needed, attribute.Location, takesVersion: false) : null,
            Hooks = hooks,
            Validations = validations.ToEquatableArray(),
            Parent = ParentMember(type) is ISymbol parentMember
                ? new ParentModel("this." + WireNames.Escaped(parentMember.Name), WireNames.Qualified(TypeOf(parentMember).WithNullableAnnotation(NullableAnnotation.NotAnnotated)))
                : null,
            Enums = enums.Values.ToEquatableArray(),
            ExternalSchemas = external.Values.OrderBy(value => value.Key, StringComparer.Ordinal).ToEquatableArray(),
            CanBeInRun = ParentMember(type) is null && hooks == new HookModel() && validations.Length == 0 && schema.Subsections.Count == 0
                && schema.RemovedSubsections.Count == 0 && items.CanBeInRun,
        };
    }

    /// <summary>Reports a problem; an error leaves nothing to generate.</summary>
    internal void Report(DefinitionRule rule, Location? location, params string[] arguments)
    {
        failed |= rule.IsError();
        sink.Report(rule, sink.WantsLocations ? location ?? type.Locations.FirstOrDefault() : null, arguments);
    }

    internal void Report(DefinitionRule rule, ISymbol symbol, params string[] arguments) =>
        Report(rule, sink.WantsLocations ? symbol.Locations.FirstOrDefault() : null, arguments);

    internal void ItemAt(WireItem item, Location? location)
    {
        if (sink.WantsLocations)
            sink.ItemAt(item, location);
    }

    internal void SubsectionAt(SubsectionSchema subsection, Location? location)
    {
        if (sink.WantsLocations)
            sink.SubsectionAt(subsection, location);
    }

    /// <summary>Leaves nothing to generate, where the compiler has said why.</summary>
    internal void Fail() => failed = true;

    internal CancellationToken Cancel => cancel;

    internal void ThrowIfCancelled() => cancel.ThrowIfCancellationRequested();

    /// <summary>Notes a type that the state reaches, so that its layout is known.</summary>
    /// <returns>Its key.</returns>
    internal string Reach(INamedTypeSymbol state)
    {
        state = state.OriginalDefinition;
        string key = WireNames.Key(state);
        if (!SymbolEqualityComparer.Default.Equals(state.ContainingAssembly, type.ContainingAssembly) && !external.ContainsKey(key)
            && AttributeReader.Find(state, "VmStateSchema")?.Argument(0) is string text)
        {
            if (ReadSchema(text, key, state) is StateSchema schema)
            {
                external.Add(key, schema);
                foreach (string inner in ReachedBy(schema))
                {
                    INamedTypeSymbol? reached = state.ContainingAssembly.GetTypeByMetadataName(inner) ?? Compilation.GetTypeByMetadataName(inner);
                    if (reached is not null)
                        Reach(reached);
                }
            }
        }
        return key;
    }

    private StateSchema? ReadSchema(string text, string key, INamedTypeSymbol state)
    {
        try
        {
            return SchemaParser.Parse(text).States.FirstOrDefault(schema => schema.Key == key);
        }
        catch (SchemaException e)
        {
            Report(DefinitionRule.UnsupportedType, type, type.Name, state.ToDisplayString(),
                $"an assembly {state.ContainingAssembly.Name} built with the same VmStateGen; its schema cannot be read ({e.Problem})");
            return null;
        }
    }

    internal string ReachEnum(INamedTypeSymbol enumType)
    {
        string key = WireNames.Key(enumType);
        if (!enums.ContainsKey(key) && StateTypes.Scalar(enumType.EnumUnderlyingType!) is ScalarKind underlying)
        {
            IEnumerable<EnumMember> members = enumType.GetMembers().OfType<IFieldSymbol>().Where(field => field.HasConstantValue)
                .Select(field => new EnumMember(field.Name, Convert.ToString(field.ConstantValue, System.Globalization.CultureInfo.InvariantCulture)!));
            enums.Add(key, new EnumSchema(key, underlying, members.ToEquatableArray()));
        }
        return key;
    }

    /// <summary>The predicate of that name: a method, a property or a field of the type or its bases.</summary>
    internal Predicate? PredicateOf(string name, Location? location, bool takesVersion = true)
    {
        ISymbol? member = FindMember(name, candidate => candidate switch
        {
            IMethodSymbol { ReturnType.SpecialType: SpecialType.System_Boolean, IsStatic: false, Arity: 0 } method =>
                method.Parameters.Length == 0
                || (takesVersion && method.Parameters.Length == 1 && IsVersion(method.Parameters[0])),
            IPropertySymbol { Type.SpecialType: SpecialType.System_Boolean, IsStatic: false, GetMethod: not null, IsIndexer: false } => true,
            IFieldSymbol { Type.SpecialType: SpecialType.System_Boolean, IsStatic: false } => true,
            _ => false,
        });
        if (member is null)
        {
            Report(DefinitionRule.MissingMember, location, type.Name, name, takesVersion ? Signatures.Predicate : Signatures.SectionPredicate);
            return null;
        }
        if (sink.WantsLocations)
            PredicateBody.Check(this, member, cancel);
        return new Predicate(WireNames.Escaped(name), member is IMethodSymbol, member is IMethodSymbol { Parameters.Length: 1 });
    }

    internal static bool IsVersion(IParameterSymbol parameter) =>
        parameter.Type.SpecialType == SpecialType.System_Int32 && parameter.RefKind == RefKind.None;

    /// <summary>An accessible member of the type or its bases that fits.</summary>
    internal ISymbol? FindMember(string name, Func<ISymbol, bool> fits)
    {
        for (INamedTypeSymbol? current = type; current is not null; current = current.BaseType)
        {
            foreach (ISymbol member in current.GetMembers(name))
            {
                if (fits(member) && Compilation.IsSymbolAccessibleWithin(member, type))
                    return member;
            }
        }
        return null;
    }

    /// <summary>Version and MinimumVersion of a type or a flat subsection, checked.</summary>
    internal (int Version, int Minimum) ReadVersions(AttributeReader attribute, string what)
    {
        int version = attribute.Number("Version") ?? 1;
        int minimum = attribute.Number("MinimumVersion") ?? Math.Min(1, version);
        if (version < 0)
            Report(DefinitionRule.VersionOutOfRange, attribute.Location, what, $"Version {version}", "0 and above");
        else if (minimum < 0 || minimum > version)
            Report(DefinitionRule.VersionOutOfRange, attribute.Location, what, $"MinimumVersion {minimum}", $"0 to Version {version}");
        return (version, minimum);
    }

    internal bool CheckName(string name, string what, Location? location)
    {
        if (WireNames.IsValid(name))
            return true;
        Report(DefinitionRule.BadName, location, what, name);
        return false;
    }

    /// <summary>Whether generated code of this type may write <c>new T()</c>.</summary>
    internal bool CanCreate(INamedTypeSymbol state) =>
        !state.IsAbstract && (state.IsValueType || state.InstanceConstructors.Any(constructor =>
            constructor.Parameters.Length == 0 && Compilation.IsSymbolAccessibleWithin(constructor, type)))
        && !HasRequiredMember(state);

    private static bool HasRequiredMember(INamedTypeSymbol state)
    {
        for (INamedTypeSymbol? current = state; current is not null; current = current.BaseType)
        {
            if (current.GetMembers().Any(member => member is IFieldSymbol { IsRequired: true } or IPropertySymbol { IsRequired: true }))
                return true;
        }
        return false;
    }

    /// <summary>The C# expression of a count: an integer field or property of the type or its bases.</summary>
    internal string CountOf(string name, Location? location)
    {
        bool exists = FindMember(name, candidate =>
            (candidate is IFieldSymbol { IsStatic: false } field && IsCount(field.Type))
            || (candidate is IPropertySymbol { IsStatic: false, GetMethod: not null } property && IsCount(property.Type))) is not null;
        if (!exists)
            Report(DefinitionRule.MissingMember, location, type.Name, name, Signatures.Count);
        return "this." + WireNames.Escaped(name);
    }

    /// <summary>Whether the nested state keeps its owner, and this type can be it.</summary>
    internal bool SetsParent(INamedTypeSymbol state)
    {
        // Of another assembly only the method that generated code added is to be seen.
        ITypeSymbol? owner = ParentMember(state.OriginalDefinition) is ISymbol member ? TypeOf(member)
            : state.GetMembers("SetVmStateParent").OfType<IMethodSymbol>().FirstOrDefault(method => method.Parameters.Length == 1)?.Parameters[0].Type;
        return owner is not null && type.IsReferenceType && (((CSharpCompilation)Compilation).ClassifyConversion(type, owner) is { IsImplicit: true, IsReference: true } or { IsIdentity: true });
    }

    private static bool IsCount(ITypeSymbol type) =>
        StateTypes.Scalar(type) is ScalarKind kind && kind is >= ScalarKind.U8 and <= ScalarKind.I64 && type.TypeKind != TypeKind.Enum;

    private static ISymbol? ParentMember(INamedTypeSymbol state) => state.GetMembers().FirstOrDefault(member => AttributeReader.Has(member, "Parent"));

    private static ITypeSymbol TypeOf(ISymbol member) => member is IFieldSymbol field ? field.Type : ((IPropertySymbol)member).Type;

    private static IEnumerable<string> ReachedBy(StateSchema schema)
    {
        foreach (WireItem item in schema.Items)
        {
            switch (item.Shape)
            {
                case WireShape.State state:
                    yield return state.Type;
                    break;
                case WireShape.List list:
                    yield return list.Type;
                    break;
                case WireShape.Tree tree:
                    yield return tree.KeyType;
                    yield return tree.Type;
                    break;
            }
            if (item.Via is not null)
                yield return item.Via;
        }
        foreach (SubsectionSchema subsection in schema.Subsections.Where(subsection => subsection.Type is not null))
            yield return subsection.Type!;
    }

    private static bool HasStateBase(INamedTypeSymbol parent)
    {
        for (INamedTypeSymbol? current = parent; current is not null; current = current.BaseType)
        {
            if (IsState(current))
                return true;
        }
        return false;
    }

    /// <summary>The hash keeps apart what differs only in case or in characters that a file name cannot have.</summary>
    private static string HintName(string key)
    {
        uint hash = 2166136261;
        foreach (char c in key)
            hash = unchecked((hash ^ c) * 16777619);
        string readable = new(key.Select(c => char.IsLetterOrDigit(c) || c == '.' ? c : '_').ToArray());
        return $"{readable}-{hash:x8}.g.cs";
    }

    private static IEnumerable<string> HookNames(HookModel hooks)
    {
        if (hooks.BeforeSave is not null)
            yield return "before-save";
        if (hooks.AfterSave is not null)
            yield return "after-save";
        if (hooks.BeforeLoad is not null)
            yield return "before-load";
        if (hooks.AfterLoad is not null)
            yield return "after-load";
    }

    private (string Name, bool IsSection) ReadName(AttributeReader attribute)
    {
        string? given = attribute.Argument(0) as string;
        string name = given ?? WireName.Of(type.Name);
        CheckName(name, type.Name, attribute.Location);
        return (name, given is not null && !attribute.Flag("Nested"));
    }

    private static string ReadPriority(AttributeReader attribute)
    {
        if (attribute.Constant("Priority") is not { Type: INamedTypeSymbol priority, Value: object value })
            return "default";
        string name = priority.GetMembers().OfType<IFieldSymbol>().FirstOrDefault(field => Equals(field.ConstantValue, value))?.Name ?? "Default";
        return WireName.Of(name).Replace('_', '-');
    }

    private void CheckDeclaration(bool isSection)
    {
        for (INamedTypeSymbol? current = type; current is not null; current = current.ContainingType)
        {
            bool isPartial = current.DeclaringSyntaxReferences.Select(reference => reference.GetSyntax(cancel)).OfType<TypeDeclarationSyntax>()
                .Any(declaration => declaration.Modifiers.Any(SyntaxKind.PartialKeyword));
            if (!isPartial)
                Report(DefinitionRule.NotPartial, current, current.Name, type.Name);
            if (current.IsFileLocal)
                Report(DefinitionRule.Inaccessible, current, current.Name);
        }
        if (isSection && type.IsAbstract)
            Report(DefinitionRule.AbstractSection, type, type.Name);
        if (type.IsRefLikeType)
            Report(DefinitionRule.UnsupportedType, type, type.Name, "ref struct", "a struct or a class");
    }

    private IEnumerable<string> Declarations()
    {
        var chain = new Stack<INamedTypeSymbol>();
        for (INamedTypeSymbol? current = type; current is not null; current = current.ContainingType)
            chain.Push(current);
        foreach (INamedTypeSymbol current in chain)
        {
            string keyword = (current.IsRecord, current.TypeKind) switch
            {
                (true, TypeKind.Struct) => "record struct",
                (true, _) => "record",
                (_, TypeKind.Struct) => "struct",
                (_, TypeKind.Interface) => "interface",
                _ => "class",
            };
            string parameters = current.TypeParameters.Length == 0 ? "" : "<" + string.Join(", ", current.TypeParameters.Select(parameter => parameter.Name)) + ">";
            yield return $"partial {keyword} {WireNames.Escaped(current.Name)}{parameters}";
        }
    }
}
