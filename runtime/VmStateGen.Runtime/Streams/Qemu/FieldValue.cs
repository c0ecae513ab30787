using System;
using System.Buffers.Binary;
using System.Globalization;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>
/// Prints and parses a field's bytes by the trailer's type name (qemu-migration.md §2.5). What is printed parses back to
/// the same bytes; a type that is not known, or has another size than its name says, is hex digits.
/// </summary>
/// <remarks>Stateless: any thread.</remarks>
public static class FieldValue
{
    private const string NotArmed = "none";

    private enum Form
    {
        Hex,
        Bool,
        Signed,
        Unsigned,
        Timer,
        Double,
    }

    /// <summary>
    /// Text of a value: decimal numbers, <c>true</c>/<c>false</c>, <c>none</c> for a timer that is not armed, shortest
    /// round-trip decimals for floating point (its 16 hex digits after 0x if not a number), else two hex digits a byte.
    /// </summary>
    public static string Format(string type, ReadOnlySpan<byte> value)
    {
        switch (FormOf(type, value.Length))
        {
            // QEMU reads any byte but 0 as true; only 1 is what it writes, and others must come back as they are.
            case Form.Bool when value[0] <= 1:
                return value[0] == 1 ? "true" : "false";
            case Form.Bool:
                return "0x" + Convert.ToHexString(value).ToLowerInvariant();
            case Form.Signed:
                return Signed(value).ToString(CultureInfo.InvariantCulture);
            case Form.Unsigned:
                return Unsigned(value).ToString(CultureInfo.InvariantCulture);
            case Form.Timer:
                var expires = Unsigned(value);
                return expires == ulong.MaxValue ? NotArmed : expires.ToString(CultureInfo.InvariantCulture);
            case Form.Double:
                var number = BinaryPrimitives.ReadDoubleBigEndian(value);
                return double.IsFinite(number) ? number.ToString("R", CultureInfo.InvariantCulture) : $"0x{Unsigned(value):x16}";
            default:
                return Convert.ToHexString(value).ToLowerInvariant();
        }
    }

    /// <summary>Reads a value.</summary>
    /// <param name="type">The trailer's type name.</param>
    /// <param name="size">Bytes of the field.</param>
    /// <param name="text">
    /// For numbers decimal or, after 0x, hexadecimal (for signed ones also the two's complement of their width); for bool
    /// true, false, 1, 0; for others 2 × <paramref name="size"/> hex digits, with or without 0x.
    /// </param>
    /// <param name="value">The bytes, <paramref name="size"/> of them.</param>
    /// <param name="problem">If it cannot be read, what was expected and found; else empty.</param>
    /// <returns><see langword="false"/> if the text is no value of that type.</returns>
    public static bool TryParse(string type, int size, string text, out byte[] value, out string problem)
    {
        ArgumentNullException.ThrowIfNull(type);
        ArgumentNullException.ThrowIfNull(text);
        ArgumentOutOfRangeException.ThrowIfNegative(size);
        var form = FormOf(type, size);
        var expected = Parse(form, type, size, text, out value);
        problem = expected == null ? "" : $"expected {expected}, found \"{text}\"";
        return expected == null;
    }

    /// <summary>As <see cref="TryParse"/>.</summary>
    /// <exception cref="VmStateException">The text is no value of that type.</exception>
    public static byte[] Parse(string type, int size, string text)
    {
        if (!TryParse(type, size, text, out var value, out var problem))
            throw new VmStateException(problem);
        return value;
    }

