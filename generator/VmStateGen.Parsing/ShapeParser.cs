using System.Linq;
using Microsoft.CodeAnalysis;
using VmStateGen.Schema;

namespace VmStateGen.Parsing;

/// <summary>What one [Field] puts on the wire, from the member's type and the attribute.</summary>
internal sealed partial class ShapeParser(TypeParser parser, ISymbol member, AttributeReader attribute, bool isReadOnly)
{
    private const int BitmapWireType = 12;

    private readonly ITypeSymbol type = member is IFieldSymbol field ? field.Type : ((IPropertySymbol)member).Type;
    private int? length = attribute.Number("Length");

    /// <summary>The item can fail in no way of its own: it may be part of a parent's run.</summary>
    public bool CanBeInRun { get; private set; } = true;

    private string Member => "this." + WireNames.Escaped(member.Name);

    private Location? Location => attribute.Location ?? member.Locations.FirstOrDefault();

    /// <summary>The item without its name and conditions; null if the problem was reported.</summary>
    public (WireItem Item, ItemModel Model)? Parse()
    {
        if (StateTypes.IsUnknown(type))
        {
            parser.Fail();
            return null;
        }
        if (Unsupported() is (string what, string advice))
        {
            parser.Report(DefinitionRule.UnsupportedType, Location, member.Name, what, advice);
            return null;
        }
        CheckExtent();
        (WireItem Item, ItemModel Model)? parsed = attribute.Type("Codec") is INamedTypeSymbol codec ? Codec(codec)
            : attribute.Type("Via") is INamedTypeSymbol companion ? Companion(companion)
            : Collection() ?? Natural();
        if (parsed is not (WireItem item, ItemModel model))
            return null;
        if (attribute.Number("ElementVersion") is not (null or -1) && item.Shape is not (WireShape.List or WireShape.Tree))
            parser.Report(DefinitionRule.Conflict, Location, member.Name, "ElementVersion on something that is no list or tree");
        if (attribute.Text("Marker") is not null && item.Shape is not WireShape.List)
            parser.Report(DefinitionRule.Conflict, Location, member.Name, "Marker on something that is no list");
        if (attribute.Text("TypeName") is string typeName)
            model = IsState(item) ? model with { OpaqueType = typeName } : model with { TrailerType = typeName };
        if (attribute.Number("StructVersion") is int structVersion and not -1)
            item = item with { StructVersion = CheckStructVersion(item, structVersion) };
        return ReadCount(item, model);
    }

    /// <summary>What annotations can say, but generated code cannot do yet.</summary>
    private (string What, string Advice)? Unsupported()
    {
        if (member is IFieldSymbol { IsFixedSizeBuffer: true } buffer)
            return ("a fixed buffer", $"an [InlineArray({buffer.FixedSize})] struct: fixed buffers need unsafe code");
        return null;
    }

    private void CheckExtent()
    {
        int? element = attribute.Number("Element");
        int start = attribute.Number("Start") ?? 0;
        if (length is -1)
            length = null;
        if (length < 1)
            parser.Report(DefinitionRule.BadExtent, Location, member.Name, $"Length {length}");
        if (start < 0 || (start > 0 && length is null && attribute.Text("CountFrom") is null))
            parser.Report(DefinitionRule.BadExtent, Location, member.Name, $"Start {start} without a Length");
        if (element is < -1 || (element >= 0 && (length is not null || start > 0 || attribute.Text("CountFrom") is not null)))
            parser.Report(DefinitionRule.BadExtent, Location, member.Name, $"Element {element} beside Start, Length or CountFrom");
        if (attribute.Text("CountFrom") is not null && length is not null)
            parser.Report(DefinitionRule.BadExtent, Location, member.Name, "Length beside CountFrom");
    }

