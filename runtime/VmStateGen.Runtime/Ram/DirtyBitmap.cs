using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Threading;

namespace VmStateGen.Runtime.Ram;

/// <summary>A run of pages.</summary>
/// <param name="First">Number of the first page.</param>
/// <param name="Count">How many.</param>
public readonly record struct PageExtent(long First, long Count);

/// <summary>
/// One bit a page. Any number of threads set bits while others collect them: a write to a page that is followed by its mark is never lost,
/// whoever collects sees the write, or finds the mark the next time.
/// </summary>
/// <remarks>
/// <para>Setting, clearing and collecting are atomic and full fences, page by page. What scans (<see cref="Count"/>, <see cref="FindNext"/>,
/// <see cref="ReadExtents"/>) sees bits that others set meanwhile, or not.</para>
/// <para>Memory is one bit a page: 32 MiB for 1 TiB in pages of 4 KiB.</para>
/// </remarks>
public sealed class DirtyBitmap
{
    private readonly ulong[] words;
    private readonly int pageShift;

    /// <summary>A bitmap of clean pages.</summary>
    /// <param name="pageCount">Pages, 0 to 2^36 (256 TiB in pages of 4 KiB).</param>
    /// <param name="pageSize">Bytes of a page, a power of two.</param>
    public DirtyBitmap(long pageCount, int pageSize = 4096)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(pageCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(pageCount, 1L << 36);
        if (pageSize <= 0 || !int.IsPow2(pageSize))
            throw new ArgumentOutOfRangeException(nameof(pageSize), pageSize, "A page has a power of two of bytes.");
        PageCount = pageCount;
        pageShift = int.Log2(pageSize);
        words = new ulong[(pageCount + 63) / 64];
    }

    /// <summary>Pages that it has a bit for.</summary>
    public long PageCount { get; }

    /// <summary>Bytes of a page.</summary>
    public int PageSize => 1 << pageShift;

    /// <summary>Whether a page is dirty.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such page.</exception>
    public bool this[long page]
    {
        get
        {
            Check(page, 1);
            return (Volatile.Read(ref words[page >> 6]) & Bit(page)) != 0;
        }
    }

    /// <summary>Marks a page.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such page.</exception>
    public void Set(long page)
    {
        Check(page, 1);
        Or(page >> 6, Bit(page));
    }

    /// <summary>Marks a page.</summary>
    /// <returns>Whether it was clean: of several threads one is told so.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such page.</exception>
    public bool TestAndSet(long page)
    {
        Check(page, 1);
        var bit = Bit(page);
        return (Interlocked.Or(ref words[page >> 6], bit) & bit) == 0;
    }

    /// <summary>Marks pages.</summary>
    /// <param name="page">The first.</param>
    /// <param name="count">How many; none is fine.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are not so many.</exception>
    public void SetRange(long page, long count)
    {
        Check(page, count);
        if (count == 0)
            return;
        var last = page + count - 1;
        for (var word = page >> 6; word <= last >> 6; word++)
            Or(word, Mask(word, page, last));
    }

    /// <summary>Marks every page.</summary>
    public void SetAll() => SetRange(0, PageCount);

    /// <summary>Marks pages that another bitmap has, for example a kernel's.</summary>
    /// <param name="firstPage">Page of bit 0 of the first word, a multiple of 64.</param>
    /// <param name="bits">Bit n of word w is page <paramref name="firstPage"/> + 64 w + n. Bits past the last page are ignored.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are not so many pages.</exception>
    public void SetWords(long firstPage, ReadOnlySpan<ulong> bits)
    {
        CheckWords(firstPage, bits.Length);
        var first = firstPage >> 6;
        for (var i = NextWord(bits, 0); i < bits.Length; i = NextWord(bits, i + 1))
        {
            var mask = bits[i] & Mask(first + i, 0, PageCount - 1);
            if (mask != 0)
                Or(first + i, mask);
        }
    }

    /// <summary>Copies bits out, as they are.</summary>
    /// <param name="firstPage">Page of bit 0 of the first word, a multiple of 64.</param>
    /// <param name="bits">Filled; bits past the last page are 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are not so many pages.</exception>
    public void CopyWords(long firstPage, Span<ulong> bits)
    {
        CheckWords(firstPage, bits.Length);
        words.AsSpan((int)(firstPage >> 6), bits.Length).CopyTo(bits);
    }

    /// <summary>Cleans a page.</summary>
    /// <returns>Whether it was dirty. Reads of the page that follow see every write that was marked before.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such page.</exception>
    public bool TestAndClear(long page)
    {
        Check(page, 1);
        var bit = Bit(page);
        return (Interlocked.And(ref words[page >> 6], ~bit) & bit) != 0;
    }

    /// <summary>Cleans pages.</summary>
    /// <param name="page">The first.</param>
    /// <param name="count">How many; none is fine.</param>
    /// <returns>How many of them were dirty.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There are not so many.</exception>
    public long ClearRange(long page, long count)
    {
        Check(page, count);
        if (count == 0)
            return 0;
        var last = page + count - 1;
        var cleaned = 0L;
        var end = (int)(last >> 6) + 1;
        for (var word = NextWord(words, (int)(page >> 6)); word < end; word = NextWord(words, word + 1))
        {
            var mask = Mask(word, page, last);
            cleaned += BitOperations.PopCount(Interlocked.And(ref words[word], ~mask) & mask);
        }
        return cleaned;
    }

