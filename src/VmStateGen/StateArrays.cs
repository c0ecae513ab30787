using System;
using System.ComponentModel;

namespace VmStateGen;

/// <summary>What generated code needs of members that are arrays: there, long enough, and reused.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class StateArrays
{
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

    /// <summary>The array if it is long enough, else a new one.</summary>
    public static T[] Ensure<T>(T[]? array, int length) => array is not null && array.Length >= length ? array : new T[length];

    /// <summary>A count that is in range.</summary>
    public static int Count(long count, int most, ReadOnlySpan<byte> field, long offset)
    {
        if ((ulong)count > (ulong)most)
            VmStateErrors.ThrowCount(field, most, count, offset);
        return (int)count;
    }
}
