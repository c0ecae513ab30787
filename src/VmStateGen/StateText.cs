using System;
using System.Buffers;
using System.Buffers.Binary;
using System.ComponentModel;
using System.Text;
using System.Text.Unicode;

namespace VmStateGen;

/// <summary>
/// Counted UTF-8 strings: one byte of length where at most 255 bytes are allowed, as all of QEMU's counted strings have it
/// (qemu-migration.md §2.5), else be32. For generated code.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class StateText
{
    private const int LongestCounted8 = 255;

    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>Bytes on the wire, the length included.</summary>
    public static int Measure(string? value, int max) => PrefixSize(max) + Strict.GetByteCount(value ?? "");

    /// <summary>Writes the string; null is written as an empty one.</summary>
    public static void Save(ref VmStateWriter writer, string? value, int max, ReadOnlySpan<byte> field)
    {
        value ??= "";
        int length;
        try
        {
            length = Strict.GetByteCount(value);
        }
        catch (EncoderFallbackException)
        {
            throw VmStateErrors.Text(field, "a string without lone surrogates", "one", writer.Offset);
        }
        if (length > max)
            throw VmStateErrors.Text(field, $"at most {max} bytes of UTF-8", $"{length}", writer.Offset);
        if (max <= LongestCounted8)
            writer.Run(1)[0] = (byte)length;
        else
            BinaryPrimitives.WriteInt32BigEndian(writer.Run(4), length);
        byte[]? rented = length > 512 ? ArrayPool<byte>.Shared.Rent(length) : null;
        Span<byte> bytes = rented ?? stackalloc byte[512];
        Strict.GetBytes(value, bytes);
        writer.WriteBytes(bytes[..length]);
        if (rented is not null)
            ArrayPool<byte>.Shared.Return(rented);
    }

    /// <summary>Reads a string; the current one is returned where it says the same, so that a second load allocates nothing.</summary>
    public static string Load(ref VmStateReader reader, string? current, int max, ReadOnlySpan<byte> field)
    {
        long start = reader.Offset;
        long length = max <= LongestCounted8 ? reader.Run(1, field)[0] : BinaryPrimitives.ReadUInt32BigEndian(reader.Run(4, field));
        StateArrays.Count(length, max, field, start);
        reader.Require(length, field);
        byte[]? rented = length > 512 ? ArrayPool<byte>.Shared.Rent((int)length) : null;
        try
        {
            Span<byte> bytes = rented is null ? stackalloc byte[512] : rented;
            bytes = bytes[..(int)length];
            reader.ReadBytes(bytes, field);
            if (!Utf8.IsValid(bytes))
                throw VmStateErrors.Text(field, "UTF-8", "other bytes", start);
            return current is not null && IsSame(current, bytes) ? current : Strict.GetString(bytes);
        }
        finally
        {
            if (rented is not null)
                ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private static int PrefixSize(int max) => max <= LongestCounted8 ? 1 : 4;

    private static bool IsSame(string current, ReadOnlySpan<byte> bytes)
    {
        Span<byte> piece = stackalloc byte[256];
        ReadOnlySpan<char> rest = current;
        while (rest.Length > 0)
        {
            OperationStatus status = Utf8.FromUtf16(rest, piece, out int read, out int written, replaceInvalidSequences: false);
            if (status is not (OperationStatus.Done or OperationStatus.DestinationTooSmall) || read == 0
                || written > bytes.Length || !bytes[..written].SequenceEqual(piece[..written]))
            {
                return false;
            }
            rest = rest[read..];
            bytes = bytes[written..];
        }
        return bytes.Length == 0;
    }
}
