using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using VmStateGen.Runtime.Channels;

namespace VmStateGen.Tool.Live;

/// <summary>
/// Who connects to a receiver of a postcopy: the source, after a cut the source again, and meanwhile its preempt channel, on which nothing comes
/// here but its end, for no page is asked for (qemu-migration.md §13.8).
/// </summary>
internal sealed class PostcopyPeers : IDisposable
{
    private readonly ChannelListener listener;
    private readonly object gate = new();
    private readonly List<Channel> open = [];
    private readonly Thread accepting;
    private Channel? main;
    private bool isMainWanted = true;
    private Exception? failure;

    public PostcopyPeers(ChannelListener listener)
    {
        this.listener = listener;
        accepting = new Thread(Accept) { IsBackground = true, Name = "receive: connections" };
        accepting.Start();
    }

    /// <summary>Waits for the next main channel; the one before and its preempt channel are closed.</summary>
    /// <exception cref="OperationCanceledException">The token said so.</exception>
    public Channel Next(CancellationToken token)
    {
        using CancellationTokenRegistration registration = token.Register(() =>
        {
            lock (gate)
                Monitor.PulseAll(gate);
        });
        lock (gate)
        {
            while (main is null && failure is null && !token.IsCancellationRequested)
                Monitor.Wait(gate);
            token.ThrowIfCancellationRequested();
            if (main is null)
                throw new IOException($"{listener.Address}: {failure!.Message}", failure);
            Channel found = main;
            main = null;
            return found;
        }
    }

    /// <summary>The main channel is lost: the next connection is the next one.</summary>
    public void LoseMain()
    {
        lock (gate)
        {
            foreach (Channel channel in open)
                channel.Dispose();
            open.Clear();
            isMainWanted = true;
        }
    }

    public void Dispose()
    {
        listener.Dispose();
        accepting.Join();
        LoseMain();
        main?.Dispose();
    }

    private void Accept()
    {
        try
        {
            while (true)
            {
                Channel channel = listener.Accept(Timeout.InfiniteTimeSpan);
                lock (gate)
                {
                    open.Add(channel);
                    if (isMainWanted)
                    {
                        (main, isMainWanted) = (channel, false);
                        Monitor.PulseAll(gate);
                        continue;
                    }
                }
                new Thread(() => Drain(channel)) { IsBackground = true, Name = "receive: preempt" }.Start();
            }
        }
        catch (ChannelException e)
        {
            lock (gate)
            {
                failure = e;
                Monitor.PulseAll(gate);
            }
        }
    }

    /// <summary>Takes the mark that ends it, and the end.</summary>
    private static void Drain(Channel channel)
    {
        try
        {
            var waste = new byte[4096];
            while (channel.Read(waste) > 0)
            {
            }
        }
        catch (ChannelException)
        {
            // The main channel knows what became of the source.
        }
    }
}
