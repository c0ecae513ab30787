using System;
using System.Threading;
using VmStateGen.Runtime.Channels;

namespace VmStateGen.Runtime.Migration;

/// <summary>
/// The one decision that cannot be taken back: whether the guest was handed over (EOF) or the migration was stopped before. Whoever is first
/// decides; a cancel that comes later has come too late.
/// </summary>
/// <remarks>Any thread.</remarks>
internal sealed class HandOver : IDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly object gate = new();
    private Decision decision;
    private Channel? channel;

    private enum Decision
    {
        Open,
        HandedOver,
        Cancelled,
        Lost,
    }

    /// <summary>Signalled when the migration is to stop.</summary>
    public CancellationToken Stopping => stop.Token;

    /// <summary>Why it was stopped; <see langword="null"/> if it was not.</summary>
    public Exception? Reason { get; private set; }

    public bool IsHandedOver
    {
        get
        {
            lock (gate)
                return decision == Decision.HandedOver;
        }
    }

    public bool IsCancelled
    {
        get
        {
            lock (gate)
                return decision == Decision.Cancelled;
        }
    }

    /// <summary>The channel whose blocked calls a stop ends.</summary>
    public void Attach(Channel opened)
    {
        lock (gate)
        {
            channel = opened;
            if (Reason is { } reason)
                opened.Cancel(reason);
        }
    }

    /// <summary>Decides for the hand-over.</summary>
    /// <exception cref="OperationCanceledException">It was stopped before.</exception>
    public void Commit()
    {
        lock (gate)
        {
            ThrowIfStopped();
            decision = Decision.HandedOver;
        }
    }

    /// <summary>Decides for a stop, by order or (<paramref name="isCancel"/> false) because the peer is lost.</summary>
    /// <param name="reason">Why.</param>
    /// <param name="isCancel">By order.</param>
    /// <param name="closes">Whether the channel's calls end at once; if not, the peer can still be told.</param>
    /// <returns>Whether that was in time.</returns>
    public bool TryStop(Exception reason, bool isCancel, bool closes = true)
    {
        lock (gate)
        {
            if (decision != Decision.Open)
                return false;
            decision = isCancel ? Decision.Cancelled : Decision.Lost;
            Reason = reason;
            if (closes)
                channel?.Cancel(reason);
        }
        try
        {
            stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // Whom the channel has woken has come to its end meanwhile.
        }
        return true;
    }

    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public void ThrowIfStopped()
    {
        if (Reason is { } reason)
            throw new OperationCanceledException(reason.Message, reason, stop.Token);
    }

    public void Dispose() => stop.Dispose();
}
