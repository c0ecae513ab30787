using System;
using System.Threading;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Postcopy;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Migration;

/// <summary>
/// The connections of a destination in postcopy, from one break to the next: the main channel and, with preempt, one for urgent pages. If one of
/// them is lost, so is the other (qemu-migration.md §13.7).
/// </summary>
internal sealed class DestinationLink : IDisposable
{
    private readonly CancellationTokenSource closing = new();
    private readonly object gate = new();
    private Channel? preempt;
    private Thread? thread;

    public DestinationLink(Channel main, QemuIncomingStream stream) => (Main, Stream) = (main, stream);

    public Channel Main { get; }

    public QemuIncomingStream Stream { get; }

    /// <summary>Why it was lost, as far as it was not the main channel that showed it.</summary>
    public Exception? LostBecause { get; private set; }

    public long BytesRead
    {
        get
        {
            lock (gate)
                return Main.BytesRead + (preempt?.BytesRead ?? 0);
        }
    }

    /// <summary>Takes the second connection when it comes, and the pages on it (qemu-migration.md §13.6).</summary>
    /// <param name="listener">Where it comes.</param>
    /// <param name="receiver">Takes the pages, up to the mark that ends them.</param>
    /// <param name="isWanted">Asked at the end of it: whether pages are still to come. If not, a close is as good as the mark.</param>
    public void AcceptPreempt(ChannelListener listener, PageReceiver receiver, Func<bool> isWanted)
    {
        thread = new Thread(() =>
        {
            try
            {
                var channel = listener.Accept(Timeout.InfiniteTimeSpan, closing.Token);
                lock (gate)
                {
                    preempt = channel;
                    if (closing.IsCancellationRequested)
                        channel.Cancel("the link was lost");
                }
                receiver.Read(new StreamCursor(new PipeSource(channel.AsStream(), 0), 0, long.MaxValue));
            }
            catch (Exception e)
            {
                if (isWanted())
                    Lose(e);
            }
        })
        {
            IsBackground = true,
            Name = "preempt channel",
        };
        thread.Start();
    }

    /// <summary>Waits for the end of the second connection's pages, if there is one.</summary>
    public void WaitForPreempt(Func<bool> isDone, TimeSpan timeout)
    {
        if (thread != null)
            SpinWait.SpinUntil(() => isDone() || !thread.IsAlive, timeout);
    }

    /// <summary>Ends it for a reason that the main channel does not show. Any thread; the first reason stays.</summary>
    public void Lose(Exception reason)
    {
        lock (gate)
        {
            if (LostBecause != null || closing.IsCancellationRequested)
                return;
            LostBecause = reason;
        }
        Main.Cancel(reason);
    }

    /// <summary>Closes both connections; nothing is placed any more when it returns.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            closing.Cancel();
            preempt?.Cancel("the link was lost");
        }
        thread?.Join();
        preempt?.Dispose();
        Main.Dispose();
        closing.Dispose();
    }
}
