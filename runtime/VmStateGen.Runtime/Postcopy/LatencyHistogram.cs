using System;
using System.Diagnostics;
using System.Numerics;
using System.Threading;

namespace VmStateGen.Runtime.Postcopy;

/// <summary>Counts how long things took, in buckets each some 6 % wider than the one before. Any thread; no lock, no allocation.</summary>
internal sealed class LatencyCounter
{
    // 16 buckets for each power of two of nanoseconds, up to 2^44 (five hours).
    private const int Bits = 4;
    private const int Buckets = (44 - Bits) << Bits;

    private readonly long[] counts = new long[Buckets];
    private long longest;

    public void Add(long ticks)
    {
        var nanoseconds = Math.Max(0, (long)(ticks * (1e9 / Stopwatch.Frequency)));
        Interlocked.Increment(ref counts[BucketOf(nanoseconds)]);
        for (var seen = Volatile.Read(ref longest); nanoseconds > seen;)
        {
            var found = Interlocked.CompareExchange(ref longest, nanoseconds, seen);
            if (found == seen)
                break;
            seen = found;
        }
    }

    public LatencyHistogram Snapshot()
    {
        var copy = new long[Buckets];
        for (var i = 0; i < Buckets; i++)
            copy[i] = Volatile.Read(ref counts[i]);
        return new LatencyHistogram(copy, Volatile.Read(ref longest));
    }

    internal static int BucketOf(long nanoseconds)
    {
        if (nanoseconds < 1 << Bits)
            return (int)nanoseconds;
        var power = BitOperations.Log2((ulong)nanoseconds);
        return Math.Min(Buckets - 1, ((power - Bits + 1) << Bits) + (int)(nanoseconds >> (power - Bits)) - (1 << Bits));
    }

    /// <summary>The smallest number of nanoseconds that does not fall in the bucket any more.</summary>
    internal static long EndOf(int bucket)
    {
        if (bucket < 1 << Bits)
            return bucket + 1;
        var power = (bucket >> Bits) + Bits - 1;
        return ((1L << Bits) + (bucket & ((1 << Bits) - 1)) + 1) << (power - Bits);
    }
}

/// <summary>How long things took: a snapshot.</summary>
public sealed class LatencyHistogram
{
    private readonly long[] counts;
    private readonly long longest;

    internal LatencyHistogram(long[] counts, long longestNanoseconds)
    {
        this.counts = counts;
        longest = longestNanoseconds;
        foreach (var count in counts)
            Count += count;
    }

    /// <summary>How many.</summary>
    public long Count { get; }

    /// <summary>The longest; zero of none.</summary>
    public TimeSpan Max => TimeSpan.FromTicks(longest / 100);

    /// <summary>What a share of them took at most, to some 6 %.</summary>
    /// <param name="share">0 to 1: 0.5 is the median, 0.99 the 99th percentile.</param>
    /// <returns>Zero if there are none.</returns>
    public TimeSpan Percentile(double share)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(share);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(share, 1);
        var wanted = Math.Max(1, (long)Math.Ceiling(share * Count));
        var seen = 0L;
        for (var i = 0; i < counts.Length; i++)
        {
            seen += counts[i];
            if (seen >= wanted)
                return TimeSpan.FromTicks(Math.Min(longest, LatencyCounter.EndOf(i)) / 100);
        }
        return TimeSpan.Zero;
    }

    /// <inheritdoc/>
    public override string ToString()
        => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Count}: p50 {Percentile(0.5).TotalMicroseconds:0.#} µs, p99 {Percentile(0.99).TotalMicroseconds:0.#} µs, max {Max.TotalMicroseconds:0.#} µs");
}
