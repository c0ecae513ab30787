using System;
using System.Runtime.InteropServices;
using System.Threading;

namespace VmStateGen.Runtime.Ram;

/// <summary>
/// A lock that many readers take often and a writer hardly ever: each reader counts on a cache line that few others use, the writer waits
/// for all of them. Readers hold it while spans of guest RAM are lent out, the writer while it changes what is registered with userfaultfd.
/// </summary>
/// <remarks>A reader may enter again on its thread, also while a writer waits. A writer must not be a reader.</remarks>
internal sealed class AccessGate
{
    // The lock that this thread is a reader of: the innermost one if it is of several.
    [ThreadStatic]
    private static AccessGate? inside;

    private readonly Stripe[] stripes = new Stripe[(int)uint.Min(16, System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount))];
    private readonly object writer = new();
    private bool isClosed;

    /// <summary>What <see cref="Enter"/> gives and <see cref="Exit"/> takes.</summary>
    public readonly struct Ticket
    {
        /// <summary>−1: the thread was inside already.</summary>
        internal readonly int Stripe;

        internal readonly AccessGate? Outer;

        internal Ticket(int stripe, AccessGate? outer) => (Stripe, Outer) = (stripe, outer);
    }

    /// <summary>Whether this thread is a reader.</summary>
    public bool IsEntered => inside == this;

    /// <summary>Becomes a reader; waits while there is a writer.</summary>
    public Ticket Enter()
    {
        if (inside == this)
            return new Ticket(-1, this);
        var stripe = Environment.CurrentManagedThreadId & (stripes.Length - 1);
        while (true)
        {
            // The increment is a full fence, as is the writer's barrier between closing and counting: one of them sees the other.
            Interlocked.Increment(ref stripes[stripe].Readers);
            if (!Volatile.Read(ref isClosed))
            {
                var ticket = new Ticket(stripe, inside);
                inside = this;
                return ticket;
            }
            Interlocked.Decrement(ref stripes[stripe].Readers);
            lock (writer)
            {
                // Only to wait for the writer.
            }
        }
    }

    /// <summary>No longer a reader.</summary>
    public void Exit(Ticket ticket)
    {
        if (ticket.Stripe < 0)
            return;
        inside = ticket.Outer;
        Interlocked.Decrement(ref stripes[ticket.Stripe].Readers);
    }

    /// <summary>Runs an action while there is no reader.</summary>
    /// <exception cref="InvalidOperationException">This thread is a reader: it would wait for itself.</exception>
    public void Write(Action action)
    {
        if (inside == this)
            throw new InvalidOperationException("Within Access, what is registered cannot change.");
        lock (writer)
        {
            Volatile.Write(ref isClosed, true);
            Interlocked.MemoryBarrier();
            try
            {
                var spin = new SpinWait();
                foreach (ref var stripe in stripes.AsSpan())
                {
                    while (Volatile.Read(ref stripe.Readers) != 0)
                        spin.SpinOnce();
                }
                action();
            }
            finally
            {
                Volatile.Write(ref isClosed, false);
            }
        }
    }

    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct Stripe
    {
        [FieldOffset(64)]
        public int Readers;
    }
}
