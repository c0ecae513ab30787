using System;
using System.Collections.Generic;
using System.Threading;
using VmStateGen.Runtime.Ram;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Postcopy;

/// <summary>
/// The RAM of a snapshot file as the source of missing pages: a guest runs before its file has been read. What is asked for comes first, the rest
/// in the order of the blocks.
/// </summary>
/// <remarks>Reads the file on a thread of its own, for which alone the image is from <see cref="Serve"/> on. Other members: any thread.</remarks>
public sealed class SnapshotPageSource : IPageSource, IDisposable
{
    private readonly RamImage image;
    private readonly Queue<(RamBlock Block, long Offset)> requests = [];
    private readonly object gate = new();
    private Thread? thread;
    private bool isDisposed;

    /// <param name="image">Has every block of the pager, under the same name and of the same length; stays the caller's.</param>
    public SnapshotPageSource(RamImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        this.image = image;
    }

    /// <summary>Begins to place pages. An error in the file is the pager's <see cref="Pager.Failure"/>.</summary>
    /// <param name="pager">Asks this source.</param>
    /// <param name="isPrefetching">Whether to bring also what nobody has asked for.</param>
    public void Serve(Pager pager, bool isPrefetching = true)
    {
        ArgumentNullException.ThrowIfNull(pager);
        if (thread != null)
            throw new InvalidOperationException("It serves already.");
        thread = new Thread(() => Run(pager, isPrefetching)) { IsBackground = true, Name = "snapshot pages" };
        thread.Start();
    }

    /// <inheritdoc/>
    public void Request(RamBlock block, long offset, int length)
    {
        lock (gate)
        {
            requests.Enqueue((block, offset));
            Monitor.Pulse(gate);
        }
    }

    /// <summary>No more pages are placed.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            isDisposed = true;
            Monitor.Pulse(gate);
        }
        thread?.Join();
    }

    private void Run(Pager pager, bool isPrefetching)
    {
        var next = new Pager.Position();
        byte[] unit = [];
        try
        {
            while (true)
            {
                if (!TryTakeRequest(mayWait: !isPrefetching, out var block, out var offset))
                {
                    if (isDisposed)
                        return;
                    isPrefetching = isPrefetching && pager.TryFindMissing(ref next, out block, out offset);
                    if (!isPrefetching)
                        continue;
                }
                var length = pager.UnitOf(block!);
                if (unit.Length < length)
                    unit = GC.AllocateUninitializedArray<byte>(length, pinned: true);
                Place(pager, block!, offset, unit.AsSpan(0, length));
            }
        }
        catch (Exception e)
        {
            pager.Fail(e);
        }
    }

    private bool TryTakeRequest(bool mayWait, out RamBlock? block, out long offset)
    {
        (block, offset) = (null, 0);
        lock (gate)
        {
            while (mayWait && !isDisposed && requests.Count == 0)
                Monitor.Wait(gate);
            if (isDisposed || requests.Count == 0)
                return false;
            (block, offset) = requests.Dequeue();
            return true;
        }
    }

    private void Place(Pager pager, RamBlock block, long offset, Span<byte> unit)
    {
        if (image.FindBlock(block.Name) is not { } entry || entry.UsedLength < block.UsedLength)
            throw new VmStateException($"{block.Name} of 0x{block.UsedLength:x} bytes in the snapshot", "none, or a shorter one", -1);
        var isZero = true;
        for (var at = 0; at < unit.Length; at += image.PageSize)
            isZero &= image.ReadPage(entry, (offset + at) / image.PageSize, unit.Slice(at, image.PageSize)) != RamPageState.Normal;

        // One that was prefetched before its request was taken is there already.
        _ = isZero ? pager.TryPlaceZero(block, offset) : pager.TryPlace(block, offset, unit);
    }
}
