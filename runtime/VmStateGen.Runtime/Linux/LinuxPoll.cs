using System;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Threading;
using Microsoft.Win32.SafeHandles;

namespace VmStateGen.Runtime.Linux;

/// <summary>What ppoll(2) asks for and answers.</summary>
[Flags]
internal enum PollEvents : short
{
    None = 0,
    In = 0x1,
    Out = 0x4,
    Error = 0x8,
    HangUp = 0x10,
    Invalid = 0x20,
}

/// <summary>A moment after which a call gives up. Immune to changes of the clock of the wall.</summary>
internal readonly struct Deadline
{
    private readonly long end;

    private Deadline(long end) => this.end = end;

    public static Deadline Never => new(long.MaxValue);

    public bool HasPassed => end != long.MaxValue && Stopwatch.GetTimestamp() >= end;

    public static Deadline In(TimeSpan timeout) => timeout == Timeout.InfiniteTimeSpan || timeout.TotalDays > 10_000
        ? Never
        : new Deadline(Stopwatch.GetTimestamp() + (long)(timeout.TotalSeconds * Stopwatch.Frequency));

    /// <summary>The earlier of this and one <paramref name="timeout"/> from now.</summary>
    public Deadline AtMost(TimeSpan timeout) => new(Math.Min(end, In(timeout).end));

    /// <summary>What is left.</summary>
    /// <returns><see langword="false"/> for one that never comes.</returns>
    public bool TryGetTimeSpec(out Libc.TimeSpec left)
    {
        long ticks = Math.Max(0, end - Stopwatch.GetTimestamp());
        (long seconds, long rest) = Math.DivRem(ticks, Stopwatch.Frequency);
        left = new Libc.TimeSpec { Seconds = seconds, Nanoseconds = rest * 1_000_000_000 / Stopwatch.Frequency };
        return end != long.MaxValue;
    }

    /// <summary>For waits that know milliseconds only, and wake no earlier: rounded up; -1 for never.</summary>
    public int Milliseconds()
    {
        if (end == long.MaxValue)
            return -1;
        long left = end - Stopwatch.GetTimestamp();
        return left <= 0 ? 0 : (int)Math.Min(int.MaxValue, left * 1000 / Stopwatch.Frequency + 1);
    }
}

/// <summary>Ends the waits of other threads, now and from now on: an eventfd that is written once and never read.</summary>
internal sealed class WakeEvent : IDisposable
{
    public WakeEvent()
    {
        int descriptor = Libc.EventDescriptor(0, Libc.EventCloseOnExec | Libc.EventNonBlock);
        if (descriptor < 0)
            throw LinuxError.Last("eventfd");
        Handle = new SafeFileHandle(descriptor, ownsHandle: true);
    }

    public SafeFileHandle Handle { get; }

    public unsafe void Set()
    {
        ulong one = 1;
        try
        {
            // Fails only if it was written 2^64 times: whoever waits has been woken long since.
            _ = Libc.Write(Handle, &one, sizeof(ulong));
        }
        catch (ObjectDisposedException)
        {
            // Nobody waits any more.
        }
    }

    public void Dispose() => Handle.Dispose();
}

/// <summary>ppoll(2) on a descriptor and on what ends the wait.</summary>
internal static class LinuxPoll
{
    /// <summary>Waits for one of the events, an error or a hang-up.</summary>
    /// <param name="handle">What is waited for; <see langword="null"/> to wait for the deadline only.</param>
    /// <param name="events">On <paramref name="handle"/>.</param>
    /// <param name="wake">Ends the wait.</param>
    /// <param name="alsoWake">Ends the wait too.</param>
    /// <param name="deadline">Ends the wait.</param>
    /// <returns>Nothing if the wait ended otherwise: the caller knows how to ask what has.</returns>
    public static unsafe PollEvents Wait(SafeHandle? handle, PollEvents events, WakeEvent? wake, WakeEvent? alsoWake, Deadline deadline)
    {
        bool heldHandle = false, heldWake = false, heldAlso = false;
        try
        {
            handle?.DangerousAddRef(ref heldHandle);
            wake?.Handle.DangerousAddRef(ref heldWake);
            alsoWake?.Handle.DangerousAddRef(ref heldAlso);

            // A negative descriptor is one that poll leaves out.
            Libc.PollFd* all = stackalloc Libc.PollFd[3];
            all[0] = Entry(heldHandle ? handle : null, events);
            all[1] = Entry(heldWake ? wake!.Handle : null, PollEvents.In);
            all[2] = Entry(heldAlso ? alsoWake!.Handle : null, PollEvents.In);
            while (true)
            {
                Libc.TimeSpec timeout;
                int count = Libc.Poll(all, 3, deadline.TryGetTimeSpec(out timeout) ? &timeout : null, null);
                if (count >= 0)
                    return all[1].Returned != 0 || all[2].Returned != 0 ? PollEvents.None : (PollEvents)all[0].Returned;
                if (Marshal.GetLastPInvokeError() != Errno.Intr)
                    throw LinuxError.Last("ppoll");
            }
        }
        catch (ObjectDisposedException)
        {
            // Closed by another thread: whoever asked finds that out as for any other end of the wait.
            return PollEvents.None;
        }
        finally
        {
            if (heldHandle)
                handle!.DangerousRelease();
            if (heldWake)
                wake!.Handle.DangerousRelease();
            if (heldAlso)
                alsoWake!.Handle.DangerousRelease();
        }
    }

    /// <summary>What is the case now.</summary>
    public static PollEvents Now(SafeHandle handle, PollEvents events) => Wait(handle, events, null, null, Deadline.In(TimeSpan.Zero));

    private static Libc.PollFd Entry(SafeHandle? handle, PollEvents events)
        => new() { Descriptor = handle is null ? -1 : (int)handle.DangerousGetHandle(), Events = (short)events };
}
