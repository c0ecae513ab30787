using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Tool.Live;

/// <summary>
/// Who connects to a receiver of a postcopy: the source, after a cut the source again, and meanwhile its preempt channel, on which nothing comes
/// here but its end, for no page is asked for (qemu-migration.md §13.8). A source may come again before its cut was noticed here, so the first byte
/// tells: a recovery begins with a command, a preempt channel with 0.
/// </summary>
internal sealed class PostcopyPeers : IDisposable
{
    private readonly ChannelListener listener;
    private readonly object gate = new();
    private readonly List<Channel> open = [];
    private readonly Thread accepting;
    private Channel? main;
    private bool hasBegun;
    private Exception? failure;

    public PostcopyPeers(ChannelListener listener)
    {
        this.listener = listener;
        accepting = new Thread(Accept) { IsBackground = true, Name = "receive: connections" };
        accepting.Start();
    }

    /// <summary>What was read of each main channel but the first to know it.</summary>
    public const byte FirstByte = QemuWire.Command;

    /// <summary>Waits for the next main channel.</summary>
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

    public void Dispose()
    {
        listener.Dispose();
        accepting.Join();
        lock (gate)
        {
            foreach (Channel channel in open)
                channel.Dispose();
        }
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
                    if (!hasBegun)
                    {
                        (main, hasBegun) = (channel, true);
                        Monitor.PulseAll(gate);
                        continue;
                    }
                }
                new Thread(() => Identify(channel)) { IsBackground = true, Name = "receive: connection" }.Start();
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

    /// <summary>Finds the main channel; of a preempt channel takes the mark that ends it, and the end.</summary>
    private void Identify(Channel channel)
    {
        try
        {
            var first = new byte[1];
            if (channel.Read(first) == 1 && first[0] == FirstByte)
            {
                lock (gate)
                {
                    main = channel;
                    Monitor.PulseAll(gate);
                }
                return;
            }
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
