using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.CodeAnalysis;
using VmStateGen.Schema;

namespace VmStateGen.Parsing;

/// <summary>Reads the subsections of a type: flat ones from the type, nested ones from its members, removed ones from the type.</summary>
internal sealed class SubsectionParser(TypeParser parser)
{
    private readonly List<(int? Order, SubsectionSchema Schema, SubsectionModel Model, Location? Location)> found = new();

    public IReadOnlyList<SubsectionSchema> Flat => found.Where(entry => entry.Schema.Type is null).Select(entry => entry.Schema).ToList();

    /// <summary>The compiler has reported an argument of one of them.</summary>
    public bool HasBroken { get; private set; }

    public IEnumerable<SubsectionSchema> Schema => found.Select(entry => entry.Schema);

    public IEnumerable<SubsectionModel> Models => found.Select(entry => entry.Model);

    public List<RemovedSubsectionSchema> Removed { get; } = new();

    public List<string> RemovedTypes { get; } = new();

    public void Parse()
    {
        foreach (AttributeReader attribute in AttributeReader.All(parser.Type, "Subsection"))
            ParseFlat(attribute);
        foreach (ISymbol member in parser.Type.GetMembers().Where(member => member is IFieldSymbol or IPropertySymbol && !member.IsImplicitlyDeclared))
        {
            foreach (AttributeReader attribute in AttributeReader.All(member, "Subsection"))
                ParseNested(member, attribute);
        }
        foreach (AttributeReader attribute in AttributeReader.All(parser.Type, "RemovedSubsection"))
            ParseRemoved(attribute);
        CheckNames();
        CheckOrder();
        foreach ((_, SubsectionSchema schema, _, Location? location) in found)
            parser.SubsectionAt(schema, location);
    }

    /// <summary>A stream without the subsection must leave a known state behind.</summary>
    public void CheckResets(HookModel hooks)
    {
        if (hooks.BeforeLoad is not null)
            return;
        foreach ((_, SubsectionSchema schema, SubsectionModel model, Location? location) in found)
        {
            if (model.Absent is null && !model.ByNull && model.Present is null)
                parser.Report(DefinitionRule.SubsectionWithoutReset, location, schema.Name);
        }
    }

    private void ParseFlat(AttributeReader attribute)
    {
        if (IsBroken(attribute))
            return;
        string name = attribute.Argument(0) as string ?? "";
        (int version, int minimum) = parser.ReadVersions(attribute, name);
        SubsectionModel model = ReadConditions(attribute, new SubsectionModel());
        if (!HasCondition(attribute))
            parser.Report(DefinitionRule.SubsectionWithoutNeeded, attribute.Location, name);
        found.Add((attribute.Number("Order"), new SubsectionSchema
        {
            Name = name,
            Version = version,
            MinimumVersion = minimum,
            Needed = attribute.Text("Needed"),
            Present = attribute.Text("Present"),
        }, model, attribute.Location));
    }

    /// <summary>It says when it is written, even if what it names is missing.</summary>
    private static bool HasCondition(AttributeReader attribute) => attribute.Text("Needed") is not null || attribute.Text("Present") is not null;

    /// <summary>What the compiler has reported is not reported again; the type has nothing to generate.</summary>
    private bool IsBroken(AttributeReader attribute)
    {
        if (attribute.IsBroken)
        {
            HasBroken = true;
            parser.Fail();
        }
        return attribute.IsBroken;
    }

    private void ParseNested(ISymbol member, AttributeReader attribute)
    {
        ITypeSymbol memberType = member is IFieldSymbol field ? field.Type : ((IPropertySymbol)member).Type;
        if (IsBroken(attribute))
            return;
        if (StateTypes.IsUnknown(memberType))
        {
            parser.Fail();
            return;
        }
        string name = attribute.Argument(0) as string ?? parser.Name + "/" + WireName.Of(member.Name);
        if (memberType is not INamedTypeSymbol type || !TypeParser.IsState(type))
        {
            parser.Report(DefinitionRule.UnsupportedType, member, member.Name, memberType.ToDisplayString(),
                "a member of a [VmState] type, or a flat subsection: [Subsection] on the class and [Field(Subsection = …)]");
            return;
        }
        if (AttributeReader.Has(member, "Field") || AttributeReader.Has(member, "Ignore"))
            parser.Report(DefinitionRule.Conflict, member, member.Name, "[Subsection] and [Field] or [Ignore]");
        AttributeReader nested = AttributeReader.Find(type.OriginalDefinition, "VmState")!.Value;
        int version = nested.Number("Version") ?? 1;
        bool isReadOnly = ItemParser.IsReadOnly(member, parser);
        SubsectionModel model = ReadConditions(attribute, new SubsectionModel
        {
            Member = "this." + WireNames.Escaped(member.Name),
            Type = WireNames.Qualified(type.WithNullableAnnotation(NullableAnnotation.NotAnnotated)),
            IsStruct = type.IsValueType,
            IsProperty = member is IPropertySymbol,
            IsReadOnly = isReadOnly,
            SetsParent = parser.SetsParent(type),
            CanCreate = parser.CanCreate(type) && !isReadOnly,
        });
        bool byNull = !HasCondition(attribute) && type.IsReferenceType && memberType.NullableAnnotation != NullableAnnotation.NotAnnotated && !isReadOnly;
        if (isReadOnly && type.IsValueType)
            parser.Report(DefinitionRule.NotAssignable, member, member.Name);
        if (byNull && !model.CanCreate)
            parser.Report(DefinitionRule.NotAssignable, member, member.Name);
        found.Add((attribute.Number("Order"), new SubsectionSchema
        {
            Name = name,
            Type = parser.Reach(type),
            Version = version,
            MinimumVersion = nested.Number("MinimumVersion") ?? Math.Min(1, version),
            Needed = attribute.Text("Needed"),
            Present = attribute.Text("Present"),
            IsNullable = byNull,
        }, model with { ByNull = byNull }, attribute.Location));
        CheckInnerNames(type, nested, name, attribute.Location);
    }

