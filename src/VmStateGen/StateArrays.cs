using System;
using System.ComponentModel;
using System.Runtime.InteropServices;

namespace VmStateGen;

/// <summary>What generated code needs of members that are arrays: there, long enough, and reused.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class StateArrays
{
    /// <summary>What a blob that is null holds.</summary>
    public static byte[] NoBytes { get; } = [];

    /// <summary>Elements of an array that must exist, unless none are asked for.</summary>
    public static Span<T> Existing<T>(T[]? array, int start, int length, ReadOnlySpan<byte> field, long offset)
    {
        if (length == 0)
            return default;
        if (array is null || array.Length - start < length)
            VmStateErrors.ThrowArray(field, start + length, array?.Length ?? -1, offset);
        return array.AsSpan(start, length);
    }

    /// <summary>The array itself, which must exist and be long enough; for elements that are objects.</summary>
    public static T[] ExistingObjects<T>(T[]? array, int length, ReadOnlySpan<byte> field, long offset)
    {
        if (length == 0)
            return Array.Empty<T>();
        if (array is null || array.Length < length)
            VmStateErrors.ThrowArray(field, length, array?.Length ?? -1, offset);
        return array;
    }

    /// <summary>The array if it is long enough, else a longer one with the elements that there were, so that nested objects are reused.</summary>
    public static T[] Ensure<T>(T[]? array, int length)
    {
        if (array is null || array.Length < length)
            Array.Resize(ref array, length);
        return array;
    }

    /// <summary>A part of memory that must be long enough.</summary>
    public static Span<T> Existing<T>(Memory<T> memory, int start, int length, ReadOnlySpan<byte> field, long offset)
    {
        if (memory.Length - start < length)
            VmStateErrors.ThrowArray(field, start + length, memory.Length, offset);
        return memory.Span.Slice(start, length);
    }

    /// <summary>The memory if it is long enough, else new memory.</summary>
    public static Memory<T> Ensure<T>(Memory<T> memory, int length) => memory.Length >= length ? memory : new T[length];

    /// <summary>The elements of a two-dimensional array of just that size, row by row.</summary>
    public static Span<T> Existing<T>(T[,]? array, int rows, int columns, ReadOnlySpan<byte> field, long offset)
    {
        if (array is null || array.GetLength(0) != rows || array.GetLength(1) != columns)
            VmStateErrors.ThrowArray(field, rows * columns, array?.Length ?? -1, offset);
        return MemoryMarshal.CreateSpan(ref array[0, 0], array.Length);
    }

    /// <summary>The array if it has that size, else a new one.</summary>
    public static T[,] Ensure<T>(T[,]? array, int rows, int columns) =>
        array is not null && array.GetLength(0) == rows && array.GetLength(1) == columns ? array : new T[rows, columns];

    /// <summary>A count that is in range.</summary>
    public static int Count(long count, int most, ReadOnlySpan<byte> field, long offset)
    {
        if ((ulong)count > (ulong)most)
            VmStateErrors.ThrowCount(field, most, count, offset);
        return (int)count;
    }
}
