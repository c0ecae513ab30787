using System.Linq;

namespace VmStateGen.Schema;

/// <summary>What the bytes of an item are, written as one token: <c>u32</c>, <c>u16[64]</c>, <c>Acme.Ring[]</c>, <c>list&lt;Acme.Request&gt;</c>.</summary>
public abstract record WireShape
{
    /// <summary>Elements of a fixed array, bytes of a buffer, bits of a bitmap; 1 for what is none of them, 0 where the count is elsewhere.</summary>
    public long Length => Extent is null ? 1 : Extent.IsCounted ? 0 : Extent.Length;

    private ArrayExtent? Extent => this switch
    {
        Scalar scalar => scalar.Array,
        Bytes bytes => bytes.Array,
        Bitmap bitmap => bitmap.Array,
        State state => state.Array,
        _ => null,
    };

    /// <summary>A number, boolean, timer, …, or an array of them: <c>u32</c>, <c>u16[64]</c>, <c>u8[4,8]</c>, counted <c>u8[]</c>.</summary>
    /// <param name="Kind">What an element is.</param>
    /// <param name="Enum">Key of the enum that it is of.</param>
    /// <param name="Array">Elements, if it is an array.</param>
    public sealed record Scalar(ScalarKind Kind, string? Enum = null, ArrayExtent? Array = null) : WireShape
    {
        /// <inheritdoc/>
        public override string ToString() => (Enum ?? Kind.Token()) + Array;
    }

    /// <summary>Raw bytes: <c>bytes[256]</c>, counted <c>bytes[]</c>.</summary>
    public sealed record Bytes(ArrayExtent Array) : WireShape
    {
        /// <inheritdoc/>
        public override string ToString() => "bytes" + Array;
    }

    /// <summary>Bits in 8-byte words; the extent counts bits.</summary>
    public sealed record Bitmap(ArrayExtent Array) : WireShape
    {
        /// <inheritdoc/>
        public override string ToString() => "bitmap" + Array;
    }

    /// <summary>A counted UTF-8 string.</summary>
    public sealed record Text : WireShape
    {
        /// <inheritdoc/>
        public override string ToString() => "string";
    }

    /// <summary>Zeros: <c>pad[4]</c> bytes, or that many an element where a count stands beside it.</summary>
    public sealed record Padding(int Size) : WireShape
    {
        /// <inheritdoc/>
        public override string ToString() => $"pad[{Size}]";
    }

    /// <summary>Nested state, or an array of it.</summary>
    public sealed record State(string Type, ArrayExtent? Array = null) : WireShape
    {
        /// <inheritdoc/>
        public override string ToString() => Type + Array;
    }

    /// <summary>Elements each with a marker before it.</summary>
    public sealed record List(string Type) : WireShape
    {
        /// <inheritdoc/>
        public override string ToString() => $"list<{Type}>";
    }

    /// <summary>A sorted map; the key is <c>u64</c> or a state's key.</summary>
    public sealed record Tree(string KeyType, string Type) : WireShape
    {
        /// <inheritdoc/>
        public override string ToString() => $"tree<{KeyType},{Type}>";
    }
}

/// <summary>How many elements an array has on the wire.</summary>
/// <param name="Dimensions">Sizes, outermost first; none: the count is elsewhere.</param>
public sealed record ArrayExtent(EquatableArray<int> Dimensions)
{
    /// <summary>A fixed one-dimensional array.</summary>
    public static ArrayExtent Of(int length) => new(new[] { length }.ToEquatableArray());

    /// <summary>The count is elsewhere.</summary>
    public static ArrayExtent Counted { get; } = new(default(EquatableArray<int>));

    /// <summary>The count is elsewhere.</summary>
    public bool IsCounted => Dimensions.Count == 0;

    /// <summary>Elements of a fixed array.</summary>
    public long Length => Dimensions.Aggregate(1L, (product, size) => product * size);

    /// <inheritdoc/>
    public override string ToString() => "[" + string.Join(",", Dimensions) + "]";
}

/// <summary>Encodings of one value.</summary>
public enum ScalarKind
{
    /// <summary>0 or 1; any non-zero is true.</summary>
    Bool,

    /// <summary>1 byte.</summary>
    U8,

    /// <summary>1 byte, signed.</summary>
    I8,

    /// <summary>2 bytes.</summary>
    U16,

    /// <summary>2 bytes, signed.</summary>
    I16,

    /// <summary>4 bytes.</summary>
    U32,

    /// <summary>4 bytes, signed.</summary>
    I32,

    /// <summary>8 bytes.</summary>
    U64,

    /// <summary>8 bytes, signed.</summary>
    I64,

    /// <summary>16 bytes.</summary>
    U128,

    /// <summary>16 bytes, signed.</summary>
    I128,

    /// <summary>4 bytes of IEEE 754.</summary>
    F32,

    /// <summary>8 bytes of IEEE 754.</summary>
    F64,

    /// <summary>8 bytes: when it fires, all ones if it does not.</summary>
    Timer,

    /// <summary>16 bytes in the order in which a GUID is written.</summary>
    Guid,

    /// <summary>1 byte, beside which a file descriptor goes over a unix socket.</summary>
    Fd,
}

/// <summary>Facts of the scalar encodings.</summary>
public static class ScalarKinds
{
    /// <summary>Bytes on the wire.</summary>
    public static int Size(this ScalarKind kind) => kind switch
    {
        ScalarKind.Bool or ScalarKind.U8 or ScalarKind.I8 or ScalarKind.Fd => 1,
        ScalarKind.U16 or ScalarKind.I16 => 2,
        ScalarKind.U32 or ScalarKind.I32 or ScalarKind.F32 => 4,
        ScalarKind.U64 or ScalarKind.I64 or ScalarKind.F64 or ScalarKind.Timer => 8,
        _ => 16,
    };

    /// <summary>The word of the text form.</summary>
    public static string Token(this ScalarKind kind) => kind.ToString().ToLowerInvariant();

    /// <summary>Reads <see cref="Token"/>.</summary>
    public static bool TryParse(string token, out ScalarKind kind) =>
        System.Enum.TryParse(token, ignoreCase: true, out kind) && kind.Token() == token;

    /// <summary>QEMU's type name in a trailer (qemu-migration.md §2.5).</summary>
    public static string TrailerName(this ScalarKind kind, Expectation expect)
    {
        string name = kind switch
        {
            ScalarKind.Bool => "bool",
            ScalarKind.F32 => "float32",
            ScalarKind.F64 => "float64",
            ScalarKind.Timer => "timer",
            ScalarKind.Guid => "buffer",
            ScalarKind.Fd => "fd",
            _ => (kind.ToString()[0] == 'I' ? "int" : "uint") + kind.ToString().Substring(1),
        };
        return expect switch
        {
            // QEMU's 64-bit unsigned comparison is called "int64 equal", §2.5.
            Expectation.Equal => (kind == ScalarKind.U64 ? "int64" : name) + " equal",
            Expectation.NotAbove => name + " le",
            _ => name,
        };
    }
}
