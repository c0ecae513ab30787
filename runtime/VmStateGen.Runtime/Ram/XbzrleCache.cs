using System;

namespace VmStateGen.Runtime.Ram;

/// <summary>
/// Pages as the other side has them, so that a page which changes a little is sent as a difference: one place for each, that it shares with others
/// (qemu-migration.md §5.4). A page that was in use lately is not put out for another, or pages that take turns would all miss.
/// </summary>
/// <remarks>Memory is taken as places are used. For one thread at a time.</remarks>
internal sealed class XbzrleCache
{
    private const int Lifetime = 2;
    private const int ChunkShift = 10;

    private readonly int pageSize;
    private readonly long mask;
    private readonly long[] pages;
    private readonly long[] lastUse;
    private readonly byte[]?[] chunks;

    /// <param name="bytes">At most so many of pages, which are a power of two: QEMU rounds down, too.</param>
    /// <param name="pageSize">Bytes of a page.</param>
    public XbzrleCache(long bytes, int pageSize)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, pageSize);
        var count = 1L << (int)long.Log2(bytes / pageSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, 1 << 28, nameof(bytes));
        this.pageSize = pageSize;
        mask = count - 1;
        pages = new long[count];
        Array.Fill(pages, -1);
        lastUse = new long[count];
        chunks = new byte[]?[(count + (1 << ChunkShift) - 1) >> ChunkShift];
    }

    /// <summary>Bytes of pages that it can hold.</summary>
    public long Size => (mask + 1) * pageSize;

    /// <summary>The page as the other side has it, to be changed with it; nothing if it is not here.</summary>
    /// <param name="page">Its number among all pages of the machine.</param>
    /// <param name="generation">Counts the dirty syncs.</param>
    public Span<byte> Find(long page, long generation)
    {
        var place = page & mask;
        if (pages[place] != page)
            return default;
        lastUse[place] = generation;
        return Contents(place);
    }

    /// <summary>Keeps a page that is about to be sent, unless its place has another that is in use.</summary>
    /// <returns>Whether it is kept.</returns>
    public bool TryAdd(long page, long generation, ReadOnlySpan<byte> contents)
    {
        var place = page & mask;
        if (pages[place] >= 0 && pages[place] != page && lastUse[place] + Lifetime > generation)
            return false;
        contents.CopyTo(Contents(place));
        (pages[place], lastUse[place]) = (page, generation);
        return true;
    }

    private Span<byte> Contents(long place)
    {
        ref var chunk = ref chunks[place >> ChunkShift];
        chunk ??= GC.AllocateUninitializedArray<byte>((int)Math.Min(mask + 1, 1 << ChunkShift) * pageSize);
        return chunk.AsSpan((int)(place & ((1 << ChunkShift) - 1)) * pageSize, pageSize);
    }
}
