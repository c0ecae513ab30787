using System.Linq;
using Microsoft.CodeAnalysis;
using VmStateGen.Schema;

namespace VmStateGen.Parsing;

/// <summary>Lists, trees, strings, bitmaps, blobs, companions, and what may be null in an array.</summary>
internal sealed partial class ShapeParser
{
    private bool failedCollection;

    private bool IsBitArray => type is INamedTypeSymbol { Name: "BitArray", ContainingNamespace: { Name: "Collections", ContainingNamespace: { Name: "System", ContainingNamespace.IsGlobalNamespace: true } } };

    /// <summary>The item, if the member is a collection or a string; null if it is not, or was reported.</summary>
    private (WireItem Item, ItemModel Model)? Collection()
    {
        if (attribute.Number("As") == BitmapWireType || IsBitArray)
            return Found(Bitmap());
        if (type.SpecialType == SpecialType.System_String)
            return Found(Text());
        if (type is IArrayTypeSymbol { Rank: 1, ElementType.SpecialType: SpecialType.System_Byte } && length is null
            && attribute.Text("CountFrom") is null && attribute.Number("Element") is null or -1 && attribute.Number("Max") is not null)
        {
            return Found(Blob());
        }
        if (type is not INamedTypeSymbol { IsGenericType: true, ContainingNamespace: { Name: "Generic", ContainingNamespace.Name: "Collections" } } generic)
            return null;
        return generic.Name switch
        {
            "List" => Found(List(generic, MemberForm.List)),
            "LinkedList" => Found(List(generic, MemberForm.LinkedList)),
            "SortedList" => Found(Tree(generic, MemberForm.SortedList)),
            "SortedDictionary" => Found(Tree(generic, MemberForm.SortedDictionary)),
            _ => null,
        };
    }

    private (WireItem Item, ItemModel Model)? Found((WireItem Item, ItemModel Model)? result)
    {
        CanBeInRun = false;
        failedCollection = result is null;
        if (attribute.Number("Expect") is not (null or 0) || attribute.Number("StructVersion") is not (null or -1))
            parser.Report(DefinitionRule.Conflict, Location, member.Name, "Expect or StructVersion on a collection or string");
        return result;
    }

    private (WireItem Item, ItemModel Model)? Bitmap()
    {
        bool isBits = IsBitArray;
        if (!isBits && type is not IArrayTypeSymbol { Rank: 1, ElementType.SpecialType: SpecialType.System_UInt64 })
        {
            parser.Report(DefinitionRule.UnsupportedType, Location, member.Name, "a bitmap in " + type.ToDisplayString(), "ulong[] or BitArray");
            return null;
        }
        if (length is null && attribute.Text("CountFrom") is null)
        {
            parser.Report(DefinitionRule.BadExtent, Location, member.Name, "a bitmap without Length (in bits) or CountFrom");
            return null;
        }
        if ((attribute.Number("Start") ?? 0) != 0 || attribute.Number("Element") is >= 0)
            parser.Report(DefinitionRule.BadExtent, Location, member.Name, "Start or Element of a bitmap");
        ArrayExtent extent = length is int bits ? ArrayExtent.Of(bits) : ArrayExtent.Counted;
        return (new WireItem { Name = "", Shape = new WireShape.Bitmap(extent) },
            Model(isBits ? MemberForm.Bits : MemberForm.Array, isBits ? type : ((IArrayTypeSymbol)type).ElementType) with { TrailerType = "bitmap" });
    }

    private (WireItem Item, ItemModel Model)? Text()
    {
        if (RequiredMax() is not int max || !RequireAssignable())
            return null;
        return (new WireItem { Name = "", Shape = new WireShape.Text(), Max = max }, Model(MemberForm.Text, type) with { TrailerType = "string" });
    }

    private (WireItem Item, ItemModel Model)? Blob()
    {
        if (RequiredMax() is not int max || !RequireAssignable())
            return null;
        return (new WireItem { Name = "", Shape = new WireShape.Bytes(ArrayExtent.Counted), Max = max },
            Model(MemberForm.Blob, ((IArrayTypeSymbol)type).ElementType) with { TrailerType = "GByteArray" });
    }

