using System;

namespace VmStateGen.Runtime.Ram;

/// <summary>What is sent of a page.</summary>
internal enum XbzrleOutcome
{
    /// <summary>Nothing: the other side has it as it is.</summary>
    Nothing,

    /// <summary>The page.</summary>
    Page,

    /// <summary>A difference.</summary>
    Difference,
}

/// <summary>The sending side of XBZRLE: keeps what the other side has of pages, and says what to send of them.</summary>
internal sealed class XbzrleSaver(long cacheSize, int pageSize)
{
    private readonly XbzrleCache cache = new(cacheSize, pageSize);
    private readonly byte[] current = new byte[pageSize];
    private readonly byte[] difference = new byte[pageSize];
    private long pages;
    private long bytes;
    private long misses;
    private long overflows;
    private long lookups;

    public XbzrleTraffic Traffic => new(cache.Size, bytes, pages, misses, overflows, lookups == 0 ? 0 : (double)misses / lookups, bytes == 0 ? 0 : (double)pages * pageSize / bytes);

    /// <summary>The other side is about to have zeros there.</summary>
    public void SetZero(long page, long generation)
    {
        current.AsSpan().Clear();
        cache.TryAdd(page, generation, current);
    }

    /// <summary>Takes a page as it is now.</summary>
    /// <param name="memory">Where it is.</param>
    /// <param name="block">Its block.</param>
    /// <param name="offset">Bytes from the block's start.</param>
    /// <param name="page">Its number among all pages of the machine.</param>
    /// <param name="generation">Counts the dirty syncs.</param>
    /// <param name="record">What is to be sent, until the next call.</param>
    public XbzrleOutcome Take(GuestMemory memory, RamBlock block, long offset, long page, long generation, out ReadOnlySpan<byte> record)
    {
        // A copy: the guest goes on writing, and what is kept must be what is sent.
        memory.Read(block, offset, current);
        record = current;
        lookups++;
        var old = cache.Find(page, generation);
        if (old.IsEmpty)
        {
            misses++;
            cache.TryAdd(page, generation, current);
            return XbzrleOutcome.Page;
        }
        var length = XbzrleEncoder.Encode(old, current, difference);
        if (length == XbzrleEncoder.Same)
            return XbzrleOutcome.Nothing;
        current.CopyTo(old);
        if (length == XbzrleEncoder.Overflow)
        {
            overflows++;
            return XbzrleOutcome.Page;
        }
        pages++;
        bytes += length;
        record = difference.AsSpan(0, length);
        return XbzrleOutcome.Difference;
    }
}

/// <summary>What XBZRLE has done: query-migrate's <c>xbzrle-cache</c> (qemu-migration.md §6.3).</summary>
/// <param name="CacheSize">Bytes of pages that the cache holds.</param>
/// <param name="Bytes">Bytes of differences.</param>
/// <param name="Pages">Pages that were sent as differences.</param>
/// <param name="CacheMiss">Pages that were not in the cache.</param>
/// <param name="Overflow">Pages that had changed too much.</param>
/// <param name="CacheMissRate">Misses of all pages looked for, 0 to 1.</param>
/// <param name="EncodingRate">How many times smaller the differences are than their pages.</param>
public sealed record XbzrleTraffic(long CacheSize, long Bytes, long Pages, long CacheMiss, long Overflow, double CacheMissRate, double EncodingRate);
