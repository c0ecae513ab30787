using System.Collections.Generic;
using System.Linq;
using System.Text;
using VmStateGen.Schema;

namespace VmStateGen.Generator.Linking;

/// <summary>Writes the map of a run, by which an error finds its field (VmStateGen.RunMap).</summary>
internal static class RunMapText
{
    /// <summary>The fields of a nested state.</summary>
    public static string Of(StateSchema state, int version, SchemaSet set) =>
        Join(state.Items().At(version).Select(item => Item(item, NestedMap(item, set))));

    /// <summary>One item; <paramref name="nested"/> is the map of its state.</summary>
    public static string Item(WireItem item, string? nested)
    {
        (string size, ArrayExtent? array) = item.Shape switch
        {
            WireShape.Scalar scalar => (scalar.Kind.Size().ToString(System.Globalization.CultureInfo.InvariantCulture), scalar.Array),
            WireShape.Bytes bytes => ("1", bytes.Array),
            WireShape.Padding padding => (padding.Size.ToString(System.Globalization.CultureInfo.InvariantCulture), null),
            WireShape.State state => ("", state.Array),
            _ => ("0", (ArrayExtent?)null),
        };
        // A buffer is one field, not an array of bytes.
        bool isBuffer = item.Shape is WireShape.Bytes;
        string body = nested is not null ? "{" + nested + "}" : ":" + (isBuffer ? array!.Length.ToString(System.Globalization.CultureInfo.InvariantCulture) : size);
        string count = array is null || isBuffer || array.IsCounted ? "" : "*" + array.Length.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return Escape(item.Name) + body + count;
    }

    public static string Join(IEnumerable<string> items) => string.Join(";", items);

    private static string? NestedMap(WireItem item, SchemaSet set) =>
        item.Shape is WireShape.State state && set.Find(state.Type) is StateSchema nested
            ? Of(nested, WireLayout.NestedVersion(item, nested), set)
            : null;

    public static string Escape(string name)
    {
        var text = new StringBuilder();
        foreach (char c in name)
        {
            if (c is ':' or ';' or '*' or '{' or '}' or '\\')
                text.Append('\\');
            text.Append(c);
        }
        return text.ToString();
    }
}
