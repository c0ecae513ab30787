using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace VmStateGen.Schema;

/// <summary>Something that is on the wire as one, when nested state is expanded.</summary>
/// <param name="Path">Names from the projected state down, joined by <c>/</c>.</param>
/// <param name="Name">The last of them.</param>
/// <param name="Wire">Kind, width, sign and number: <c>u32</c>, <c>u16[64]</c>, <c>pad[4]</c>; brackets around what is repeated or a subsection.</param>
/// <param name="When">Predicates that it is there under, the outermost first, joined by <c>&amp;</c>.</param>
/// <param name="Count">Where the number of elements comes from.</param>
public sealed record WireLeaf(string Path, string Name, string Wire, string? When = null, string? Count = null);

/// <summary>What a state writes or reads at a version, item by item, nested state expanded. Pure functions.</summary>
public static class WireProjection
{
    /// <summary>A whole state, with its subsections.</summary>
    /// <param name="set">Where nested types are found.</param>
    /// <param name="state">The state.</param>
    /// <param name="version">The version that it is saved or loaded at.</param>
    /// <param name="isReading">Elements of lists are loaded at another version than they are saved at, if the schema says so.</param>
    public static IReadOnlyList<WireLeaf> Project(SchemaSet set, StateSchema state, int version, bool isReading = false)
    {
        var projector = new Projector(set, isReading);
        projector.State(state, version, "", null);
        return projector.Leaves;
    }

    /// <summary>Some items of a state, those that are there at the version.</summary>
    public static IReadOnlyList<WireLeaf> Project(SchemaSet set, IEnumerable<WireItem> items, int version, bool isReading = false)
    {
        var projector = new Projector(set, isReading);
        foreach (WireItem item in items.At(version))
            projector.Item(item, "", null);
        return projector.Leaves;
    }

    /// <summary>
    /// Numbers and bytes alike as arrays of numbers, dimensions as one: <c>bytes[4]</c> is <c>u8[4]</c>, <c>bitmap[60]</c> is <c>u64[1]</c>.
    /// </summary>
    internal static WireShape Normal(WireItem item) => item.Codec is not null ? item.Shape : item.Shape switch
    {
        WireShape.Bytes { Array.IsCounted: false } bytes => new WireShape.Scalar(ScalarKind.U8, Array: bytes.Array),
        WireShape.Bytes when item.Count is not null => new WireShape.Scalar(ScalarKind.U8, Array: ArrayExtent.Counted),
        WireShape.Bitmap { Array.IsCounted: false } bitmap => new WireShape.Scalar(ScalarKind.U64, Array: ArrayExtent.Of((int)((bitmap.Array.Length + 63) / 64))),
        _ => item.Shape,
    };

    /// <summary>Bytes of a leaf, if that is fixed and it stands for bytes.</summary>
    internal static long? Size(WireLeaf leaf)
    {
        int bracket = leaf.Wire.IndexOf('[');
        string kind = bracket < 0 ? leaf.Wire : leaf.Wire.Substring(0, bracket);
        long length = 1;
        if (bracket >= 0 && !long.TryParse(leaf.Wire.Substring(bracket + 1).TrimEnd(']'), NumberStyles.None, CultureInfo.InvariantCulture, out length))
            return null;
        return leaf.Count is not null ? null : kind == "pad" ? length : ScalarKinds.TryParse(kind, out ScalarKind scalar) ? length * scalar.Size() : null;
    }

    private sealed class Projector
    {
        private readonly SchemaSet set;
        private readonly bool isReading;
        private readonly Stack<(string Key, int Version)> open = new();

        public Projector(SchemaSet set, bool isReading)
        {
            this.set = set;
            this.isReading = isReading;
        }

        public List<WireLeaf> Leaves { get; } = new();

