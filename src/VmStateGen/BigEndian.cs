using System;
using System.Buffers.Binary;
using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace VmStateGen;

/// <summary>Numbers at an offset of a run, and arrays of numbers, vectorised, as the wire has them. For generated code and codecs.</summary>
/// <remarks>
/// A number lies within its run, else <see cref="ArgumentOutOfRangeException"/>; both spans of an array's call have the same number of bytes,
/// else <see cref="ArgumentException"/>.
/// </remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class BigEndian
{
    // By address, after one check that constants make go away: slices of BinaryPrimitives cost an instruction for each number (docs/performance.md).

    /// <summary>Writes a be16 at a byte offset of a run.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteUInt16(Span<byte> run, int offset, ushort value)
    {
        Within(run.Length, offset, sizeof(ushort));
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref MemoryMarshal.GetReference(run), offset), BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(value) : value);
    }

    /// <summary>Writes a be32 at a byte offset of a run.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteUInt32(Span<byte> run, int offset, uint value)
    {
        Within(run.Length, offset, sizeof(uint));
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref MemoryMarshal.GetReference(run), offset), BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(value) : value);
    }

    /// <summary>Writes a be64 at a byte offset of a run.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteUInt64(Span<byte> run, int offset, ulong value)
    {
        Within(run.Length, offset, sizeof(ulong));
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref MemoryMarshal.GetReference(run), offset), BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(value) : value);
    }

    /// <summary>Reads a be16 at a byte offset of a run.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort ReadUInt16(ReadOnlySpan<byte> run, int offset)
    {
        Within(run.Length, offset, sizeof(ushort));
        ushort value = Unsafe.ReadUnaligned<ushort>(ref Unsafe.Add(ref MemoryMarshal.GetReference(run), offset));
        return BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(value) : value;
    }

    /// <summary>Reads a be32 at a byte offset of a run.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint ReadUInt32(ReadOnlySpan<byte> run, int offset)
    {
        Within(run.Length, offset, sizeof(uint));
        uint value = Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref MemoryMarshal.GetReference(run), offset));
        return BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(value) : value;
    }

    /// <summary>Reads a be64 at a byte offset of a run.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong ReadUInt64(ReadOnlySpan<byte> run, int offset)
    {
        Within(run.Length, offset, sizeof(ulong));
        ulong value = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref MemoryMarshal.GetReference(run), offset));
        return BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(value) : value;
    }

    /// <summary>Writes <paramref name="values"/>, elements of 1, 2, 4, 8 or 16 bytes without padding, to <paramref name="wire"/>.</summary>
    public static void Write<T>(ReadOnlySpan<T> values, Span<byte> wire)
        where T : unmanaged =>
        Copy<T>(MemoryMarshal.AsBytes(values), wire);

    /// <summary>Reads <paramref name="wire"/> into <paramref name="values"/>, elements of 1, 2, 4, 8 or 16 bytes without padding.</summary>
    public static void Read<T>(ReadOnlySpan<byte> wire, Span<T> values)
        where T : unmanaged =>
        Copy<T>(wire, MemoryMarshal.AsBytes(values));

    /// <summary>Reads booleans: any non-zero byte is true (qemu-migration.md §2.5).</summary>
    public static void Read(ReadOnlySpan<byte> wire, Span<bool> values)
    {
        wire = wire[..values.Length];
        for (int i = 0; i < values.Length; i++)
            values[i] = wire[i] != 0;
    }

    /// <summary>Writes booleans as 0 and 1, whatever bits the runtime holds.</summary>
    public static void Write(ReadOnlySpan<bool> values, Span<byte> wire)
    {
        wire = wire[..values.Length];
        for (int i = 0; i < values.Length; i++)
            wire[i] = values[i] ? (byte)1 : (byte)0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy<T>(ReadOnlySpan<byte> from, Span<byte> to)
        where T : unmanaged
    {
        if (from.Length != to.Length)
            ThrowLengths(from.Length, to.Length);
        if (!BitConverter.IsLittleEndian || Unsafe.SizeOf<T>() == 1)
            from.CopyTo(to);
        else if (Unsafe.SizeOf<T>() == 2)
            BinaryPrimitives.ReverseEndianness(MemoryMarshal.Cast<byte, ushort>(from), MemoryMarshal.Cast<byte, ushort>(to));
        else if (Unsafe.SizeOf<T>() == 4)
            BinaryPrimitives.ReverseEndianness(MemoryMarshal.Cast<byte, uint>(from), MemoryMarshal.Cast<byte, uint>(to));
        else if (Unsafe.SizeOf<T>() == 8)
            BinaryPrimitives.ReverseEndianness(MemoryMarshal.Cast<byte, ulong>(from), MemoryMarshal.Cast<byte, ulong>(to));
        else if (Unsafe.SizeOf<T>() == 16)
            BinaryPrimitives.ReverseEndianness(MemoryMarshal.Cast<byte, UInt128>(from), MemoryMarshal.Cast<byte, UInt128>(to));
        else
            throw new NotSupportedException($"{typeof(T)} is no number of 1, 2, 4, 8 or 16 bytes");
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Within(int length, int offset, int size)
    {
        if ((ulong)(uint)offset + (uint)size > (uint)length)
            ThrowOutside(length, offset, size);
    }

    [DoesNotReturn]
    private static void ThrowOutside(int length, int offset, int size) =>
        throw new ArgumentOutOfRangeException(nameof(offset), offset, $"{size} bytes do not lie within a run of {length}");

    [DoesNotReturn]
    private static void ThrowLengths(int from, int to) => throw new ArgumentException($"{from} bytes cannot be copied to {to}");
}
