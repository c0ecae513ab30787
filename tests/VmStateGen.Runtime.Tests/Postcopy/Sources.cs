using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Threading;
using VmStateGen.Runtime.Postcopy;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.Tests.Postcopy;

/// <summary>Only notes what it is asked for.</summary>
internal sealed class SilentSource : IPageSource
{
    public ConcurrentQueue<(RamBlock Block, long Offset, int Length)> Requests { get; } = [];

    public void Request(RamBlock block, long offset, int length) => Requests.Enqueue((block, offset, length));
}

/// <summary>Has the pages at hand and places them at once, on the pager's own thread.</summary>
internal sealed class LocalSource : IPageSource
{
    private byte[] buffer = [];

    public Pager? Pager { get; set; }

    public void Request(RamBlock block, long offset, int length)
    {
        if (buffer.Length < length)
            buffer = GC.AllocateArray<byte>(length, pinned: true);
        Blocks.Fill(offset, buffer.AsSpan(0, length));
        Assert.True(Blocks.IsZero(offset, length) ? Pager!.TryPlaceZero(block, offset) : Pager!.TryPlace(block, offset, buffer.AsSpan(0, length)));
    }
}

/// <summary>Threads that answer requests, and others that push all pages in some order meanwhile: page channels, in process.</summary>
internal sealed class ThreadedSource : IPageSource, IDisposable
{
    private readonly BlockingCollection<(RamBlock Block, long Offset, int Length)> requests = [];
    private readonly List<Thread> threads = [];
    private readonly ConcurrentDictionary<long, bool> sent = [];
    private readonly Action? beforeAnswer;

    public ThreadedSource(Action? beforeAnswer = null) => this.beforeAnswer = beforeAnswer;

    public Exception? Failure { get; private set; }

    public void Request(RamBlock block, long offset, int length) => requests.Add((block, offset, length));

    /// <summary>Begins to answer, on so many threads.</summary>
    public void Answer(Pager pager, int channels)
    {
        for (var i = 0; i < channels; i++)
        {
            Start(() =>
            {
                foreach (var (block, offset, length) in requests.GetConsumingEnumerable())
                {
                    beforeAnswer?.Invoke();
                    Send(pager, block, offset, length);
                }
            });
        }
    }

    /// <summary>Begins to push every n-th unit.</summary>
    public void Push(Pager pager, RamBlock block, int first, int step)
    {
        var unit = pager.UnitOf(block);
        Start(() =>
        {
            for (var offset = (long)first * unit; offset < block.UsedLength; offset += (long)step * unit)
                Send(pager, block, offset, unit);
        });
    }

    public void Dispose()
    {
        requests.CompleteAdding();
        threads.ForEach(static thread => thread.Join());
        Assert.Null(Failure);
    }

    /// <summary>No page twice, as a source of QEMU's protocol sees to it.</summary>
    private void Send(Pager pager, RamBlock block, long offset, int length)
    {
        if (!sent.TryAdd(offset, true))
            return;
        var bytes = GC.AllocateUninitializedArray<byte>(length, pinned: true);
        Blocks.Fill(offset, bytes);
        Assert.True(Blocks.IsZero(offset, length) ? pager.TryPlaceZero(block, offset) : pager.TryPlace(block, offset, bytes));
    }

    private void Start(Action work)
    {
        var thread = new Thread(() =>
        {
            try
            {
                work();
            }
            catch (Exception e)
            {
                Failure = e;
            }
        })
        {
            IsBackground = true,
        };
        threads.Add(thread);
        thread.Start();
    }
}
