using System;
using System.Buffers.Binary;
using System.Collections;
using System.ComponentModel;

namespace VmStateGen;

/// <summary>Bitmaps held in a <see cref="BitArray"/>: be64 words, bit n is bit n % 64 of word n / 64 (qemu-migration.md §2.5). For generated code.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class StateBits
{
    private const int BitsOfWord = 64;

    /// <summary>Words of so many bits.</summary>
    public static int Words(int bits) => (int)(((long)bits + BitsOfWord - 1) / BitsOfWord);

    /// <summary>Writes the first <paramref name="count"/> bits.</summary>
    public static void Save(ref VmStateWriter writer, BitArray? bits, int count, ReadOnlySpan<byte> field)
    {
        if (bits is null || bits.Length < count)
            VmStateErrors.ThrowArray(field, count, bits?.Length ?? -1, writer.Offset);
        for (int start = 0; start < count; start += BitsOfWord)
        {
            ulong word = 0;
            for (int i = 0; i < Math.Min(BitsOfWord, count - start); i++)
                word |= bits[start + i] ? 1UL << i : 0;
            BinaryPrimitives.WriteUInt64BigEndian(writer.Run(8), word);
        }
    }

    /// <summary>Reads <paramref name="count"/> bits into an array that is long enough.</summary>
    public static void Load(ref VmStateReader reader, BitArray? bits, int count, ReadOnlySpan<byte> field)
    {
        if (bits is null || bits.Length < count)
            VmStateErrors.ThrowArray(field, count, bits?.Length ?? -1, reader.Offset);
        Span<byte> bytes = stackalloc byte[8];
        for (int start = 0; start < count; start += BitsOfWord)
        {
            reader.ReadBytes(bytes, field);
            ulong word = BinaryPrimitives.ReadUInt64BigEndian(bytes);
            for (int i = 0; i < Math.Min(BitsOfWord, count - start); i++)
                bits[start + i] = ((word >> i) & 1) != 0;
        }
    }

    /// <summary>The array if it is long enough, else a new one.</summary>
    public static BitArray Ensure(BitArray? bits, int count) => bits is not null && bits.Length >= count ? bits : new BitArray(count);
}