    private static string? Parse(Form form, string type, int size, string text, out byte[] value)
    {
        value = [];
        switch (form)
        {
            case Form.Bool when text is "true" or "false":
                value = [(byte)(text == "true" ? 1 : 0)];
                return null;
            case Form.Bool:
                if (!TryUnsigned(text, 1, out var truth))
                    return "true or false";
                value = [(byte)truth];
                return null;
            case Form.Timer when text == NotArmed:
                value = Bytes(ulong.MaxValue, size);
                return null;
            case Form.Timer or Form.Unsigned:
                if (!TryUnsigned(text, size, out var unsigned))
                    return $"{type}, 0 to {MaxUnsigned(size)}" + (form == Form.Timer ? $" or {NotArmed}" : "");
                value = Bytes(unsigned, size);
                return null;
            case Form.Signed:
                var max = (long)(MaxUnsigned(size) >> 1);
                if (!TrySigned(text, size, max, out var signed))
                    return $"{type}, {-max - 1} to {max}";
                value = Bytes((ulong)signed, size);
                return null;
            case Form.Double:
                if (IsHex(text))
                {
                    if (!TryUnsigned(text, size, out var bits))
                        return $"{type}, a decimal number or 16 hex digits after 0x";
                    value = Bytes(bits, size);
                    return null;
                }
                if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) || !double.IsFinite(number))
                    return $"{type}, a decimal number or 16 hex digits after 0x";
                value = Bytes(BitConverter.DoubleToUInt64Bits(number), size);
                return null;
            default:
                return ParseHex(type, size, text, out value);
        }
    }

    private static string? ParseHex(string type, int size, string text, out byte[] value)
    {
        value = [];
        var digits = IsHex(text) ? text[2..] : text;
        var expected = $"{type}, {2L * size} hex digits";
        if (digits.Length != 2L * size)
            return expected;
        foreach (var c in digits)
        {
            if (!char.IsAsciiHexDigit(c))
                return expected;
        }
        value = Convert.FromHexString(digits);
        return null;
    }

    private static Form FormOf(string type, int size)
    {
        var (form, width) = type switch
        {
            "bool" => (Form.Bool, 1),
            "int8" => (Form.Signed, 1),
            "int16" => (Form.Signed, 2),
            "int32" or "int32 equal" or "int32 le" => (Form.Signed, 4),
            "int64" => (Form.Signed, 8),
            "uint8" or "uint8 equal" => (Form.Unsigned, 1),
            "uint16" or "uint16 equal" => (Form.Unsigned, 2),
            "uint32" or "uint32 equal" => (Form.Unsigned, 4),
            // QEMU calls the unsigned one so; there is no signed one.
            "uint64" or "int64 equal" or "uint64 equal" => (Form.Unsigned, 8),
            "timer" => (Form.Timer, 8),
            "CPU_Double_U" or "float64" => (Form.Double, 8),
            _ => (Form.Hex, size),
        };
        // A null pointer in 7.2 is a uint64 of one byte.
        return width == size ? form : Form.Hex;
    }

    private static bool IsHex(string text) => text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);

    private static ulong MaxUnsigned(int size) => ulong.MaxValue >> (64 - 8 * size);

    private static bool TryUnsigned(string text, int size, out ulong value)
    {
        var isNumber = IsHex(text)
            ? ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value)
            : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
        return isNumber && value <= MaxUnsigned(size);
    }

    private static bool TrySigned(string text, int size, long max, out long value)
    {
        if (IsHex(text))
        {
            var isBits = TryUnsigned(text, size, out var bits);
            var unused = 64 - 8 * size;
            value = (long)(bits << unused) >> unused;
            return isBits;
        }
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value) && value >= -max - 1 && value <= max;
    }

    private static ulong Unsigned(ReadOnlySpan<byte> value)
    {
        var result = 0UL;
        foreach (var b in value)
            result = result << 8 | b;
        return result;
    }

    private static long Signed(ReadOnlySpan<byte> value)
    {
        var unused = 64 - 8 * value.Length;
        return (long)(Unsigned(value) << unused) >> unused;
    }

    private static byte[] Bytes(ulong value, int size)
    {
        var bytes = new byte[size];
        for (var i = size - 1; i >= 0; i--, value >>= 8)
            bytes[i] = (byte)value;
        return bytes;
    }
}
