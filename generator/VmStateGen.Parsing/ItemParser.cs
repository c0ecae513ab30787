using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using VmStateGen.Schema;

namespace VmStateGen.Parsing;

/// <summary>Reads the wire items of a type: its base class, then its members in declaration order, each with the padding before it.</summary>
internal sealed class ItemParser(TypeParser parser)
{
    private readonly List<Entry> entries = new();
    private readonly List<(Predicate Predicate, string Reason, ISymbol Method)> validations = new();
    private readonly List<(ISymbol Member, Entry Last)> positions = new();
    private List<Entry> sorted = new();
    private bool canBeInRun = true;

    public List<WireItem> Schema { get; } = new();

    public List<ItemModel> Models { get; } = new();

    /// <summary>Every item can be part of the run of a parent, as far as this type alone tells.</summary>
    public bool CanBeInRun => canBeInRun;

    public IEnumerable<ValidationModel> Validations
    {
        get
        {
            foreach ((Predicate predicate, string reason, ISymbol method) in validations)
            {
                int index = positions.Where(place => place.Member.Locations[0].SourceSpan.Start < method.Locations[0].SourceSpan.Start
                    || place.Member.Locations[0].SourceTree != method.Locations[0].SourceTree).Select(place => sorted.IndexOf(place.Last) + 1).DefaultIfEmpty(0).Max();
                yield return new ValidationModel(predicate, reason, index);
            }
        }
    }

    /// <summary>Whether a load cannot assign the member.</summary>
    public static bool IsReadOnly(ISymbol member, TypeParser parser) => member switch
    {
        IFieldSymbol field => field.IsReadOnly,
        IPropertySymbol property => property.SetMethod is null || property.SetMethod.IsInitOnly
            || !parser.Compilation.IsSymbolAccessibleWithin(property.SetMethod, parser.Type),
        _ => true,
    };

    public void Parse()
    {
        ParseBase();
        foreach (ISymbol member in parser.Type.GetMembers())
        {
            parser.ThrowIfCancelled();
            ParseMember(member);
        }
        foreach (AttributeReader removed in AttributeReader.All(parser.Type, "Removed"))
        {
            if (!removed.Flag("AtEnd"))
                parser.Report(DefinitionRule.Conflict, removed.Location, parser.Type.Name, "[Removed] on a type without AtEnd = true");
            AddPadding(removed);
        }
        Arrange();
        CheckCounts();
        for (int i = 0; i < Schema.Count; i++)
            parser.ItemAt(Schema[i], sorted[i].Location);
    }

    private void ParseBase()
    {
        // A class between the two that has no state of its own changes nothing.
        INamedTypeSymbol? parent = parser.Type.BaseType;
        while (parent is not null && !TypeParser.IsState(parent))
        {
            CheckBase(parent);
            parent = parent.BaseType;
        }
        if (parent is null)
            return;
        string key = parser.Reach(parent);
        Add(null, null, new WireItem { Name = "parent_obj", Shape = new WireShape.State(key) },
            new ItemModel { Member = "base", Form = MemberForm.Base, Type = WireNames.Qualified(parent), TrailerName = "" });
    }

    /// <summary>Its fields can say nothing for themselves. Classes of libraries are what they are.</summary>
    private void CheckBase(INamedTypeSymbol parent)
    {
        IFieldSymbol? field = parent.DeclaringSyntaxReferences.IsEmpty ? null
            : parent.GetMembers().OfType<IFieldSymbol>().FirstOrDefault(field => !field.IsStatic && !field.IsConst);
        if (field is not null)
            parser.Report(DefinitionRule.BaseNotState, parser.Type, parser.Type.Name, parent.Name, (field.AssociatedSymbol ?? field).Name);
    }

