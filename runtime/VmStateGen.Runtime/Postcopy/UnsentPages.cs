using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.Postcopy;

/// <summary>
/// What a postcopy source has still to send: a bit for each unit of each block. A unit is <em>missing</em> at the destination until somebody
/// takes it, and who takes it sends it: so it is sent once within a connection, whoever pushes and whoever answers requests. A second copy
/// would pause the destination (qemu-migration.md §13.3).
/// </summary>
/// <remarks>
/// <para>Taking: any thread. All else: one thread, while nobody takes.</para>
/// <para>The destination does not notice a unit that never comes: it runs on with zeros. So only a unit that is known to be zeros may be left
/// out, and it stays missing: a request for it is answered.</para>
/// </remarks>
internal sealed class UnsentPages
{
    private readonly Part[] parts;
    private readonly int pageSize;
    private long left;

    /// <summary>Nothing is missing yet, and every unit may have contents.</summary>
    /// <param name="blocks">In the order of the stream.</param>
    /// <param name="pageSize">Target page size in bytes; no unit is smaller.</param>
    public UnsentPages(IReadOnlyList<PostcopyBlock> blocks, int pageSize)
    {
        foreach (var block in blocks)
        {
            if (block.UnitSize < pageSize)
                throw new ArgumentException($"{block.Name}: a unit of {block.UnitSize} bytes is less than the guest's page of {pageSize}.", nameof(blocks));
        }
        this.pageSize = pageSize;
        Blocks = blocks;
        parts = [.. blocks.Select(static block => new Part(block))];
    }

    /// <summary>The blocks.</summary>
    public IReadOnlyList<PostcopyBlock> Blocks { get; }

    /// <summary>Target page size in bytes.</summary>
    public int PageSize => pageSize;

    /// <summary>Whether units of zeros go unasked like the others.</summary>
    public bool PushesZeros { get; init; }

    /// <summary>Units that are missing and go unasked: the stream may end when there is none.</summary>
    public long Left => Interlocked.Read(ref left);

    /// <summary>Units that are missing, those of zeros too.</summary>
    public long Missing => parts.Sum(static part => part.Missing.Count());

    /// <summary>Says which pages of a block may hold anything but zeros; the others are sent as zeros, or only when they are asked for. Before anything is added.</summary>
    /// <param name="block">Number of the block.</param>
    /// <param name="pages">A bit for each target page.</param>
    public void SetContents(int block, DirtyBitmap pages)
    {
        var part = parts[block];
        part.HasContents.ClearAll();
        AddUnits(pages, part.HasContents);
    }

    /// <summary>Whether a unit may hold anything but zeros.</summary>
    public bool HasContents(int block, long unit) => parts[block].HasContents[unit];

    /// <summary>All of it is missing.</summary>
    public void AddAll()
    {
        for (var i = 0; i < parts.Length; i++)
        {
            parts[i].Missing.SetAll();
            Recount(i);
        }
    }

    /// <summary>These pages of a block are missing, and with them all of the units that they are in.</summary>
    /// <param name="block">Number of the block.</param>
    /// <param name="pages">A bit for each target page.</param>
    public void Add(int block, DirtyBitmap pages)
    {
        AddUnits(pages, parts[block].Missing);
        Recount(block);
    }

    /// <summary>After a cut: what the destination has not received is missing, whatever was sent (§13.7).</summary>
    /// <param name="block">Number of the block.</param>
    /// <param name="received">As on the wire: target page i is bit i % 8 of byte i / 8; whole words of 64.</param>
    /// <exception cref="VmStateException">It is of another size.</exception>
    public void Restart(int block, ReadOnlySpan<byte> received)
    {
        var part = parts[block];
        var pages = part.Block.Length / pageSize;
        var size = (pages + 63) / 64 * 8;
        if (received.Length != size)
            throw new VmStateException($"a bitmap of {size} bytes for the {pages} pages of {part.Block.Name}", $"{received.Length}", -1);
        var lost = new DirtyBitmap(pages, pageSize);
        Span<ulong> words = stackalloc ulong[64];
        for (var word = 0; word < received.Length / 8; word += words.Length)
        {
            var some = words[..Math.Min(words.Length, received.Length / 8 - word)];
            for (var i = 0; i < some.Length; i++)
                some[i] = ~BinaryPrimitives.ReadUInt64LittleEndian(received[(8 * (word + i))..]);
            lost.SetWords(64L * word, some);
        }
        part.Missing.ClearAll();
        part.ToPush.ClearAll();
        Add(block, lost);
    }

