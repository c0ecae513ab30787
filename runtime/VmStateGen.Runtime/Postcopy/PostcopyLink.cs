using System;
using System.Threading;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Postcopy;

/// <summary>
/// A connection of a postcopy source: the main channel with its return path, and the preempt channel if there is one. They break together.
/// </summary>
/// <remarks>Any thread. After a cut there is a new one.</remarks>
internal sealed class PostcopyLink : IDisposable
{
    private static readonly TimeSpan LastWords = TimeSpan.FromMilliseconds(500);

    private readonly Action<Exception>? onBroken;
    private readonly object gate = new();
    private PostcopySender? sender;
    private Exception? failure;

    /// <param name="main">Connected; the link's from now on.</param>
    /// <param name="preempt">For urgent pages; connected right after the main one, before anything is written: the order that suits every version (§13.6).</param>
    /// <param name="sender">Who is to hear what the destination says.</param>
    /// <param name="onBroken">Told once, on any thread, why nothing more comes or goes.</param>
    public PostcopyLink(Channel main, Channel? preempt, PostcopySender? sender = null, Action<Exception>? onBroken = null)
    {
        (Main, Preempt, this.sender, this.onBroken) = (main, preempt, sender, onBroken);
        ReturnPath = new ReturnPath(main, Break, OnMessage);
    }

    public Channel Main { get; }

    public Channel? Preempt { get; }

    public ReturnPath ReturnPath { get; }

    /// <summary>Why it is broken; <see langword="null"/> as long as it is not.</summary>
    public Exception? Failure
    {
        get
        {
            lock (gate)
                return failure;
        }
    }

    /// <summary>From now on the destination may ask for pages: to be said before it is told to listen.</summary>
    public void ServeBy(PostcopySender by) => Volatile.Write(ref sender, by);

    /// <summary>Ends it, and wakes whoever waits for it. The first reason stays.</summary>
    public void Break(Exception reason)
    {
        lock (gate)
        {
            if (failure != null)
                return;
            failure = reason;
        }
        Main.Cancel(reason);
        Preempt?.Cancel(reason);
        Volatile.Read(ref sender)?.OnBroken();
        onBroken?.Invoke(reason);
    }

    /// <summary>After a write that has failed: what the destination said before it closed is still heard, and may be the better reason.</summary>
    public void BreakAfterLastWords(Exception reason)
    {
        if (reason is ChannelException && Failure is null)
            ReturnPath.Join(LastWords);
        Break(reason);
    }

    public void ThrowIfBroken()
    {
        if (Failure is { } reason)
            throw reason;
    }

    public void Dispose()
    {
        Main.Dispose();
        Preempt?.Dispose();
        ReturnPath.Join(Timeout.InfiniteTimeSpan);
    }

    private void OnMessage(ReturnPathMessage message)
    {
        var by = Volatile.Read(ref sender);
        if (message.Kind == ReturnPathMessageKind.Shut)
        {
            // Who has the last page may say so before the end of the stream is there.
            if (by is not { HasSentAll: true })
                Break(new VmStateException("a destination that waits for the end of the stream", message.ToString(), Main.BytesRead - message.ToBytes().Length));
        }
        else if (by != null)
        {
            by.OnMessage(this, message);
        }
        else if (message.Kind != ReturnPathMessageKind.Pong)
        {
            throw new VmStateException("SHUT or PONG before POSTCOPY_LISTEN", message.ToString(), -1);
        }
    }
}
