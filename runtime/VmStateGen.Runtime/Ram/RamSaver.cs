using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Diagnostics;
using System.Text;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Ram;

/// <summary>The sending half of <see cref="RamPrecopy"/>: pages go from guest RAM to the channel without a copy.</summary>
internal sealed class RamSaver(GuestMemory memory) : IDisposable
{
    // The kernel takes 1,024 segments in one call: headers and pages in turn make 2 MiB of it.
    private const int Segments = 1024;
    private const int OwnBytes = 32 * 1024;
    private const int MostOfRecord = 8 + 1 + RamBlock.MaxNameLength + 1;
    private const int PagesAtOnce = 64;

    private readonly IoVector vector = memory.CreateVector(Segments, OwnBytes);
    private readonly int pageSize = memory.PageSize;
    private readonly List<Block> blocks = [];
    private DirtyLog? log;
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

    public RamTraffic Traffic => new(total, RemainingBytes, transferred, zeroPages, normalPages, syncs, dirtyRate);

    /// <summary>A block that is moved.</summary>
    private sealed class Block(RamBlock ram, DirtyBitmap pending)
    {
        public readonly RamBlock Ram = ram;

        /// <summary>Pages to be sent.</summary>
        public readonly DirtyBitmap Pending = pending;

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

        // No blocks would mean all. The log comes before what was touched is asked: a write after the question is in the log.
        if (moved.Count > 0)
            log = memory.StartDirtyLog("migration", moved.ToArray());
        foreach (var ram in moved)
        {
            var pending = new DirtyBitmap(ram.UsedLength / pageSize, pageSize);
            pending.SetAll();
            remainingPages += pending.PageCount;
            blocks.Add(new Block(ram, pending) { Touched = memory.FindTouched(ram) });
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
            var marks = log![block.Ram];
            if (block.Touched is not { } touched)
            {
                added += marks.CollectInto(block.Pending);
                continue;
            }

            // A page of the first round that is still to be sent and has been written by now is no longer untouched.
            var taken = new DirtyBitmap(marks.PageCount, pageSize);
            marks.CollectInto(taken);
            Merge(taken, touched);
            added += taken.CollectInto(block.Pending);
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

    /// <summary>
    /// The guest is stopped and goes over by postcopy: says what the destination lacks, never sent or dirtied since. What was never touched here
    /// is zeros.
    /// </summary>
    public void HandOver(Postcopy.UnsentPages unsent)
    {
        Synchronize();
        for (var i = 0; i < blocks.Count; i++)
        {
            unsent.SetContents(i, memory.FindTouched(blocks[i].Ram));
            unsent.Add(i, blocks[i].Pending);
        }
    }

    public void Dispose() => log?.Dispose();

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
        var first = block.Pending.FindNext(next);
        if (first < 0)
        {
            (index, next) = ((index + 1) % blocks.Count, 0);
            return;
        }
        var end = block.Pending.FindNextClean(first);
        var isTouched = true;
        if (block.Touched is { } touched)
        {
            isTouched = touched[first];
            var change = isTouched ? touched.FindNextClean(first) : touched.FindNext(first);
            if (change >= 0)
                end = Math.Min(end, change);
        }
        end = Math.Min(end, first + PagesAtOnce);
        var count = (int)(end - first);

        // Before the pages are read: the marks of what is written from now on are in the log.
        remainingPages -= block.Pending.ClearRange(first, count);
        next = end;
        var zeros = isTouched ? memory.FindZeroPages(block.Ram, first, count) : ulong.MaxValue;
        for (var i = 0; i < count; i++)
            AddRecord(output, block.Ram, (first + i) * pageSize, (zeros >> i & 1) != 0);
        if (remainingPages == 0)
            blocks.ForEach(static done => done.Touched = null);
    }

    private void AddRecord(IterationOutput output, RamBlock block, long offset, bool isZero)
    {
        MakeRoom(output);
        Span<byte> record = stackalloc byte[MostOfRecord];
        var length = 8;
        var flags = isZero ? RamFlags.Zero : RamFlags.Page;
        if (block == last)
        {
            flags |= RamFlags.Continue;
        }
        else
        {
            record[length++] = (byte)block.Name.Length;
            length += Encoding.ASCII.GetBytes(block.Name, record[length..]);
            last = block;
        }
        BinaryPrimitives.WriteUInt64BigEndian(record, (ulong)offset | (ulong)flags);
        if (isZero)
            record[length++] = 0;
        vector.AddBytes(record[..length]);
        if (isZero)
        {
            zeroPages++;
            return;
        }
        vector.AddRam(block, offset, pageSize);
        normalPages++;
    }

    private void MakeRoom(IterationOutput output)
    {
        if (vector.FreeSegments < 2 || vector.FreeBytes < MostOfRecord)
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
