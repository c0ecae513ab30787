using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace VmStateGen.Runtime.Ram;

/// <summary>Writes a page as its difference to what it was (qemu-migration.md §5.4). Pure.</summary>
/// <remarks>
/// First a mask with a bit for each byte that changed, as many bytes a step as the CPU has; it tells how long the difference will be, so that a page
/// which has changed too much costs no more than reading it. Then the runs, from the mask.
/// </remarks>
internal static class XbzrleEncoder
{
    /// <summary>The page has not changed.</summary>
    public const int Same = 0;

    /// <summary>It has changed so much that it is better sent as it is.</summary>
    public const int Overflow = -1;

    /// <summary>A length is two bytes of 7 bits at most.</summary>
    private const int LongestRun = 0x3FFF;

    /// <summary>Most bytes of a page: the length of a difference is 16 bits.</summary>
    public const int LargestPage = 1 << 16;

    /// <summary>A run costs as much time as it takes a fast link to send some bytes: a difference has to save them.</summary>
    private const int BytesToSaveByRun = 4;

    /// <summary>Writes the difference.</summary>
    /// <param name="old">What the other side has: 64 to <see cref="LargestPage"/> bytes, a multiple of 64.</param>
    /// <param name="new">What it is to have; as long.</param>
    /// <param name="output">As long as a page.</param>
    /// <returns>How many bytes, <see cref="Same"/> or <see cref="Overflow"/>.</returns>
    [SkipLocalsInit]
    public static int Encode(ReadOnlySpan<byte> old, ReadOnlySpan<byte> @new, Span<byte> output)
    {
        if (old.Length != @new.Length || old.Length % 64 != 0 || old.Length is 0 or > LargestPage || output.Length < old.Length)
            throw new ArgumentException("Expected two pages of one size, and room for a third.", nameof(old));
        Span<ulong> changed = stackalloc ulong[LargestPage / 64];
        changed = changed[..(old.Length / 64)];
        Compare(ref MemoryMarshal.GetReference(old), ref MemoryMarshal.GetReference(@new), changed);
        var (bytes, runs) = Measure(changed);
        if (runs == 0)
            return Same;
        if (bytes + 2 * runs + BytesToSaveByRun * runs > old.Length)
            return Overflow;
        return WriteRuns(changed, @new, output);
    }

    /// <summary>A bit for each byte that differs.</summary>
    private static void Compare(ref byte old, ref byte @new, Span<ulong> changed)
    {
        if (Vector512.IsHardwareAccelerated)
        {
            for (var i = 0; i < changed.Length; i++)
                changed[i] = ~Vector512.Equals(Vector512.LoadUnsafe(ref old, (nuint)i * 64), Vector512.LoadUnsafe(ref @new, (nuint)i * 64)).ExtractMostSignificantBits();
        }
        else if (Vector256.IsHardwareAccelerated)
        {
            for (var i = 0; i < changed.Length; i++)
                changed[i] = ~(Equal256(ref old, ref @new, (nuint)i * 64) | (ulong)Equal256(ref old, ref @new, (nuint)i * 64 + 32) << 32);
        }
        else
        {
            for (var i = 0; i < changed.Length; i++)
            {
                var equal = 0UL;
                for (var part = 0; part < 4; part++)
                    equal |= (ulong)Equal128(ref old, ref @new, (nuint)(i * 64 + part * 16)) << (16 * part);
                changed[i] = ~equal;
            }
        }
    }

    private static uint Equal256(ref byte old, ref byte @new, nuint at)
        => Vector256.Equals(Vector256.LoadUnsafe(ref old, at), Vector256.LoadUnsafe(ref @new, at)).ExtractMostSignificantBits();

    private static uint Equal128(ref byte old, ref byte @new, nuint at)
        => Vector128.Equals(Vector128.LoadUnsafe(ref old, at), Vector128.LoadUnsafe(ref @new, at)).ExtractMostSignificantBits();

    private static (int Bytes, int Runs) Measure(ReadOnlySpan<ulong> changed)
    {
        var bytes = 0;
        var runs = 0;
        var before = 0UL;
        foreach (var word in changed)
        {
            bytes += BitOperations.PopCount(word);
            runs += BitOperations.PopCount(word & ~(word << 1 | before));
            before = word >> 63;
        }
        return (bytes, runs);
    }

    private static int WriteRuns(ReadOnlySpan<ulong> changed, ReadOnlySpan<byte> @new, Span<byte> output)
    {
        ref var to = ref MemoryMarshal.GetReference(output);
        ref var from = ref MemoryMarshal.GetReference(@new);
        var written = 0;
        var end = 0;
        for (var i = 0; i < changed.Length; i++)
        {
            var word = changed[i];

            // What a run that began before covers of this word.
            if (end > i * 64)
                word = end >= (i + 1) * 64 ? 0 : word & ulong.MaxValue << (end & 63);
            while (word != 0)
            {
                var start = i * 64 + BitOperations.TrailingZeroCount(word);
                var stop = FindEqual(changed, i, word);
                if (start - end > LongestRun || stop - start > LongestRun)
                    return Overflow;
                written = WriteLength(ref to, written, start - end);
                written = WriteLength(ref to, written, stop - start);
                written = CopyRun(ref from, @new.Length, ref to, output.Length, start, stop - start, written);
                end = stop;
                word = end >= (i + 1) * 64 ? 0 : word & ulong.MaxValue << (end & 63);
            }
        }
        return written;
    }

    /// <summary>The first byte after the run that begins at the lowest bit of a word.</summary>
    private static int FindEqual(ReadOnlySpan<ulong> changed, int i, ulong word)
    {
        // Bits below the run count as part of it.
        var equal = ~(word | (word & (~word + 1)) - 1);
        while (equal == 0)
        {
            if (++i == changed.Length)
                return i * 64;
            equal = ~changed[i];
        }
        return i * 64 + BitOperations.TrailingZeroCount(equal);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int WriteLength(ref byte to, int at, int length)
    {
        if (length < 0x80)
        {
            Unsafe.Add(ref to, at) = (byte)length;
            return at + 1;
        }
        Unsafe.Add(ref to, at) = (byte)(length | 0x80);
        Unsafe.Add(ref to, at + 1) = (byte)(length >> 7);
        return at + 2;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int CopyRun(ref byte from, int fromLength, ref byte to, int toLength, int start, int length, int at)
    {
        // Nearly all runs are short: eight bytes at once, of which those that are too many are written over.
        if (length <= 8 && start + 8 <= fromLength && at + 8 <= toLength)
            Unsafe.WriteUnaligned(ref Unsafe.Add(ref to, at), Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref from, start)));
        else
            Unsafe.CopyBlockUnaligned(ref Unsafe.Add(ref to, at), ref Unsafe.Add(ref from, start), (uint)length);
        return at + length;
    }
}