    private void ParseMember(ISymbol member)
    {
        if (member is IMethodSymbol method && AttributeReader.Find(method, "Validate") is AttributeReader validate)
        {
            if (parser.PredicateOf(method.Name, method.Locations.FirstOrDefault()) is Predicate predicate)
                validations.Add((predicate, validate.Argument(0) as string ?? "", method));
            return;
        }
        if (member is IFieldSymbol { IsStatic: false, AssociatedSymbol: null, IsConst: false } field)
            CheckMarked(field, field.IsImplicitlyDeclared);
        else if (member is IPropertySymbol { IsStatic: false } property && IsAutoProperty(property))
            CheckMarked(property, property.IsImplicitlyDeclared);
        else if (member is IEventSymbol { IsStatic: false, IsAbstract: false } @event)
            CheckMarkedEvent(@event);

        if (member is IFieldSymbol { AssociatedSymbol: ISymbol owner } && (AttributeReader.Has(member, "Field") || AttributeReader.Has(member, "Subsection")))
            parser.Report(DefinitionRule.Conflict, owner, owner.Name, "[field: …] on a backing field; write the attribute without the target");
        if (member is not (IFieldSymbol { AssociatedSymbol: null } or IPropertySymbol))
            return;
        AttributeReader[] fields = AttributeReader.All(member, "Field").ToArray();
        CheckPlace(member, fields.Length > 0);
        foreach (AttributeReader removed in AttributeReader.All(member, "Removed"))
            AddPadding(removed);
        int first = entries.Count;
        foreach (AttributeReader attribute in fields)
            ParseField(member, attribute);
        foreach (Entry entry in entries.Skip(first))
            positions.Add((member, entry));
    }

    /// <summary>Whether the member is one that can carry its attributes.</summary>
    private void CheckPlace(ISymbol member, bool isField)
    {
        bool isSubsection = AttributeReader.Has(member, "Subsection");
        if (isField && AttributeReader.Has(member, "Ignore"))
            parser.Report(DefinitionRule.Conflict, member, member.Name, "[Field] and [Ignore]");
        if (!isField && !isSubsection)
        {
            if (AttributeReader.Has(member, "Removed"))
                parser.Report(DefinitionRule.Conflict, member, member.Name, "[Removed] on a member that is not on the wire; put it on the [Field] that follows the padding");
            return;
        }
        if (member.IsStatic)
            parser.Report(DefinitionRule.Conflict, member, member.Name, "[Field] or [Subsection] on a static member");
        else if (member is IPropertySymbol { IsIndexer: true } or IPropertySymbol { ExplicitInterfaceImplementations.Length: > 0 } or IPropertySymbol { GetMethod: null })
            parser.Report(DefinitionRule.Conflict, member, member.Name, "[Field] or [Subsection] on a property that generated code cannot read: an indexer, an explicit implementation or one without a getter");
    }

    private void CheckMarked(ISymbol member, bool isImplicit)
    {
        bool isMarked = AttributeReader.Has(member, "Field") || AttributeReader.Has(member, "Subsection")
            || AttributeReader.Has(member, "Ignore") || AttributeReader.Has(member, "Parent")
            || (member is IPropertySymbol && parser.Type.GetMembers().OfType<IFieldSymbol>()
                .Any(field => SymbolEqualityComparer.Default.Equals(field.AssociatedSymbol, member) && AttributeReader.Has(field, "Ignore")));
        if (!isMarked && !isImplicit)
            parser.Report(DefinitionRule.UnmarkedField, member, member.Name, parser.Type.Name);
    }

    /// <summary>The compiler shows no field behind an event, nor what [field: …] puts on it: both are read from the declaration.</summary>
    private void CheckMarkedEvent(IEventSymbol @event)
    {
        EventFieldDeclarationSyntax? declaration = @event.DeclaringSyntaxReferences.Select(reference => reference.GetSyntax(parser.Cancel)
            .FirstAncestorOrSelf<EventFieldDeclarationSyntax>()).FirstOrDefault();
        bool isMarked = declaration is null || AttributeReader.Has(@event, "Ignore")
            || declaration.AttributeLists.Where(list => list.Target?.Identifier.ValueText == "field").SelectMany(list => list.Attributes)
                .Any(attribute => attribute.Name.ToString() is string name && (name.EndsWith("Ignore", StringComparison.Ordinal) || name.EndsWith("IgnoreAttribute", StringComparison.Ordinal)));
        if (!isMarked)
            parser.Report(DefinitionRule.UnmarkedField, @event, @event.Name, parser.Type.Name);
    }