    /// <summary>Takes a unit that is missing. Whoever gets it must send it, and nobody else will.</summary>
    public bool TryTake(int block, long unit)
    {
        var part = parts[block];
        if (!part.Missing.TestAndClear(unit))
            return false;
        if (part.ToPush.TestAndClear(unit))
            Interlocked.Decrement(ref left);
        return true;
    }

    /// <summary>The first unit at or after one that is missing and goes unasked; −1 if there is none.</summary>
    public long FindToPush(int block, long from) => parts[block].ToPush.FindNext(Math.Min(from, parts[block].Block.UnitCount));

    /// <summary>What is missing of a block, in bytes, ascending: what the destination must discard before the switch.</summary>
    public IEnumerable<(long Start, long Length)> MissingRanges(int block)
    {
        var part = parts[block];
        long unit = part.Block.UnitSize;
        for (var first = part.Missing.FindNext(0); first >= 0;)
        {
            var end = part.Missing.FindNextClean(first);
            yield return (first * unit, (end - first) * unit);
            first = part.Missing.FindNext(end);
        }
    }

    /// <summary>For people: how many pages of which block are missing and go unasked.</summary>
    public string Describe()
    {
        var texts = parts.Select(static part => (part.Block, Count: part.ToPush.Count())).Where(static part => part.Count > 0)
            .Select(static part => $"{part.Count} {(part.Count == 1 ? "page" : "pages")} of {part.Block.Name}");
        return string.Join(", ", texts) is { Length: > 0 } text ? text : "no page";
    }

    /// <summary>Marks each unit that has a bit.</summary>
    private void AddUnits(DirtyBitmap pages, DirtyBitmap units)
    {
        var each = units.PageSize / pageSize;
        for (var page = pages.FindNext(0); page >= 0;)
        {
            var end = pages.FindNextClean(page);
            units.SetRange(page / each, (end - 1) / each - page / each + 1);
            page = pages.FindNext(end);
        }
    }

    private void Recount(int block)
    {
        var part = parts[block];
        Span<ulong> missing = stackalloc ulong[64];
        Span<ulong> contents = stackalloc ulong[64];
        for (var unit = 0L; unit < part.Block.UnitCount; unit += 64 * missing.Length)
        {
            var count = (int)Math.Min(missing.Length, (part.Block.UnitCount - unit + 63) / 64);
            part.Missing.CopyWords(unit, missing[..count]);
            part.HasContents.CopyWords(unit, contents[..count]);
            for (var i = 0; i < count; i++)
                missing[i] &= PushesZeros ? ulong.MaxValue : contents[i];
            part.ToPush.SetWords(unit, missing[..count]);
        }
        Interlocked.Exchange(ref left, parts.Sum(static one => one.ToPush.Count()));
    }

    private sealed class Part(PostcopyBlock block)
    {
        public readonly PostcopyBlock Block = block;

        /// <summary>Units that the destination does not have.</summary>
        public readonly DirtyBitmap Missing = new(block.UnitCount, block.UnitSize);

        /// <summary>Those of them that go unasked.</summary>
        public readonly DirtyBitmap ToPush = new(block.UnitCount, block.UnitSize);

        public readonly DirtyBitmap HasContents = All(block);

        private static DirtyBitmap All(PostcopyBlock block)
        {
            var all = new DirtyBitmap(block.UnitCount, block.UnitSize);
            all.SetAll();
            return all;
        }
    }
}
