using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;
using VmStateGen.Runtime.DirtyTracking;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Ram;

/// <summary>The sending half of <see cref="RamPrecopy"/>: pages go from guest RAM to the channel without a copy.</summary>
internal sealed class RamSaver(GuestMemory memory, IDirtyTracker tracker) : IDisposable
{
    // The kernel takes 1,024 segments in one call: headers and pages in turn make 2 MiB of it.
    private const int Segments = 1024;
    private const int OwnBytes = 32 * 1024;

    // With XBZRLE pages are sent from a copy.
    private const int OwnBytesOfCopies = 1 << 20;
    private const int MostOfRecord = 8 + 1 + RamBlock.MaxNameLength + 3;
    private const int PagesAtOnce = 64;
    private const int UntouchedAtOnce = 1024;
    private const int ZeroRecord = 8 + 1;

    private IoVector vector = memory.CreateVector(Segments, OwnBytes);
    private readonly int pageSize = memory.PageSize;
    private readonly List<Block> blocks = [];
    private IDirtyTracking? tracking;
    private XbzrleSaver? xbzrle;
    private bool isFirstRoundOver;
    private bool isPassEmpty = true;
    private RamBlock? last;
    private int index;
    private long next;
    private long total;
    private long remainingPages;
    private long transferred;
    private long zeroPages;
    private long normalPages;
    private long syncs;
    private long dirtied;
    private long dirtyRate;
    private long rateSince;

    public long RemainingBytes => remainingPages * pageSize;

    public RamTraffic Traffic => new(total, RemainingBytes, transferred, zeroPages, normalPages, syncs, dirtyRate) { Xbzrle = xbzrle?.Traffic };

    /// <summary>A block that is moved.</summary>
    private sealed class Block(RamBlock ram, DirtyBitmap pending, long firstPage)
    {
        public readonly RamBlock Ram = ram;

        /// <summary>Number of its first page among all pages of the machine.</summary>
        public readonly long FirstPage = firstPage;

        /// <summary>Pages to be sent.</summary>
        public readonly DirtyBitmap Pending = pending;

        /// <summary>Of those the ones that are written again and again. They go after all others: the later one goes the likelier it is the last time.</summary>
        public readonly DirtyBitmap Restless = new(pending.PageCount, pending.PageSize);

        /// <summary>Pages that the tracker has just given.</summary>
        public readonly DirtyBitmap Written = new(pending.PageCount, pending.PageSize);

        /// <summary>And those that it gave before.</summary>
        public readonly DirtyBitmap WrittenBefore = new(pending.PageCount, pending.PageSize);

        /// <summary>In the first round: pages that may hold anything but zeros. The others are not looked at: reading them would make them be there.</summary>
        public DirtyBitmap? Touched;
    }

    public void Setup(IterationOutput output, MigrationFeatures features)
    {
        var entries = new List<RamBlockEntry>();
        var moved = new List<RamBlock>();
        foreach (var ram in RamPrecopy.MigratableBlocks(memory))
        {
            long? unit = features.PostcopyUnits?[ram.Name] is { } size && size != pageSize ? size : null;
            entries.Add(new RamBlockEntry(ram.Name, ram.UsedLength, unit, GuestAddress: features.IgnoreShared ? RamPrecopy.GuestAddress(memory, ram) : null));
            total += ram.UsedLength;
            if (!RamPrecopy.IsIgnored(ram, features))
                moved.Add(ram);
        }

        // Before it is asked what was touched: a write after the question is tracked.
        tracking = tracker.Start(memory, moved);
        if (features.Xbzrle && pageSize > XbzrleEncoder.LargestPage)
            throw new NotSupportedException($"XBZRLE is for pages of 64 KiB at most, not of 0x{pageSize:x} bytes.");
        if (features.Xbzrle)
        {
            xbzrle = new XbzrleSaver(features.XbzrleCacheSize, pageSize);
            vector = memory.CreateVector(Segments, OwnBytesOfCopies);
        }
        foreach (var ram in moved)
        {
            var pending = new DirtyBitmap(ram.UsedLength / pageSize, pageSize);
            pending.SetAll();
            blocks.Add(new Block(ram, pending, remainingPages) { Touched = memory.FindTouched(ram) });
            remainingPages += pending.PageCount;
        }
        rateSince = Stopwatch.GetTimestamp();
        new RamSectionWriter(output, pageSize).WriteSetup(entries);
    }