    private bool IsAutoProperty(IPropertySymbol property) => parser.Type.GetMembers().OfType<IFieldSymbol>()
        .Any(field => SymbolEqualityComparer.Default.Equals(field.AssociatedSymbol, property));

    private void AddPadding(AttributeReader removed)
    {
        if (removed.IsBroken)
        {
            parser.Fail();
            return;
        }
        string name = removed.Argument(0) as string ?? "";
        int size = removed.Argument(1) is int value ? value : 0;
        parser.CheckName(name, parser.Type.Name, removed.Location);
        if (size < 1)
            parser.Report(DefinitionRule.BadExtent, removed.Location, name, $"size {size}");
        string? count = removed.Text("CountFrom") is string source ? parser.CountOf(source, removed.Location) : null;
        int? max = removed.Number("Max") is int most and >= 0 ? most : null;
        if (count is not null && max is null)
            parser.Report(DefinitionRule.MissingMax, removed.Location, name);
        (WireItem item, Predicate? when) = ReadConditions(removed, new WireItem { Name = name, Shape = new WireShape.Padding(size), Max = max }, name);
        canBeInRun &= count is null && when is null;
        Add(removed.Number("Order"), removed.Location, item,
            new ItemModel { Member = "", Count = count, When = when, TrailerType = "unused_buffer", TrailerName = "unused" });
    }

    private void ParseField(ISymbol member, AttributeReader attribute)
    {
        if (attribute.IsBroken)
        {
            parser.Fail();
            return;
        }
        string name = attribute.Argument(0) as string ?? WireName.Of(member.Name);
        parser.CheckName(name, member.Name, attribute.Location);
        var shape = new ShapeParser(parser, member, attribute, IsReadOnly(member, parser));
        if (shape.Parse() is not (WireItem item, ItemModel model))
            return;
        (item, Predicate? when) = ReadConditions(attribute, item with { Name = name }, name);
        string? defaultValue = attribute.Constant("Default") is TypedConstant { IsNull: false } constant ? ReadDefault(member, item, model, constant, attribute) : null;
        item = item with { Default = defaultValue is null ? null : DefaultValues.SchemaText(attribute.Constant("Default")!.Value.Value!) };
        canBeInRun &= shape.CanBeInRun && item.When is null && defaultValue is null;
        Add(attribute.Number("Order"), attribute.Location ?? member.Locations.FirstOrDefault(), item, model with { When = when, Default = defaultValue });
    }

    private string? ReadDefault(ISymbol member, WireItem item, ItemModel model, TypedConstant constant, AttributeReader attribute)
    {
        if (model.Form == MemberForm.Value && item.Shape is WireShape.Scalar scalar && item.When is null && model.Codec is null
            && constant.Kind is TypedConstantKind.Primitive or TypedConstantKind.Enum
            && DefaultValues.Literal(model.Natural ?? scalar.Kind, constant.Value!) is string literal)
        {
            if (model.IsReadOnly)
                parser.Report(DefinitionRule.NotAssignable, attribute.Location, member.Name);
            return $"unchecked(({model.Type})({literal}))";
        }
        parser.Report(DefinitionRule.Conflict, attribute.Location, member.Name, "Default on something other than one versioned number, bool or enum, or of a value that the member cannot hold");
        return null;
    }

    /// <summary>Version, Until, When and Subsection, which fields and padding share.</summary>
    private (WireItem Item, Predicate? When) ReadConditions(AttributeReader attribute, WireItem item, string what)
    {
        string? subsection = attribute.Text("Subsection");
        int version = parser.Version;
        int minimum = parser.MinimumVersion;
        if (subsection is not null)
        {
            SubsectionSchema? flat = parser.FlatSubsections.FirstOrDefault(candidate => candidate.Name == subsection);
            if (flat is null && !parser.HasBrokenSubsection)
                parser.Report(DefinitionRule.UnknownSubsection, attribute.Location, what, subsection);
            version = flat?.Version ?? version;
            minimum = flat?.MinimumVersion ?? minimum;
        }
        int since = attribute.Number("Version") ?? 0;
        int? until = attribute.Number("Until") is int last and not -1 ? last : null;
        string? when = attribute.Text("When");
        if (when is not null && (since != 0 || until is not null))
            parser.Report(DefinitionRule.Conflict, attribute.Location, what, "When beside Version or Until: the predicate alone decides, and gets the version");
        if (since < 0 || since > version)
            parser.Report(DefinitionRule.VersionOutOfRange, attribute.Location, what, $"Version {since}", $"1 to {version}, the version of its state");
        else if (since > 0 && since <= minimum)
            parser.Report(DefinitionRule.DeadCondition, attribute.Location, what, $"Version {since}", minimum.ToString(System.Globalization.CultureInfo.InvariantCulture));
        if (until < minimum || until < since)
            parser.Report(DefinitionRule.VersionOutOfRange, attribute.Location, what, $"Until {until}", $"{Math.Max(minimum, since)} and above");
        return (item with { Since = since, Until = until, When = when, Subsection = subsection },
            when is null ? null : parser.PredicateOf(when, attribute.Location));
    }