    private (WireItem Item, ItemModel Model)? Codec(INamedTypeSymbol codec)
    {
        CanBeInRun = false;
        if (new[] { "As", "Expect", "Length", "Start", "Element", "CountFrom", "Max", "StructVersion" }.FirstOrDefault(name => attribute.Constant(name) is not null) is string other)
            parser.Report(DefinitionRule.Conflict, Location, member.Name, $"{other} beside a Codec, which alone decides what is on the wire");
        bool implements = codec.AllInterfaces.Any(candidate => candidate.Name == "IVmStateCodec"
            && candidate.TypeArguments.Length == 1 && SymbolEqualityComparer.Default.Equals(candidate.TypeArguments[0], type));
        if (!implements || AttributeReader.Find(codec, "VmStateCodec") is not AttributeReader facts || isReadOnly)
        {
            if (isReadOnly)
                parser.Report(DefinitionRule.NotAssignable, Location, member.Name);
            else
                parser.Report(DefinitionRule.MissingMember, Location, member.Name, codec.Name, $"[VmStateCodec] and IVmStateCodec<{type.ToDisplayString()}>");
            return null;
        }
        int size = facts.Argument(1) is int value ? value : 0;
        bool isVariable = facts.Flag("IsVariable");
        return (
            new WireItem
            {
                Name = "",
                Shape = new WireShape.Bytes(isVariable ? ArrayExtent.Counted : ArrayExtent.Of(size)),
                Max = isVariable ? size : null,
                Codec = WireNames.Key(codec),
                CodecVersion = facts.Number("Version") ?? 1,
            },
            Model(MemberForm.Value, type) with { Codec = WireNames.Qualified(codec), TrailerType = facts.Argument(0) as string ?? "" });
    }

    private (WireItem Item, ItemModel Model)? Natural()
    {
        if (failedCollection)
            return null;
        if (type is IArrayTypeSymbol { Rank: 1 } array)
            return Elements(array.ElementType, MemberForm.Array, MemberForm.ArrayElement, null);
        if (type is IArrayTypeSymbol { Rank: 2 } matrix)
            return Matrix(matrix.ElementType);
        if (type is INamedTypeSymbol { Name: "Memory", Arity: 1, ContainingNamespace.Name: "System" } memory)
            return Elements(memory.TypeArguments[0], MemberForm.Memory, MemberForm.Memory, null);
        if (StateTypes.InlineLength(type) is int inline && StateTypes.InlineElement(type) is ITypeSymbol inlineElement)
        {
            if (member is IPropertySymbol)
                parser.Report(DefinitionRule.UnsupportedType, Location, member.Name, "a property that is an inline array", "a field");
            return Elements(inlineElement, MemberForm.InlineArray, MemberForm.InlineArrayElement, inline);
        }
        if (length is not null || attribute.Number("Element") is >= 0)
        {
            parser.Report(DefinitionRule.BadExtent, Location, member.Name, "Length or Element on something that is no array");
            return null;
        }
        return Value(type, MemberForm.Value, null);
    }

    private (WireItem Item, ItemModel Model)? Elements(ITypeSymbol elementType, MemberForm whole, MemberForm single, int? natural)
    {
        if (attribute.Number("Element") is int element and >= 0)
        {
            if (element >= natural)
                parser.Report(DefinitionRule.BadExtent, Location, member.Name, $"Element {element} of {natural}");
            (WireItem Item, ItemModel Model)? one = Value(elementType, single, null);
            return one is (WireItem item, ItemModel model) ? (item with { Element = element }, model with { Start = element }) : null;
        }
        int start = attribute.Number("Start") ?? 0;
        if (start == 0 && length is null && attribute.Text("CountFrom") is null)
            length = natural;
        if (length is null && attribute.Text("CountFrom") is null)
        {
            parser.Report(DefinitionRule.BadExtent, Location, member.Name, "an array without Length or CountFrom");
            return null;
        }
        if (start + (long?)length > natural)
            parser.Report(DefinitionRule.BadExtent, Location, member.Name, $"Start {start} and Length {length} of {natural} elements");
        ArrayExtent extent = length is int fixedLength ? ArrayExtent.Of(fixedLength) : ArrayExtent.Counted;
        (WireItem Item, ItemModel Model)? all = Value(elementType, whole, extent);
        bool isRange = start > 0 || (natural is not null && length != natural);
        return all is (WireItem array, ItemModel arrayModel)
            ? (array with { RangeStart = isRange && length is not null ? start : null }, arrayModel with { Start = start })
            : null;
    }