    /// <summary>A dirty sync: takes in the pages that were written since the last one (qemu-migration.md §7).</summary>
    public void Synchronize()
    {
        var added = 0L;
        foreach (var block in blocks)
        {
            tracking!.Collect(block.Ram, block.Written);

            // A page of the first round that is still to be sent and has been written by now is no longer untouched.
            if (block.Touched is { } touched)
                Merge(block.Written, touched);
            added += DirtyBitmap.Sort(block.Written, block.WrittenBefore, block.Pending, block.Restless);
        }
        remainingPages += added;
        dirtied += added;
        syncs++;
        var elapsed = Stopwatch.GetElapsedTime(rateSince);
        if (elapsed >= TimeSpan.FromSeconds(1))
        {
            dirtyRate = (long)(dirtied / elapsed.TotalSeconds);
            (dirtied, rateSince) = (0, Stopwatch.GetTimestamp());
        }
    }

    public void Iterate(IterationOutput output, long budget)
    {
        var end = transferred + budget;
        while (remainingPages > 0 && transferred + vector.Length < end)
            SendSome(output);
        EndSection(output);
    }

    public void Complete(IterationOutput output)
    {
        Synchronize();
        while (remainingPages > 0)
            SendSome(output);
        EndSection(output);
    }

    /// <summary>The guest is stopped and goes over by postcopy: of each block, in the order of the stream, what the destination lacks.</summary>
    public IReadOnlyList<PagesLeft> HandOver()
    {
        Synchronize();
        return blocks.ConvertAll(block => new PagesLeft(memory.FindTouched(block.Ram), block.Pending, block.Restless));
    }

    public void Dispose() => tracking?.Dispose();

    private static void Merge(DirtyBitmap from, DirtyBitmap into)
    {
        Span<ulong> words = stackalloc ulong[512];
        for (var page = 0L; page < from.PageCount; page += 64 * words.Length)
        {
            var some = words[..(int)Math.Min(words.Length, (from.PageCount - page + 63) / 64)];
            from.CopyWords(page, some);
            into.SetWords(page, some);
        }
    }

    private void EndSection(IterationOutput output)
    {
        Span<byte> mark = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(mark, (ulong)RamFlags.EndOfSection);
        MakeRoom(output);
        vector.AddBytes(mark);
        Flush(output);
    }

    /// <summary>Sends the next run of dirty pages, or a part of it.</summary>
    private void SendSome(IterationOutput output)
    {
        var block = blocks[index];
        var first = block.Pending.FindNextExcept(next, block.Restless);
        if (first < 0)
        {
            (index, next) = (index + 1, 0);
            if (index == blocks.Count)
                StartOver();
            return;
        }
        var isTouched = block.Touched?[first] != false;
        var end = Math.Min(block.Pending.PageCount, first + (isTouched ? PagesAtOnce : UntouchedAtOnce));
        end = block.Pending.FindNextCleanBefore(first, end);
        end = block.Restless.FindNextBefore(first, end);
        if (block.Touched is { } touched)
            end = isTouched ? touched.FindNextCleanBefore(first, end) : touched.FindNextBefore(first, end);
        var count = (int)(end - first);

        // Before the pages are read: the marks of what is written from now on will be collected.
        remainingPages -= block.Pending.ClearRange(first, count);
        isPassEmpty = false;
        next = end;
        if (isTouched)
            AddPages(output, block, first, count);
        else
            AddUntouched(output, block, first, count);
        if (remainingPages == 0)
            EndFirstRound();
    }