    private void Add(int? order, Location? location, WireItem item, ItemModel model) => entries.Add(new Entry(order, location, item, model));

    /// <summary>Sorts by Order where it is given, numbers the items, and makes their trailer names unique within each body.</summary>
    private void Arrange()
    {
        int ordered = entries.Count(entry => entry.Order is not null);
        List<Entry> own = entries.Where(entry => entry.Model.Form != MemberForm.Base).ToList();
        if (ordered > 0)
        {
            if (ordered < own.Count)
                parser.Report(DefinitionRule.Order, own.First(entry => entry.Order is null).Location, parser.Type.Name, "every item needs an Order, or none has one");
            foreach (IGrouping<int?, Entry> twins in own.Where(entry => entry.Order is not null).GroupBy(entry => entry.Order).Where(group => group.Count() > 1))
                parser.Report(DefinitionRule.Order, twins.Last().Location, parser.Type.Name, $"two items have Order {twins.Key}");
        }
        else if (own.Select(entry => entry.Location?.SourceTree?.FilePath).Concat(new[] { own.FirstOrDefault()?.Location?.SourceTree?.FilePath }).Distinct().Count() > 1
            || DeclaringParts(own) > 1)
        {
            parser.Report(DefinitionRule.Order, own[0].Location, parser.Type.Name, "its items stand in several partial declarations, whose order is not fixed: give each an Order");
        }
        sorted = entries.OrderBy(entry => entry.Model.Form == MemberForm.Base ? int.MinValue : entry.Order ?? 0).ToList();
        var names = new string[sorted.Count];
        foreach (IGrouping<string?, int> body in Enumerable.Range(0, sorted.Count).GroupBy(index => sorted[index].Item.Subsection))
        {
            IReadOnlyList<string> unique = WireNames.Unique(body.Select(index => sorted[index].Model.Form == MemberForm.None ? "unused" : sorted[index].Item.Name).ToList());
            int place = 0;
            foreach (int index in body)
                names[index] = unique[place++];
        }
        for (int i = 0; i < sorted.Count; i++)
        {
            Schema.Add(sorted[i].Item with { Number = new ItemNumber(i) });
            Models.Add(sorted[i].Model with { TrailerName = names[i] });
        }
    }

    private int DeclaringParts(List<Entry> own) => parser.Type.DeclaringSyntaxReferences
        .Count(part => own.Any(entry => entry.Location is Location location && location.SourceTree == part.SyntaxTree && part.Span.Contains(location.SourceSpan)));

    /// <summary>Counts by wire name, and loaded before what they count.</summary>
    private void CheckCounts()
    {
        for (int i = 0; i < Schema.Count; i++)
        {
            if (Models[i].Count is not string count)
                continue;
            int source = Models.FindIndex(model => model.Member == count && model.Form == MemberForm.Value);
            if (source > i)
                parser.Report(DefinitionRule.CountAfterUse, entries.First(entry => ReferenceEquals(entry.Item.Shape, Schema[i].Shape)).Location, Schema[source].Name, Schema[i].Name);
            string name = source >= 0 ? Schema[source].Name : "@" + count.Substring("this.".Length).TrimStart('@');
            Schema[i] = Schema[i] with { Count = name };
        }
    }

    private sealed record Entry(int? Order, Location? Location, WireItem Item, ItemModel Model);
}