    private (WireItem Item, ItemModel Model)? Value(ITypeSymbol element, MemberForm form, ArrayExtent? extent)
    {
        if (element is INamedTypeSymbol state && TypeParser.IsState(state))
            return WithNulls(State(state, form, extent), element);
        if (NullMarking(element, form) is NullMarking && element is INamedTypeSymbol { OriginalDefinition.SpecialType: SpecialType.System_Nullable_T } nullable)
            return WithNulls(Value(nullable.TypeArguments[0], form, extent), element);
        if (StateTypes.Scalar(element) is not ScalarKind natural)
        {
            parser.Report(DefinitionRule.UnsupportedType, Location, member.Name, type.ToDisplayString(), StateTypes.Advice(extent is null ? type : element));
            return null;
        }
        if (natural == ScalarKind.Fd && form != MemberForm.Value)
        {
            parser.Report(DefinitionRule.UnsupportedType, Location, member.Name, type.ToDisplayString(), "a member for each file: each goes beside a byte of its own");
            return null;
        }
        CanBeInRun &= natural != ScalarKind.Fd;
        int asValue = attribute.Number("As") ?? 0;
        ScalarKind kind = StateTypes.FromWireType(asValue) ?? natural;
        Expectation expect = (Expectation)(attribute.Number("Expect") ?? 0);
        if (kind != natural)
        {
            CanBeInRun = false;
            if (extent is not null || !StateTypes.IsInteger(kind) || !StateTypes.IsInteger(natural))
                parser.Report(DefinitionRule.Conflict, Location, member.Name, $"{element.ToDisplayString()} As {kind}: only single integers and booleans can be wider or narrower");
        }
        if (expect != Expectation.None)
        {
            CanBeInRun = false;
            if (extent is not null || !StateTypes.IsInteger(kind) || kind == ScalarKind.Bool || natural == ScalarKind.Bool)
                parser.Report(DefinitionRule.Conflict, Location, member.Name, "Expect on something other than one integer");
        }
        bool isReferenceArray = form is MemberForm.Array or MemberForm.ArrayElement or MemberForm.Array2D or MemberForm.Memory;
        CanBeInRun &= !isReferenceArray;
        // What must equal the local value is compared, never assigned.
        if (isReadOnly && !isReferenceArray && expect != Expectation.Equal)
        {
            parser.Report(DefinitionRule.NotAssignable, Location, member.Name);
            return null;
        }
        bool isBuffer = extent is not null && natural == ScalarKind.U8 && asValue == 0 && element.TypeKind != TypeKind.Enum;
        string? enumKey = element is INamedTypeSymbol { TypeKind: TypeKind.Enum } enumType && kind == natural ? parser.ReachEnum(enumType) : null;
        WireShape shape = isBuffer ? new WireShape.Bytes(extent!) : new WireShape.Scalar(kind, enumKey, extent);
        return (
            new WireItem { Name = "", Shape = shape, Expect = expect },
            Model(form, element) with
            {
                Natural = kind == natural ? null : natural,
                TrailerType = isBuffer ? "buffer" : kind.TrailerName(expect),
                EnumUnderlying = element is INamedTypeSymbol { EnumUnderlyingType: INamedTypeSymbol underlying } ? underlying.ToDisplayString() : null,
            });
    }