    /// <summary>Cleans every page.</summary>
    /// <returns>How many were dirty.</returns>
    public long ClearAll() => ClearRange(0, PageCount);

    /// <summary>
    /// Moves all marks to another bitmap: what a migration does with the tracker's at the start of each round. Reads of the pages that follow
    /// see every write that was marked before.
    /// </summary>
    /// <param name="destination">Of as many pages. Marks that it has stay.</param>
    /// <returns>How many pages are newly dirty in <paramref name="destination"/>.</returns>
    /// <exception cref="ArgumentException">It has another number of pages.</exception>
    public long CollectInto(DirtyBitmap destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        if (destination == this || destination.PageCount != PageCount)
            throw new ArgumentException($"Expected another bitmap of {PageCount} pages.", nameof(destination));
        var added = 0L;
        for (var word = NextWord(words, 0); word < words.Length; word = NextWord(words, word + 1))
        {
            var taken = Interlocked.Exchange(ref words[word], 0);
            if (taken != 0)
                added += BitOperations.PopCount(taken & ~Interlocked.Or(ref destination.words[word], taken));
        }
        return added;
    }

    /// <summary>How many pages are dirty.</summary>
    public long Count()
    {
        var count = 0L;
        for (var word = NextWord(words, 0); word < words.Length; word = NextWord(words, word + 1))
            count += BitOperations.PopCount(Volatile.Read(ref words[word]));
        return count;
    }

    /// <summary>The first dirty page at or after a page.</summary>
    /// <param name="from">0 to <see cref="PageCount"/>.</param>
    /// <returns>−1 if there is none.</returns>
    public long FindNext(long from)
    {
        Check(from, 0);
        if (from == PageCount)
            return -1;
        var word = (int)(from >> 6);
        var bits = Volatile.Read(ref words[word]) & (ulong.MaxValue << (int)(from & 63));
        while (bits == 0)
        {
            word = NextWord(words, word + 1);
            if (word == words.Length)
                return -1;

            // Somebody may have cleared it since.
            bits = Volatile.Read(ref words[word]);
        }
        return ((long)word << 6) + BitOperations.TrailingZeroCount(bits);
    }

    /// <summary>The first clean page at or after a page.</summary>
    /// <param name="from">0 to <see cref="PageCount"/>.</param>
    /// <returns><see cref="PageCount"/> if there is none.</returns>
    public long FindNextClean(long from)
    {
        Check(from, 0);
        if (from == PageCount)
            return PageCount;
        var word = (int)(from >> 6);
        var clean = ~Volatile.Read(ref words[word]) & (ulong.MaxValue << (int)(from & 63));
        while (clean == 0)
        {
            var next = words.AsSpan(word + 1).IndexOfAnyExcept(ulong.MaxValue);
            if (next < 0)
                return PageCount;
            word += 1 + next;
            clean = ~Volatile.Read(ref words[word]);
        }
        return Math.Min(PageCount, ((long)word << 6) + BitOperations.TrailingZeroCount(clean));
    }

    /// <summary>The first dirty page at or after a page and before another, or that one: costs no more than what lies between.</summary>
    internal long FindNextBefore(long from, long before) => FindBefore(from, before, 0);

    /// <summary>The first clean page at or after a page and before another, or that one.</summary>
    internal long FindNextCleanBefore(long from, long before) => FindBefore(from, before, ulong.MaxValue);

    private long FindBefore(long from, long before, ulong invert)
    {
        Check(from, before - from);
        for (var page = from; page < before; page = (page | 63) + 1)
        {
            var bits = (Volatile.Read(ref words[page >> 6]) ^ invert) >> (int)(page & 63);
            if (bits != 0)
                return Math.Min(before, page + BitOperations.TrailingZeroCount(bits));
        }
        return before;
    }

    /// <summary>The first page at or after a page that is dirty here and clean there.</summary>
    /// <returns>−1 if there is none.</returns>
    internal long FindNextExcept(long from, DirtyBitmap except)
    {
        var page = FindNext(from);
        while (page >= 0 && except[page])
            page = FindNext(except.FindNextClean(page));
        return page;
    }

    /// <summary>
    /// The runs of dirty pages in ascending order. Made for bitmaps of every density: stretches of clean or of dirty pages cost next to
    /// nothing, and of a run only its ends are given.
    /// </summary>
    /// <param name="from">Where to look from, 0 to <see cref="PageCount"/>; set to where to go on.</param>
    /// <param name="extents">Filled from its start.</param>
    /// <returns>How many; less than there is room for only at the end.</returns>
    public int ReadExtents(ref long from, Span<PageExtent> extents)
    {
        for (var i = 0; i < extents.Length; i++)
        {
            var first = FindNext(from);
            if (first < 0)
            {
                from = PageCount;
                return i;
            }

            // A run of one is at least what was found: others may have cleared it since.
            from = Math.Max(first + 1, FindNextClean(first));
            extents[i] = new PageExtent(first, from - first);
        }
        return extents.Length;
    }