    /// <summary>The nested type's own subsections are recognised by its name, which must then be the one on the wire (qemu-migration.md §2.6).</summary>
    private void CheckInnerNames(INamedTypeSymbol type, AttributeReader nested, string name, Location? location)
    {
        string ownName = nested.Argument(0) as string ?? WireName.Of(type.Name);
        bool hasSubsections = AttributeReader.Has(type, "Subsection")
            || type.GetMembers().Any(inner => AttributeReader.Has(inner, "Subsection"));
        if (hasSubsections && ownName != name)
            parser.Report(DefinitionRule.SubsectionPrefix, location, ownName + "/…", name);
    }

    private SubsectionModel ReadConditions(AttributeReader attribute, SubsectionModel model)
    {
        Predicate? needed = attribute.Text("Needed") is string name ? parser.PredicateOf(name, attribute.Location) : null;
        string? present = null;
        if (attribute.Text("Present") is string flag)
        {
            bool exists = parser.FindMember(flag, member => member switch
            {
                IFieldSymbol { Type.SpecialType: SpecialType.System_Boolean, IsStatic: false, IsReadOnly: false } => true,
                IPropertySymbol { Type.SpecialType: SpecialType.System_Boolean, IsStatic: false, SetMethod.IsInitOnly: false } => true,
                _ => false,
            }) is not null;
            if (!exists)
                parser.Report(DefinitionRule.MissingMember, attribute.Location, parser.Type.Name, flag, Signatures.Flag);
            present = "this." + WireNames.Escaped(flag);
        }
        string? absent = null;
        if (attribute.Text("Absent") is string method)
        {
            bool exists = parser.FindMember(method, member =>
                member is IMethodSymbol { ReturnsVoid: true, Parameters.Length: 0, IsStatic: false, Arity: 0, IsAsync: false }) is not null;
            if (!exists)
                parser.Report(DefinitionRule.MissingMember, attribute.Location, parser.Type.Name, method, Signatures.Hook);
            absent = WireNames.Escaped(method);
        }
        return model with { Needed = needed, Present = present, Absent = absent };
    }

    private void ParseRemoved(AttributeReader attribute)
    {
        if (IsBroken(attribute))
            return;
        string name = attribute.Argument(0) as string ?? "";
        if (attribute.Argument(1) is not INamedTypeSymbol type || !TypeParser.IsState(type) || !parser.CanCreate(type))
        {
            parser.Report(DefinitionRule.UnsupportedType, attribute.Location, name, (attribute.Argument(1) as ITypeSymbol)?.ToDisplayString() ?? "null",
                "a [VmState] type with a parameterless constructor");
            return;
        }
        Removed.Add(new RemovedSubsectionSchema(name, parser.Reach(type)));
        RemovedTypes.Add(WireNames.Qualified(type));
    }

    private void CheckNames()
    {
        var names = new HashSet<string>();
        foreach ((string name, Location? location) in found.Select(entry => (entry.Schema.Name, entry.Location))
            .Concat(Removed.Select(removed => (removed.Name, (Location?)null))))
        {
            if (!parser.CheckName(name, parser.Type.Name, location))
                continue;
            if (!name.StartsWith(parser.Name, StringComparison.Ordinal) || name.Length == parser.Name.Length)
                parser.Report(DefinitionRule.SubsectionPrefix, location, name, parser.Name);
            if (!names.Add(name))
                parser.Report(DefinitionRule.DuplicateSubsection, location, name, parser.Type.Name);
        }
    }

    private void CheckOrder()
    {
        int ordered = found.Count(entry => entry.Order is not null);
        if (ordered == 0)
            return;
        if (ordered < found.Count || found.Select(entry => entry.Order).Distinct().Count() < found.Count)
        {
            parser.Report(DefinitionRule.Order, found.First(entry => entry.Order is not null).Location, parser.Type.Name,
                "every subsection needs an Order of its own, or none has one");
        }
        found.Sort((left, right) => Nullable.Compare(left.Order, right.Order));
    }
}
