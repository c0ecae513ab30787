using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Globalization;
using System.Numerics;
using System.Text;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Tool.Inspection;

/// <summary>Values as people read them: numbers in both bases, timers as time, bytes in hex and as text where they are text.</summary>
internal static class FieldText
{
    private const int ShownBytes = 32;
    private const string NotArmed = "not armed";

    /// <summary>A value on one line. Two values of one type that differ have texts that differ, however long they are.</summary>
    public static string Of(string type, ReadOnlySpan<byte> value)
    {
        string text = FieldValue.Format(type, value);
        if (type == "timer" && value.Length == 8)
            return text == "none" ? NotArmed : Time(ulong.Parse(text, CultureInfo.InvariantCulture));
        if (IsNumber(type, text, value.Length))
            return text.Length > 1 && text[0] != '-' ? $"{text} (0x{ulong.Parse(text, CultureInfo.InvariantCulture):x})" : text;
        if (text is "true" or "false" || (value.Length == 8 && type is "CPU_Double_U" or "float64"))
            return text;
        return Bytes(value);
    }

    /// <summary>Whether what <see cref="FieldValue.Format"/> made of the value is a decimal number.</summary>
    public static bool IsNumber(string type, string text, int size) =>
        (type.StartsWith("uint", StringComparison.Ordinal) || type.StartsWith("int", StringComparison.Ordinal))
        && !(text.Length == 2 * size && size > 8)
        && decimal.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _)
        && IsScalar(type, size);

    /// <summary>Nanoseconds as seconds.</summary>
    public static string Time(ulong nanoseconds) => $"{nanoseconds / 1_000_000_000}.{nanoseconds % 1_000_000_000:d9} s";

    /// <summary>Bytes in hex; of many the first ones and a checksum of all.</summary>
    public static string Bytes(ReadOnlySpan<byte> value)
    {
        if (value.Length == 0)
            return "";
        if (value.Length > 8 && value.IndexOfAnyExcept(value[0]) < 0)
            return $"{value.Length} bytes of {value[0]:x2}";
        var text = new StringBuilder();
        ReadOnlySpan<byte> shown = value[..Math.Min(ShownBytes, value.Length)];
        for (int i = 0; i < shown.Length; i++)
            text.Append(i > 0 && i % 4 == 0 ? " " : "").Append(shown[i].ToString("x2", CultureInfo.InvariantCulture));
        if (value.Length > ShownBytes)
            text.Append(CultureInfo.InvariantCulture, $"… ({value.Length} bytes, crc32c {Crc(value):x8})");
        if (Text(value) is string readable)
            text.Append(CultureInfo.InvariantCulture, $" \"{readable}\"");
        return text.ToString();
    }

    /// <summary>A run of printable characters that zeros may follow, of at least two characters; null if the bytes are no text.</summary>
    private static string? Text(ReadOnlySpan<byte> value)
    {
        int end = value.IndexOf((byte)0);
        ReadOnlySpan<byte> text = end < 0 ? value : value[..end];
        bool isText = text.Length > 1 && text.IndexOfAnyExceptInRange((byte)0x20, (byte)0x7E) < 0 && value[text.Length..].IndexOfAnyExcept((byte)0) < 0;
        return isText && text.Length <= 2 * ShownBytes ? Encoding.ASCII.GetString(text) : null;
    }

    /// <summary>CRC-32C.</summary>
    public static uint Crc(ReadOnlySpan<byte> value)
    {
        uint crc = uint.MaxValue;
        for (; value.Length >= 8; value = value[8..])
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(value));
        foreach (byte b in value)
            crc = BitOperations.Crc32C(crc, b);
        return ~crc;
    }

    private static bool IsScalar(string type, int size)
    {
        string bits = type.Split(' ')[0].TrimStart('u')["int".Length..];
        return int.TryParse(bits, NumberStyles.None, CultureInfo.InvariantCulture, out int width) && width == 8 * size;
    }
}

/// <summary>A field, or neighbours of one array that have the same value.</summary>
/// <param name="First">The first of them.</param>
/// <param name="Path">Its path, <c>ring[3..17]</c> for several.</param>
/// <param name="Text">The value.</param>
internal readonly record struct FieldLine(VmDescriptionSpan First, string Path, string Text)
{
    /// <summary>The ranges of a section as lines.</summary>
    public static IEnumerable<FieldLine> Of(SectionData data)
    {
        FieldLine? pending = null;
        int last = 0;
        foreach (VmDescriptionSpan span in data.Spans())
        {
            if (span.Kind == VmDescriptionSpanKind.Marker)
                continue;
            string text = span.Kind == VmDescriptionSpanKind.SubsectionHeader ? "" : FieldText.Of(span.Type, data.Value(span));
            if (pending is { } open && Continues(open, span, text, last))
            {
                last++;
                continue;
            }
            if (pending is { } done)
                yield return Close(done, last);
            pending = new FieldLine(span, span.Path, text);
            last = Index(span.Path) ?? 0;
        }
        if (pending is { } rest)
            yield return Close(rest, last);
    }

    private static bool Continues(in FieldLine open, in VmDescriptionSpan span, string text, int last) =>
        span.Kind == VmDescriptionSpanKind.Field && open.First.Kind == VmDescriptionSpanKind.Field
        && open.Text == text && open.First.Type == span.Type && open.First.Size == span.Size
        && Index(span.Path) == last + 1 && Index(open.First.Path) != null && Stem(open.First.Path).SequenceEqual(Stem(span.Path));

    private static FieldLine Close(in FieldLine line, int last) =>
        Index(line.First.Path) is int first && last > first
            ? line with { Path = $"{Stem(line.First.Path)}[{first}..{last}]" }
            : line;

    private static int? Index(string path) =>
        path.EndsWith(']') && path.LastIndexOf('[') is int open and >= 0
        && int.TryParse(path.AsSpan(open + 1, path.Length - open - 2), NumberStyles.None, CultureInfo.InvariantCulture, out int index)
            ? index
            : null;

    private static ReadOnlySpan<char> Stem(string path) => path.AsSpan(0, path.LastIndexOf('['));
}