    private (WireItem Item, ItemModel Model)? State(INamedTypeSymbol state, MemberForm form, ArrayExtent? extent)
    {
        bool isStruct = state.IsValueType;
        if (isReadOnly && isStruct && form is not (MemberForm.Array or MemberForm.ArrayElement or MemberForm.Array2D or MemberForm.Memory))
        {
            parser.Report(DefinitionRule.NotAssignable, Location, member.Name);
            return null;
        }
        if (attribute.Number("As") is not (null or 0) || attribute.Number("Expect") is not (null or 0))
            parser.Report(DefinitionRule.Conflict, Location, member.Name, "As or Expect on nested state");
        if (StateTypes.Contains(state, parser.Type))
        {
            parser.Report(DefinitionRule.UnsupportedType, Location, member.Name, state.ToDisplayString(), "a subsection, or an index: a state that contains itself never ends");
            return null;
        }
        string key = parser.Reach(state);
        // A class may be null and an array may be short: what can fail needs a path of its own.
        CanBeInRun &= isStruct && form is not (MemberForm.Array or MemberForm.ArrayElement or MemberForm.Array2D or MemberForm.Memory);
        return (
            new WireItem { Name = "", Shape = new WireShape.State(key, extent) },
            Model(form, state.WithNullableAnnotation(NullableAnnotation.NotAnnotated)) with
            {
                TrailerType = "struct",
                IsStructState = isStruct,
                SetsParent = parser.SetsParent(state),
                CanCreate = !isStruct && parser.CanCreate(state) && (!isReadOnly || form is MemberForm.Array or MemberForm.ArrayElement),
            });
    }

    private int CheckStructVersion(WireItem item, int version)
    {
        ITypeSymbol element = type is IArrayTypeSymbol array ? array.ElementType
            : StateTypes.InlineLength(type) is null ? type : StateTypes.InlineElement(type) ?? type;
        if (item.Shape is not WireShape.State || AttributeReader.Find(element.OriginalDefinition, "VmState") is not AttributeReader state)
        {
            parser.Report(DefinitionRule.Conflict, Location, member.Name, "StructVersion on something that is no nested state");
            return version;
        }
        int highest = state.Number("Version") ?? 1;
        int lowest = state.Number("MinimumVersion") ?? System.Math.Min(1, highest);
        if (version < lowest || version > highest)
            parser.Report(DefinitionRule.VersionOutOfRange, Location, member.Name, $"StructVersion {version}", $"{lowest} to {highest}, the versions of {element.Name}");
        return version;
    }

    private (WireItem Item, ItemModel Model)? ReadCount(WireItem item, ItemModel model)
    {
        if (attribute.Text("CountFrom") is not string count)
        {
            if (attribute.Number("Max") is not (null or -1) && item.Max is null)
                parser.Report(DefinitionRule.BadExtent, Location, member.Name, "Max on something that is not counted");
            return (item, model);
        }
        CanBeInRun = false;
        if (model.Form is not (MemberForm.Array or MemberForm.Memory or MemberForm.Bits))
        {
            parser.Report(DefinitionRule.BadExtent, Location, member.Name, "CountFrom on something that is no array");
            return null;
        }
        string expression = parser.CountOf(count, Location);
        if (attribute.Number("Max") is not int max || max < 0)
        {
            parser.Report(DefinitionRule.MissingMax, Location, member.Name);
            return null;
        }
        return (item with { Max = max }, model with { Count = expression });
    }

    /// <summary>Whether a trailer would show the fields of what the item is made of.</summary>
    private static bool IsState(WireItem item) => item.Shape is WireShape.State or WireShape.List or WireShape.Tree;

    private ItemModel Model(MemberForm form, ITypeSymbol element) => new()
    {
        Member = Member,
        Form = form,
        Type = WireNames.Qualified(element),
        IsReadOnly = isReadOnly,
        IsProperty = member is IPropertySymbol,
        TrailerName = "",
    };
}