        public void State(StateSchema state, int version, string path, string? when)
        {
            if (open.Contains((state.Key, version)))
            {
                Leaves.Add(new WireLeaf(path, state.Name, "again " + state.Name, when));
                return;
            }
            open.Push((state.Key, version));
            foreach (WireItem item in state.Items().At(version))
                Item(item, path, when);
            // Their order does not matter on load.
            foreach (SubsectionSchema subsection in state.Subsections.OrderBy(subsection => subsection.Name, System.StringComparer.Ordinal))
                Subsection(state, subsection, path, when);
            open.Pop();
        }

        public void Item(WireItem item, string path, string? when)
        {
            path = path.Length == 0 ? item.Name : path + "/" + item.Name;
            when = item.When is null ? when : when is null ? item.When : when + "&" + item.When;
            if (item.Codec is not null)
                Leaf("codec " + item.Codec + "/" + item.CodecVersion.ToString(CultureInfo.InvariantCulture) + " " + item.Shape);
            else if (item.Via is not null)
                Nested(item.Via, null, (item.Shape as WireShape.State)?.Array);
            else
                Shape(WireProjection.Normal(item));

            void Leaf(string wire) => Leaves.Add(new WireLeaf(path, item.Name, wire, when, item.Count));

            void Shape(WireShape shape)
            {
                switch (shape)
                {
                    case WireShape.Scalar { Array: null } scalar:
                        Leaf(scalar.Kind.Token() + Marker());
                        break;
                    case WireShape.Scalar scalar:
                        Leaf(scalar.Kind.Token() + Extent(scalar.Array) + Marker());
                        break;
                    case WireShape.State state:
                        Nested(state.Type, item.StructVersion, state.Array);
                        break;
                    case WireShape.List list:
                        Leaf(item.Marker is null ? "list [" : "list of marked [");
                        Element(list.Type);
                        Leaf("]");
                        break;
                    case WireShape.Tree tree:
                        Leaf("tree [");
                        Element(tree.KeyType, isKey: true);
                        Element(tree.Type);
                        Leaf("]");
                        break;
                    default:
                        Leaf(shape.ToString());
                        break;
                }
            }

            void Nested(string type, int? version, ArrayExtent? array)
            {
                bool repeats = array is not null && (array.IsCounted || array.Length != 1) || item.Nulls is not null;
                if (repeats)
                    Leaf("array " + Extent(array) + Marker() + " [");
                if (set.Find(type) is StateSchema state)
                    State(state, version ?? state.Version, path, when);
                else
                    Leaf("unknown " + type);
                if (repeats)
                    Leaf("]");
            }

            void Element(string type, bool isKey = false)
            {
                if (ScalarKinds.TryParse(type, out ScalarKind kind))
                    Leaf(kind.Token());
                else if (set.Find(type) is StateSchema state)
                    State(state, (isReading && !isKey ? item.ElementVersion : null) ?? state.Version, path, when);
                else
                    Leaf("unknown " + type);
            }

            string Marker() => item.Nulls switch { null => "", NullMarking.Nulls => " nulls", _ => " every" };
        }

        private void Subsection(StateSchema state, SubsectionSchema subsection, string path, string? when)
        {
            path = path.Length == 0 ? subsection.Name : path + "/" + subsection.Name;
            Leaves.Add(new WireLeaf(path, subsection.Name, $"subsection {subsection.Name} version {subsection.Version} [", when));
            if (subsection.Type is null)
            {
                foreach (WireItem item in state.Items(subsection.Name).At(subsection.Version))
                    Item(item, path, when);
            }
            else if (set.Find(subsection.Type) is StateSchema nested)
            {
                State(nested, subsection.Version, path, when);
            }
            Leaves.Add(new WireLeaf(path, subsection.Name, "]", when));
        }

        private static string Extent(ArrayExtent? array) =>
            array is null ? "[1]" : array.IsCounted ? "[]" : "[" + array.Length.ToString(CultureInfo.InvariantCulture) + "]";
    }
}