    private (WireItem Item, ItemModel Model)? List(INamedTypeSymbol list, MemberForm form)
    {
        if (Element(list.TypeArguments[0]) is not INamedTypeSymbol element || RequiredMax() is not int max)
            return null;
        return (new WireItem { Name = "", Shape = new WireShape.List(parser.Reach(element)), Max = max, ElementVersion = ElementVersion(element), Marker = attribute.Text("Marker") },
            ElementModel(form, element) with { TrailerType = form == MemberForm.List ? "qlist" : "qtailq", Marker = Marker(element) });
    }

    /// <summary>The byte member of the elements that stands before each of them, if one is named.</summary>
    private string? Marker(INamedTypeSymbol element)
    {
        if (attribute.Text("Marker") is not string name)
            return null;
        bool exists = element.GetMembers(name).Any(candidate => !candidate.IsStatic && parser.Compilation.IsSymbolAccessibleWithin(candidate, parser.Type)
            && !ItemParser.IsReadOnly(candidate, parser)
            && (candidate as IFieldSymbol)?.Type.SpecialType == SpecialType.System_Byte | (candidate as IPropertySymbol)?.Type.SpecialType == SpecialType.System_Byte);
        if (!exists)
            parser.Report(DefinitionRule.MissingMember, Location, element.Name, name, "a byte member that can be read and set");
        return WireNames.Escaped(name);
    }

    private (WireItem Item, ItemModel Model)? Tree(INamedTypeSymbol tree, MemberForm form)
    {
        ITypeSymbol key = tree.TypeArguments[0];
        bool isDirect = key.SpecialType == SpecialType.System_UInt64;
        if (!isDirect && (key is not INamedTypeSymbol state || !TypeParser.IsState(state) || !parser.CanCreate(state)))
        {
            parser.Report(DefinitionRule.UnsupportedType, Location, member.Name, "a tree with keys of " + key.ToDisplayString(),
                "keys of ulong, or of a comparable [VmState] type with a parameterless constructor");
            return null;
        }
        if (Element(tree.TypeArguments[1]) is not INamedTypeSymbol element || RequiredMax() is not int max)
            return null;
        string keyToken = isDirect ? "u64" : parser.Reach((INamedTypeSymbol)key);
        return (new WireItem { Name = "", Shape = new WireShape.Tree(keyToken, parser.Reach(element)), Max = max, ElementVersion = ElementVersion(element) },
            ElementModel(form, element) with { TrailerType = "gtree", KeyType = WireNames.Qualified(key) });
    }

    /// <summary>The type of a list's elements or a tree's values: state that a load can make.</summary>
    private INamedTypeSymbol? Element(ITypeSymbol type)
    {
        if (type is INamedTypeSymbol element && TypeParser.IsState(element) && parser.CanCreate(element))
            return element;
        parser.Report(DefinitionRule.UnsupportedType, Location, member.Name, "a collection of " + type.ToDisplayString(),
            "elements of a [VmState] type with a parameterless constructor");
        return null;
    }

    private ItemModel ElementModel(MemberForm form, INamedTypeSymbol element) =>
        Model(form, element.WithNullableAnnotation(NullableAnnotation.NotAnnotated)) with
        {
            IsStructState = element.IsValueType,
            CanCreate = true,
            SetsParent = parser.SetsParent(element),
        };

    /// <summary>Elements are loaded at a version that only the field says; QEMU refuses any but the element type's own.</summary>
    private int? ElementVersion(INamedTypeSymbol element)
    {
        int own = AttributeReader.Find(element.OriginalDefinition, "VmState")!.Value.Number("Version") ?? 1;
        int version = attribute.Number("ElementVersion") is int given and not -1 ? given : own;
        if (version != own)
            parser.Report(DefinitionRule.VersionOutOfRange, Location, member.Name, $"ElementVersion {version}", $"{own}, the Version of {element.Name}");
        return version;
    }

    private int? RequiredMax()
    {
        if (attribute.Number("Max") is int max and >= 0)
            return max;
        parser.Report(DefinitionRule.MissingMax, Location, member.Name);
        return null;
    }

    private bool RequireAssignable()
    {
        if (isReadOnly)
            parser.Report(DefinitionRule.NotAssignable, Location, member.Name);
        return !isReadOnly;
    }

