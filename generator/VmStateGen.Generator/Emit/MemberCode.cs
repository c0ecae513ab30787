using System.Globalization;
using VmStateGen.Generator.Linking;
using VmStateGen.Parsing;
using VmStateGen.Schema;

namespace VmStateGen.Generator.Emit;

/// <summary>Expressions for the member behind an item, shared by saving, loading and describing.</summary>
internal static class MemberCode
{
    /// <summary>The wire name as UTF-8 literal.</summary>
    public static string Name(BoundItem item) => SourceWriter.Utf8(item.Wire.Name);

    /// <summary>Local that holds the elements.</summary>
    public static string Local(BoundItem item) => "elements" + item.Index.ToString(CultureInfo.InvariantCulture);

    /// <summary>Local that holds the number of elements of a counted array, or the number itself.</summary>
    public static string Count(BoundItem item) =>
        item.Model.Count is null ? Length(item).ToString(CultureInfo.InvariantCulture) : "count" + item.Index.ToString(CultureInfo.InvariantCulture);

    /// <summary>Elements of a fixed array (words of a bitmap); 1 for anything else.</summary>
    public static long Length(BoundItem item) =>
        Extent(item) is not { IsCounted: false } array ? 1 : IsWords(item) ? (array.Length + 63) / 64 : array.Length;

    /// <summary>A bitmap that is kept as it is on the wire.</summary>
    public static bool IsWords(BoundItem item) => item.Wire.Shape is WireShape.Bitmap && item.Model.Form != MemberForm.Bits;

    public static ArrayExtent? Extent(BoundItem item) => item.Wire.Shape switch
    {
        WireShape.Scalar scalar => scalar.Array,
        WireShape.Bytes bytes => bytes.Array,
        WireShape.Bitmap bitmap => bitmap.Array,
        WireShape.State state => state.Array,
        _ => null,
    };

    /// <summary>Whether the item goes through a local that holds its elements.</summary>
    public static bool HasElements(BoundItem item) =>
        item.Model.Form is MemberForm.Array or MemberForm.ArrayElement or MemberForm.InlineArray or MemberForm.InlineArrayElement
            or MemberForm.Array2D or MemberForm.Memory;

    /// <summary>Nested objects, which are not in one piece of memory.</summary>
    public static bool IsObject(BoundItem item) => item.Linked.Nested is not null && !item.Model.IsStructState && item.Model.Via is null;

    /// <summary>The one value of an item: a member, or the element that the local holds.</summary>
    public static string Value(BoundItem item) => HasElements(item) ? Local(item) + "[0]" : item.Model.Member;

    /// <summary>A statement that declares the count of a counted array.</summary>
    public static string? DeclareCount(BoundItem item, string stream) => item.Model.Count is null ? null
        : $"int {Count(item)} = {CountExpression(item, stream + ".Offset")};";

    /// <summary>The checked number of elements (words of a bitmap) of a counted array.</summary>
    public static string CountExpression(BoundItem item, string offset)
    {
        string count = $"{Names.Arrays}.Count(unchecked((long){item.Model.Count}), {item.Wire.Max}, {Name(item)}, {offset})";
        return IsWords(item) ? $"{Names.Bits}.Words({count})" : count;
    }

    /// <summary>A statement that declares the local with the elements, which must be there.</summary>
    public static string? DeclareElements(BoundItem item, string stream)
    {
        string start = item.Model.Start.ToString(CultureInfo.InvariantCulture);
        return item.Model.Form switch
        {
            MemberForm.Array or MemberForm.ArrayElement when IsObject(item) =>
                $"{item.Model.Type}?[] {Local(item)} = {Names.Arrays}.ExistingObjects<{item.Model.Type}?>({item.Model.Member}, {start} + {Count(item)}, {Name(item)}, {stream}.Offset);",
            MemberForm.Array2D =>
                $"{Names.Span}<{item.Model.Type}> {Local(item)} = {Names.Arrays}.Existing<{item.Model.Type}>({item.Model.Member}, {Rows(item)}, {Name(item)}, {stream}.Offset);",
            MemberForm.Array or MemberForm.ArrayElement or MemberForm.Memory =>
                $"{Names.Span}<{item.Model.Type}> {Local(item)} = {Names.Arrays}.Existing<{item.Model.Type}>({item.Model.Member}, {start}, {Count(item)}, {Name(item)}, {stream}.Offset);",
            MemberForm.InlineArray or MemberForm.InlineArrayElement =>
                $"{Names.Span}<{item.Model.Type}> {Local(item)} = (({Names.Span}<{item.Model.Type}>){item.Model.Member}).Slice({start}, {Count(item)});",
            _ => null,
        };
    }

    /// <summary>Rows and columns of a two-dimensional array, as arguments.</summary>
    public static string Rows(BoundItem item) => string.Join(", ", Extent(item)!.Dimensions);

    /// <summary>Calls a method of nested state, which first gets its owner if it keeps one.</summary>
    public static void Call(SourceWriter source, bool setsParent, string target, string call)
    {
        if (setsParent)
            source.Line($"{target}.{Names.SetParent}(this);");
        source.Line($"{target}.{call};");
    }

    /// <summary>The last argument of what opens a field with states: the type name that hides them, if one does.</summary>
    public static string Opaque(BoundItem item) => item.Model.OpaqueType is string type ? $", opaque: {SourceWriter.Utf8(type)}" : "";

    /// <summary>The filter that puts a name in front of the path of an error from below.</summary>
    public static string Within(string name, string? index = null) =>
        $"catch ({Names.Exception} e) when (e.Within({SourceWriter.Quote(name)}{(index is null ? "" : ", " + index)}))";
}
