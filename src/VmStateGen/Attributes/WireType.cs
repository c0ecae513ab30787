namespace VmStateGen;

/// <summary>Encodings of a field (qemu-migration.md §2.5); all big-endian.</summary>
public enum WireType
{
    /// <summary>The member's own type.</summary>
    Natural,

    /// <summary>One byte, 0 or 1 out, any non-zero in is true.</summary>
    Bool,

    /// <summary>Unsigned, 1 byte. On a <c>byte[]</c>: an array of numbers instead of a buffer (the same bytes).</summary>
    U8,

    /// <summary>Signed, 1 byte.</summary>
    I8,

    /// <summary>Unsigned, 2 bytes.</summary>
    U16,

    /// <summary>Signed, 2 bytes.</summary>
    I16,

    /// <summary>Unsigned, 4 bytes.</summary>
    U32,

    /// <summary>Signed, 4 bytes.</summary>
    I32,

    /// <summary>Unsigned, 8 bytes.</summary>
    U64,

    /// <summary>Signed, 8 bytes.</summary>
    I64,

    /// <summary>IEEE 754 single precision, its raw bits in 4 bytes.</summary>
    F32,

    /// <summary>IEEE 754 double precision, its raw bits in 8 bytes.</summary>
    F64,

    /// <summary>Bits in 8-byte words, bit n is bit n % 64 of word n / 64.</summary>
    Bitmap,
}

/// <summary>What a load demands of an incoming value.</summary>
public enum Expect
{
    /// <summary>Nothing.</summary>
    Anything,

    /// <summary>It equals the member's current value, else the load fails (QEMU's <c>_EQUAL</c> fields).</summary>
    Equal,

    /// <summary>It lies in 0 to the member's current value, and is then stored (QEMU's <c>int32 le</c>).</summary>
    NotAbove,
}

/// <summary>How null references in an array are written (qemu-migration.md §2.4).</summary>
public enum NullMarker
{
    /// <summary>A null is one byte 0x30, anything else has no marker.</summary>
    Nulls,

    /// <summary>Every entry has a marker: 0x30 for null, 0x31 before the data (QEMU 11).</summary>
    Every,
}
