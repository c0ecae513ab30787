using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using VmStateGen.Runtime.DirtyTracking;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.Tests.DirtyTracking;

/// <summary>
/// A guest whose pages begin with sequence numbers, and what a migration would have of it: after each collection a page that was written
/// before it must be there as it was then, or newer.
/// </summary>
internal abstract class WrittenGuest : IDisposable
{
    public const int Page = 4096;

    protected WrittenGuest(RamBlock block, GuestMemory memory, int firstPage, int pages)
    {
        (Block, Memory, FirstPage, Pages) = (block, memory, firstPage, pages);
        Copy = new ulong[pages];
    }

    public RamBlock Block { get; }

    public GuestMemory Memory { get; }

    public int FirstPage { get; }

    public int Pages { get; }

    /// <summary>What the migration has of each page.</summary>
    public ulong[] Copy { get; }

    /// <summary>Numbers that are in their pages by now, at the least.</summary>
    public abstract ulong[] Published();

    public abstract void Start();

    public abstract void Stop();

    public virtual void Dispose() => Memory.Dispose();

    /// <summary>Collects round after round while the guest writes, until that has given enough pages, and once more when it has stopped.</summary>
    public void Follow(IDirtyTracking tracking, int rounds)
    {
        var dirty = new DirtyBitmap(Block.UsedLength / Page);
        var collected = 0L;
        Start();
        ReadAll();
        var watch = Stopwatch.StartNew();
        for (var round = 0; round < rounds || collected < 10 * Pages; round++)
        {
            collected += Round(tracking, dirty);
            Assert.True(watch.Elapsed < TimeSpan.FromMinutes(1), $"{collected} pages in {round} rounds: it is not tracked");
        }
        Stop();
        Round(tracking, dirty);
        var last = Published();
        ReadAll();
        Assert.Equal(last, Copy);
    }

    private long Round(IDirtyTracking tracking, DirtyBitmap dirty)
    {
        var published = Published();
        tracking.Collect(Block, dirty);
        var count = 0L;
        for (var page = dirty.FindNext(0); page >= 0; page = dirty.FindNext(page + 1))
        {
            count++;
            if (page >= FirstPage && page < FirstPage + Pages)
                Copy[page - FirstPage] = Read(page);
        }
        dirty.ClearAll();
        for (var i = 0; i < Pages; i++)
            Assert.True(Copy[i] >= published[i], $"page {i}: {published[i]} was written before the collection, {Copy[i]} is there after it");
        return count;
    }

    /// <summary>As the first round of a migration does.</summary>
    private void ReadAll()
    {
        for (var i = 0; i < Pages; i++)
            Copy[i] = Read(FirstPage + i);
    }

    private ulong Read(long page)
    {
        Span<byte> bytes = stackalloc byte[8];
        Memory.Read(Block, page * Page, bytes);
        return BitConverter.ToUInt64(bytes);
    }
}

/// <summary>Threads of this process write.</summary>
internal sealed class ThreadGuest : WrittenGuest
{
    private readonly Action<RamBlock, GuestMemory, long, ulong> write;
    private readonly ulong[] published;
    private readonly List<Thread> threads = [];
    private volatile bool isStopping;

    public ThreadGuest(RamBlockOptions options, Action<RamBlock, GuestMemory, long, ulong> write, int pages = 1024)
        : this(new GuestMemory(), options, write, pages)
    {
    }

    private ThreadGuest(GuestMemory memory, RamBlockOptions options, Action<RamBlock, GuestMemory, long, ulong> write, int pages)
        : base(memory.AddBlock("ram", Math.Max(4 << 20, 2L * pages * Page), options), memory, pages / 2, pages)
    {
        this.write = write;
        published = new ulong[pages];
    }

    public override ulong[] Published() => [.. Enumerable.Range(0, Pages).Select(i => Volatile.Read(ref published[i]))];

    public override void Start()
    {
        for (var i = 0; i < 2; i++)
        {
            var number = i;
            var thread = new Thread(() => Run(number));
            threads.Add(thread);
            thread.Start();
        }
    }

    public override void Stop()
    {
        isStopping = true;
        threads.ForEach(static thread => thread.Join());
    }

    public override void Dispose()
    {
        Stop();
        base.Dispose();
    }

    private void Run(int number)
    {
        var random = new Random(number);
        while (!isStopping)
        {
            // Some pages are written all the time, others now and then.
            var page = random.Next(random.Next(2) == 0 ? 16 : Pages / 2) * 2 + number;
            var next = published[page] + 1;
            write(Block, Memory, (long)(FirstPage + page) * Page, next);
            Volatile.Write(ref published[page], next);
        }
    }
}