    private (WireItem Item, ItemModel Model)? Matrix(ITypeSymbol element)
    {
        if (length is not int rows || attribute.Number("Columns") is not (int columns and > 0) || attribute.Text("CountFrom") is not null
            || (attribute.Number("Start") ?? 0) != 0)
        {
            parser.Report(DefinitionRule.BadExtent, Location, member.Name, "a two-dimensional array without Length (rows) and Columns");
            return null;
        }
        if (element is INamedTypeSymbol state && TypeParser.IsState(state) && !state.IsValueType)
        {
            parser.Report(DefinitionRule.UnsupportedType, Location, member.Name, type.ToDisplayString(), "a struct as element, or a one-dimensional array");
            return null;
        }
        return Value(element, MemberForm.Array2D, new ArrayExtent(new[] { rows, columns }.ToEquatableArray()));
    }

    private (WireItem Item, ItemModel Model)? Companion(INamedTypeSymbol companion)
    {
        CanBeInRun = false;
        ITypeSymbol target = type is IArrayTypeSymbol { Rank: 1 } array && length is not null ? array.ElementType : type;
        bool implements = companion.AllInterfaces.Any(candidate => candidate.Name == "IVmStateCompanion"
            && candidate.TypeArguments.Length == 1 && SymbolEqualityComparer.Default.Equals(candidate.TypeArguments[0], target));
        if (!implements || !TypeParser.IsState(companion) || !parser.CanCreate(companion))
        {
            parser.Report(DefinitionRule.MissingMember, Location, member.Name, companion.Name,
                $"[VmState], a parameterless constructor and IVmStateCompanion<{target.ToDisplayString()}>");
            return null;
        }
        if (new[] { "As", "Expect", "Start", "Element", "CountFrom", "Max" }.FirstOrDefault(name => attribute.Constant(name) is not null) is string other)
            parser.Report(DefinitionRule.Conflict, Location, member.Name, $"{other} beside Via");
        bool isArray = !ReferenceEquals(target, type);
        if (isReadOnly && !isArray && type.IsValueType && member is IFieldSymbol)
            parser.Report(DefinitionRule.NotAssignable, Location, member.Name);
        string key = parser.Reach(companion);
        return (new WireItem { Name = "", Shape = new WireShape.State(key, isArray ? ArrayExtent.Of(length!.Value) : null), Via = key },
            Model(isArray ? MemberForm.Array : MemberForm.Value, target) with
            {
                Via = WireNames.Qualified(companion),
                IsStructState = companion.IsValueType,
                TrailerType = "tmp",
                SetsParent = parser.SetsParent(companion),
            });
    }

    /// <summary>How nulls among the elements are marked; null if there can be none.</summary>
    private NullMarking? NullMarking(ITypeSymbol element, MemberForm form)
    {
        if (form != MemberForm.Array)
            return null;
        bool isNullable = element.IsReferenceType
            ? element.NullableAnnotation == NullableAnnotation.Annotated || attribute.Constant("NullMarker") is not null
            : element.OriginalDefinition.SpecialType == SpecialType.System_Nullable_T;
        return isNullable ? (NullMarking)(attribute.Number("NullMarker") ?? 0) : null;
    }

    private (WireItem Item, ItemModel Model)? WithNulls((WireItem Item, ItemModel Model)? parsed, ITypeSymbol element)
    {
        if (parsed is not (WireItem item, ItemModel model) || NullMarking(element, model.Form) is not NullMarking nulls)
            return parsed;
        CanBeInRun = false;
        if (item.Shape is WireShape.Bytes bytes)
            item = item with { Shape = new WireShape.Scalar(ScalarKind.U8, Array: bytes.Array) };
        if (nulls == Schema.NullMarking.Every && item.Shape is WireShape.State && !model.CanCreate)
            parser.Report(DefinitionRule.NotAssignable, Location, member.Name);
        return (item with { Nulls = nulls }, model with
        {
            Type = WireNames.Qualified(element.WithNullableAnnotation(NullableAnnotation.NotAnnotated)),
            TrailerType = item.Shape is WireShape.Scalar scalar ? scalar.Kind.TrailerName(Expectation.None) : model.TrailerType,
        });
    }
}