    /// <summary>Every page was come by, and sent or dirtied since: those are touched, and all of them may be differences.</summary>
    private void EndFirstRound()
    {
        if (isFirstRoundOver)
            return;
        blocks.ForEach(static block => block.Touched = null);
        isFirstRoundOver = true;
    }

    /// <summary>Goes through the blocks again; with the restless pages if there was nothing else.</summary>
    private void StartOver()
    {
        EndFirstRound();
        if (isPassEmpty)
            blocks.ForEach(static block => block.Restless.ClearAll());
        (index, isPassEmpty) = (0, true);
    }

    private void AddPages(IterationOutput output, Block block, long first, int count)
    {
        var zeros = memory.FindZeroPages(block.Ram, first, count);
        for (var i = 0; i < count; i++)
            AddPage(output, block, first + i, (zeros >> i & 1) != 0);
    }

    /// <summary>Pages that nobody has read or written: most of many guests, so their records are made in one go.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddUntouched(IterationOutput output, Block block, long first, int count)
    {
        AddPage(output, block, first, isZero: true);
        if (--count == 0)
            return;
        if (vector.FreeSegments == 0 || vector.FreeBytes < count * ZeroRecord)
            Flush(output);
        var records = vector.AddRoom(count * ZeroRecord);
        var header = (ulong)((first + 1) * pageSize) | (ulong)(RamFlags.Zero | RamFlags.Continue);
        for (; !records.IsEmpty; records = records[ZeroRecord..], header += (ulong)pageSize)
        {
            BinaryPrimitives.WriteUInt64BigEndian(records, header);
            records[8] = 0;
        }
        zeroPages += count;
    }

    private void AddPage(IterationOutput output, Block block, long page, bool isZero)
    {
        MakeRoom(output);
        var offset = page * pageSize;
        if (isZero)
        {
            AddHeader(block.Ram, offset, RamFlags.Zero, [0]);
            zeroPages++;
            if (isFirstRoundOver)
                xbzrle?.SetZero(block.FirstPage + page, syncs);
            return;
        }
        if (xbzrle is null || !isFirstRoundOver)
        {
            AddHeader(block.Ram, offset, RamFlags.Page, []);
            vector.AddRam(block.Ram, offset, pageSize);
            normalPages++;
            return;
        }
        switch (xbzrle.Take(memory, block.Ram, offset, block.FirstPage + page, syncs, out var record))
        {
            case XbzrleOutcome.Page:
                AddHeader(block.Ram, offset, RamFlags.Page, []);
                vector.AddBytes(record);
                normalPages++;
                break;
            case XbzrleOutcome.Difference:
                AddHeader(block.Ram, offset, RamFlags.Xbzrle, [1, (byte)(record.Length >> 8), (byte)record.Length]);
                vector.AddBytes(record);
                break;
        }
    }

    private void AddHeader(RamBlock block, long offset, RamFlags flags, ReadOnlySpan<byte> rest)
    {
        var nameLength = 0;
        if (block == last)
            flags |= RamFlags.Continue;
        else
            nameLength = 1 + block.Name.Length;
        var record = vector.AddRoom(8 + nameLength + rest.Length);
        BinaryPrimitives.WriteUInt64BigEndian(record, (ulong)offset | (ulong)flags);
        if (nameLength > 0)
        {
            record[8] = (byte)block.Name.Length;
            Encoding.ASCII.GetBytes(block.Name, record[9..]);
            last = block;
        }
        rest.CopyTo(record[(8 + nameLength)..]);
    }

    private void MakeRoom(IterationOutput output)
    {
        if (vector.FreeSegments < 2 || vector.FreeBytes < MostOfRecord + (xbzrle is null ? 0 : pageSize))
            Flush(output);
    }

    private void Flush(IterationOutput output)
    {
        if (vector.Length == 0)
            return;
        output.Write(vector);
        transferred += vector.Length;
        vector.Clear();
    }
}
