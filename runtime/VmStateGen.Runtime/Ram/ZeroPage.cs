using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace VmStateGen.Runtime.Ram;

/// <summary>Finds out whether a page is all zeros, which the stream says in one byte.</summary>
/// <remarks>
/// A loop of its own: measured as fast as C with AVX-512, where the library's search for another value reaches 0.4 to 0.9 of that. A page
/// that is not zeros mostly shows it in its first bytes, so those are looked at before anything else.
/// </remarks>
public static class ZeroPage
{
    /// <summary>Whether all bytes are 0; true of no bytes.</summary>
    /// <param name="page">Any length; made for pages.</param>
    public static bool IsZero(ReadOnlySpan<byte> page)
    {
        ref var first = ref MemoryMarshal.GetReference(page);
        var length = (nuint)page.Length;
        if (length < 8)
            return IsZeroTail(ref first, 0, length);
        if ((Read(ref first, 0) | Read(ref first, length - 8)) != 0)
            return false;
        if (Vector512.IsHardwareAccelerated)
            return IsZero512(ref first, length);
        if (Vector256.IsHardwareAccelerated)
            return IsZero256(ref first, length);
        return IsZero128(ref first, length);
    }

    // Four vectors a step: one branch for 256 (128, 64) bytes, and still an early exit.
    private static bool IsZero512(ref byte first, nuint length)
    {
        nuint at = 0;
        for (; at + 256 <= length; at += 256)
        {
            var any = Vector512.LoadUnsafe(ref first, at) | Vector512.LoadUnsafe(ref first, at + 64)
                | Vector512.LoadUnsafe(ref first, at + 128) | Vector512.LoadUnsafe(ref first, at + 192);
            if (any != Vector512<byte>.Zero)
                return false;
        }
        return IsZeroTail(ref first, at, length);
    }

    private static bool IsZero256(ref byte first, nuint length)
    {
        nuint at = 0;
        for (; at + 128 <= length; at += 128)
        {
            var any = Vector256.LoadUnsafe(ref first, at) | Vector256.LoadUnsafe(ref first, at + 32)
                | Vector256.LoadUnsafe(ref first, at + 64) | Vector256.LoadUnsafe(ref first, at + 96);
            if (any != Vector256<byte>.Zero)
                return false;
        }
        return IsZeroTail(ref first, at, length);
    }

    private static bool IsZero128(ref byte first, nuint length)
    {
        nuint at = 0;
        for (; at + 64 <= length; at += 64)
        {
            var any = Vector128.LoadUnsafe(ref first, at) | Vector128.LoadUnsafe(ref first, at + 16)
                | Vector128.LoadUnsafe(ref first, at + 32) | Vector128.LoadUnsafe(ref first, at + 48);
            if (any != Vector128<byte>.Zero)
                return false;
        }
        return IsZeroTail(ref first, at, length);
    }

    private static bool IsZeroTail(ref byte first, nuint at, nuint length)
    {
        for (; at + 8 <= length; at += 8)
        {
            if (Read(ref first, at) != 0)
                return false;
        }
        for (; at < length; at++)
        {
            if (Unsafe.Add(ref first, at) != 0)
                return false;
        }
        return true;
    }

    private static ulong Read(ref byte first, nuint at) => Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref first, at));
}