    /// <summary>
    /// Takes pages that were just written into those to be sent, and marks those of them that were written the last time too. All are of one
    /// length, and only this thread's.
    /// </summary>
    /// <param name="written">Just written; becomes empty.</param>
    /// <param name="before">Written the last time; becomes those just written.</param>
    /// <param name="pending">To be sent.</param>
    /// <param name="restless">Of those to be sent: written again and again.</param>
    /// <returns>How many pages are to be sent that were not.</returns>
    internal static long Sort(DirtyBitmap written, DirtyBitmap before, DirtyBitmap pending, DirtyBitmap restless)
    {
        var added = 0L;
        for (var i = 0; i < written.words.Length; i++)
        {
            // Mostly there is nothing in either.
            while (i + 8 <= written.words.Length && IsZero(ref written.words[i]) && IsZero(ref before.words[i]))
                i += 8;
            if (i == written.words.Length)
                break;
            var now = written.words[i];
            added += BitOperations.PopCount(now & ~pending.words[i]);
            pending.words[i] |= now;
            restless.words[i] |= now & before.words[i];
            before.words[i] = now;
            written.words[i] = 0;
        }
        return added;
    }

    /// <summary>
    /// Marks the pages of a range of bytes, at least one. What is past the last page is left out: a write that was checked before its block
    /// shrank must not fail once its bytes are there.
    /// </summary>
    internal void MarkBytes(long offset, long length)
    {
        var first = offset >> pageShift;
        var end = Math.Min(PageCount, ((offset + length - 1) >> pageShift) + 1);
        if (first < end)
            SetRange(first, end - first);
    }

    /// <summary>Index of the first word at or after <paramref name="from"/> that is not 0; the length if there is none.</summary>
    private static int NextWord(ReadOnlySpan<ulong> words, int from)
    {
        // Most of a guest is clean in every round but the first: 32 words a step, then 8, whatever the CPU has for it.
        ref var first = ref MemoryMarshal.GetReference(words);
        while (from <= words.Length - 32 && IsZero32(ref Unsafe.Add(ref first, from)))
            from += 32;
        while (from <= words.Length - 8 && IsZero(ref Unsafe.Add(ref first, from)))
            from += 8;
        while (from < words.Length && words[from] == 0)
            from++;
        return from;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsZero32(ref ulong words)
    {
        if (Vector512.IsHardwareAccelerated)
        {
            return (Vector512.LoadUnsafe(ref words) | Vector512.LoadUnsafe(ref words, 8) | Vector512.LoadUnsafe(ref words, 16) | Vector512.LoadUnsafe(ref words, 24))
                == Vector512<ulong>.Zero;
        }
        return IsZero(ref words) && IsZero(ref Unsafe.Add(ref words, 8)) && IsZero(ref Unsafe.Add(ref words, 16)) && IsZero(ref Unsafe.Add(ref words, 24));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsZero(ref ulong eight)
    {
        if (Vector512.IsHardwareAccelerated)
            return Vector512.LoadUnsafe(ref eight) == Vector512<ulong>.Zero;
        if (Vector256.IsHardwareAccelerated)
            return (Vector256.LoadUnsafe(ref eight) | Vector256.LoadUnsafe(ref eight, 4)) == Vector256<ulong>.Zero;
        return (Vector128.LoadUnsafe(ref eight) | Vector128.LoadUnsafe(ref eight, 2)
            | Vector128.LoadUnsafe(ref eight, 4) | Vector128.LoadUnsafe(ref eight, 6)) == Vector128<ulong>.Zero;
    }

    private static ulong Bit(long page) => 1UL << (int)(page & 63);

    /// <summary>The bits of a word that lie in a range of pages.</summary>
    private static ulong Mask(long word, long first, long last)
    {
        var mask = ulong.MaxValue;
        if (word == first >> 6)
            mask &= ulong.MaxValue << (int)(first & 63);
        if (word == last >> 6)
            mask &= ulong.MaxValue >> (int)(63 - (last & 63));
        return mask;
    }

    private void Or(long word, ulong mask)
    {
        // The fence orders the caller's write to the page before the look at the bit. Without it a bit found set could be one that a
        // collector takes before the write is visible. With it a page that is dirty already costs no exclusive cache line.
        Interlocked.MemoryBarrier();
        ref var target = ref words[word];
        if ((Volatile.Read(ref target) & mask) != mask)
            Interlocked.Or(ref target, mask);
    }

    private void Check(long page, long count)
    {
        if (page < 0 || count < 0 || page > PageCount - count)
            throw new ArgumentOutOfRangeException(nameof(page), $"{count} pages from {page} are not within the {PageCount} of the bitmap.");
    }

    private void CheckWords(long firstPage, int count)
    {
        if (firstPage < 0 || (firstPage & 63) != 0 || (firstPage >> 6) > words.Length - count)
            throw new ArgumentOutOfRangeException(nameof(firstPage), firstPage, $"Expected a multiple of 64, with {count} words within the bitmap's {words.Length}.");
    }
}
