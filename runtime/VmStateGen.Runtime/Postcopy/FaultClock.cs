using System;
using System.Collections.Generic;
using System.Diagnostics;

namespace VmStateGen.Runtime.Postcopy;

/// <summary>Takes the time of faults: from when one is heard of until its page is there, and for how long each thread stood still.</summary>
/// <remarks>Any thread. As many faults are open as threads wait, so a list is searched.</remarks>
internal sealed class FaultClock
{
    private readonly object gate = new();
    private readonly LatencyCounter faults = new();
    private readonly LatencyCounter requests = new();
    private readonly Dictionary<int, (long Faults, long Ticks)> threads = [];
    private Open[] open = new Open[64];
    private int count;

    private struct Open
    {
        public PageMap Map;
        public long Unit;
        public int Thread;
        public long Since;
        public bool IsRequest;
    }

    /// <summary>A thread waits for a unit.</summary>
    /// <param name="map">The block.</param>
    /// <param name="unit">Number of the unit.</param>
    /// <param name="thread">Its number in the kernel; 0 if it is not known.</param>
    /// <param name="since">When it was heard of.</param>
    /// <param name="isRequest">Whether the source is asked because of it.</param>
    public void Begin(PageMap map, long unit, int thread, long since, bool isRequest)
    {
        lock (gate)
        {
            if (count == open.Length)
                Array.Resize(ref open, 2 * count);
            open[count++] = new Open { Map = map, Unit = unit, Thread = thread, Since = since, IsRequest = isRequest };
        }
    }

    /// <summary>The unit is there, and all who waited for it go on.</summary>
    public void End(PageMap map, long unit)
    {
        var now = Stopwatch.GetTimestamp();
        lock (gate)
        {
            for (var i = 0; i < count;)
            {
                ref var one = ref open[i];
                if (one.Map != map || one.Unit != unit)
                {
                    i++;
                    continue;
                }
                var ticks = now - one.Since;
                faults.Add(ticks);
                if (one.IsRequest)
                    requests.Add(ticks);
                var (times, total) = threads.GetValueOrDefault(one.Thread);
                threads[one.Thread] = (times + 1, total + ticks);
                one = open[--count];
            }
        }
    }

    public (LatencyHistogram Faults, LatencyHistogram Requests, IReadOnlyList<BlockedThread> Threads) Snapshot()
    {
        lock (gate)
        {
            var now = Stopwatch.GetTimestamp();
            var all = new Dictionary<int, (long Faults, long Ticks)>(threads);
            for (var i = 0; i < count; i++)
            {
                // Who waits still has waited too.
                var (times, total) = all.GetValueOrDefault(open[i].Thread);
                all[open[i].Thread] = (times + 1, total + now - open[i].Since);
            }
            var list = new List<BlockedThread>();
            foreach (var (thread, (times, ticks)) in all)
                list.Add(new BlockedThread(thread, times, Stopwatch.GetElapsedTime(0, ticks)));
            list.Sort(static (a, b) => b.Time.CompareTo(a.Time));
            return (faults.Snapshot(), requests.Snapshot(), list);
        }
    }
}

/// <summary>A thread that had to wait for pages: a virtual CPU, or a device's.</summary>
/// <param name="ThreadId">Its number in the kernel (gettid).</param>
/// <param name="Faults">How often.</param>
/// <param name="Time">For how long, all in all.</param>
public sealed record BlockedThread(int ThreadId, long Faults, TimeSpan Time);

/// <summary>What a pager has done so far: a snapshot.</summary>
public sealed record PagerStatistics
{
    /// <summary>Touches of pages that were not there. A page that two threads wait for counts twice.</summary>
    public long Faults { get; init; }

    /// <summary>Pages that the source was asked for.</summary>
    public long Requests { get; init; }

    /// <summary>Pages that came after they had been asked for.</summary>
    public long Served { get; init; }

    /// <summary>Pages that came before anybody touched them.</summary>
    public long Prefetched { get; init; }

    /// <summary>Of both, pages of zeros.</summary>
    public long ZeroPages { get; init; }

    /// <summary>Pages that were given back (by a balloon, MADV_DONTNEED) before they came; they read as zeros.</summary>
    public long Removed { get; init; }

    /// <summary>Pages that have not come.</summary>
    public long Missing { get; init; }

    /// <summary>From the moment a fault was heard of until the thread was woken.</summary>
    public required LatencyHistogram FaultLatency { get; init; }

    /// <summary>From the request to the source until the page was placed.</summary>
    public required LatencyHistogram RequestLatency { get; init; }

    /// <summary>From the start of the pager until the last page was there; <see langword="null"/> before.</summary>
    public TimeSpan? TimeToResident { get; init; }

    /// <summary>Who waited, the longest first.</summary>
    public IReadOnlyList<BlockedThread> BlockedThreads { get; init; } = [];
}
