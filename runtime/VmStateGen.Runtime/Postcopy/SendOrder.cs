using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Postcopy;

/// <summary>
/// What a postcopy source sends next: what is requested, in the order of the requests; then what lies around the last request, behind it first;
/// then the rest, from its start to its end.
/// </summary>
/// <remarks>Any thread.</remarks>
internal sealed class SendOrder
{
    /// <summary>Bytes behind a request that are likely to be touched next, and half as many before it.</summary>
    private const int Near = 256 << 10;

    private readonly UnsentPages unsent;
    private readonly Dictionary<string, int> numbers;
    private readonly Queue<(int Block, long First, long Count, long Stamp)> requests = new();
    private readonly object gate = new();
    private int lastRequested = -1;
    private (int Block, long Next, long End) ahead;
    private (int Block, long Next, long End) behind;
    private (int Block, long Unit) rest;
    private bool isStopped;

    public SendOrder(UnsentPages unsent)
    {
        this.unsent = unsent;
        numbers = unsent.Blocks.Select(static (block, i) => (block.Name, i)).ToDictionary();
    }

    /// <summary>Whether <see cref="Stop"/> was called.</summary>
    public bool IsStopped
    {
        get
        {
            lock (gate)
                return isStopped;
        }
    }

    /// <summary>Takes a request in.</summary>
    /// <exception cref="VmStateException">It is for what the machine does not have.</exception>
    public void Add(in PageRequest request)
    {
        lock (gate)
        {
            if (request.Block is { } name)
                lastRequested = numbers.TryGetValue(name, out var number) ? number : throw Fault.At("request for pages", "a block of this machine", $"\"{name}\"", -1);
            if (lastRequested < 0)
                throw Fault.At("request for pages", "the name of a block in the first request", "none", -1);
            var block = unsent.Blocks[lastRequested];
            if (request.Length == 0 || request.Start >= (ulong)block.Length || request.Length > (ulong)block.Length - request.Start)
                throw Fault.At($"request for pages › {block.Name}", $"a range within its {block.Length} bytes", $"0x{request.Start:x}+0x{request.Length:x}", -1);
            var first = (long)request.Start / block.UnitSize;
            var count = ((long)request.Start + request.Length - 1) / block.UnitSize - first + 1;
            requests.Enqueue((lastRequested, first, count, Stopwatch.GetTimestamp()));
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>What is requested and was not sent. Its pages are the caller's to send.</summary>
    /// <param name="maxBytes">At most that much, but one unit.</param>
    /// <param name="run">The pages.</param>
    /// <param name="stamp">When it was asked for.</param>
    public bool TryTakeRequested(int maxBytes, out UnitRun run, out long stamp)
    {
        lock (gate)
        {
            while (requests.TryDequeue(out var request))
            {
                stamp = request.Stamp;
                var end = request.First + request.Count;
                for (var unit = request.First; unit < end; unit++)
                {
                    if (!unsent.TryTake(request.Block, unit))
                        continue;
                    run = Extend(request.Block, unit, end, maxBytes);
                    var next = run.First + run.Count;
                    if (next < end)
                        requests.Enqueue((request.Block, next, end - next, stamp));
                    LookAround(request.Block, next);
                    return true;
                }
            }
            (run, stamp) = (default, 0);
            return false;
        }
    }

    /// <summary>What nobody has asked for. Its pages are the caller's to send.</summary>
    /// <returns><see langword="false"/> if nothing with contents is left.</returns>
    public bool TryTakeNext(int maxBytes, out UnitRun run)
    {
        lock (gate)
            return TryTakeNear(ref ahead, maxBytes, out run) || TryTakeNear(ref behind, maxBytes, out run) || TryTakeRest(maxBytes, out run);
    }

    /// <summary>Waits until something is requested.</summary>
    /// <returns>Whether it is; not if the time is over, or nobody is to wait any more.</returns>
    public bool Wait(TimeSpan timeout)
    {
        lock (gate)
        {
            if (requests.Count == 0 && !isStopped)
                Monitor.Wait(gate, timeout);
            return requests.Count > 0 && !isStopped;
        }
    }

    /// <summary>Nobody waits any more.</summary>
    public void Stop()
    {
        lock (gate)
        {
            isStopped = true;
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>On a new connection: what was requested is requested again, with the name of its block (qemu-migration.md §13.7).</summary>
    public void Restart()
    {
        lock (gate)
        {
            requests.Clear();
            (lastRequested, isStopped) = (-1, false);
            ahead = behind = default;
            rest = default;
        }
    }

    private void LookAround(int block, long next)
    {
        var units = Math.Max(1, Near / unsent.Blocks[block].UnitSize);
        ahead = (block, next, Math.Min(unsent.Blocks[block].UnitCount, next + units));
        behind = (block, Math.Max(0, next - 1 - units / 2), next);
    }

    private bool TryTakeNear(ref (int Block, long Next, long End) near, int maxBytes, out UnitRun run)
    {
        run = default;
        while (near.Next < near.End)
        {
            var unit = unsent.FindToPush(near.Block, near.Next);
            near.Next = unit < 0 ? near.End : unit + 1;
            if (unit < 0 || unit >= near.End || !unsent.TryTake(near.Block, unit))
                continue;
            run = Extend(near.Block, unit, near.End, maxBytes);
            near.Next = run.First + run.Count;
            return true;
        }
        return false;
    }

    private bool TryTakeRest(int maxBytes, out UnitRun run)
    {
        run = default;
        while (rest.Block < unsent.Blocks.Count)
        {
            var unit = unsent.FindToPush(rest.Block, rest.Unit);
            if (unit < 0)
            {
                rest = (rest.Block + 1, 0);
                continue;
            }
            rest.Unit = unit + 1;
            if (!unsent.TryTake(rest.Block, unit))
                continue;
            run = Extend(rest.Block, unit, unsent.Blocks[rest.Block].UnitCount, maxBytes);
            rest.Unit = run.First + run.Count;
            return true;
        }
        return false;
    }

    /// <summary>Takes as many units behind a taken one as follow it without a gap and fit. All have contents or none has.</summary>
    private UnitRun Extend(int block, long unit, long end, int maxBytes)
    {
        var hasContents = unsent.HasContents(block, unit);
        var most = hasContents || unsent.PushesZeros ? Math.Max(1, maxBytes / unsent.Blocks[block].UnitSize) : 1;
        var count = 1;
        while (count < most && unit + count < end && unsent.HasContents(block, unit + count) == hasContents && unsent.TryTake(block, unit + count))
            count++;
        return new UnitRun(block, unit, count);
    }
}
