using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;
using VmStateGen.Runtime.Linux;

namespace VmStateGen.Runtime.Postcopy;

/// <summary>What to do about a fault.</summary>
internal enum FaultAction
{
    /// <summary>The page is decided, and not there: it reads as zeros.</summary>
    PlaceZeros,

    /// <summary>The page is in the file behind the memory: it is only to be shown.</summary>
    Show,

    /// <summary>The source is asked already.</summary>
    Wait,

    /// <summary>The source is to be asked.</summary>
    Request,
}

/// <content>The pager's thread: it hears of faults and of memory that is given back.</content>
public sealed partial class Pager
{
    // Those that were read and are to be handled. Only the pager's thread uses them.
    private readonly Queue<UserFaultMessage> pending = new(64);
    private readonly UserFaultMessage[] messages = new UserFaultMessage[64];
    private readonly List<(PageMap Map, long Unit)> toWake = [];

    // Readers place pages; the writer reads messages. While memory is given back the kernel takes no page; once that message was read it does
    // again, so before anybody places the next page it must be known which are gone.
    private readonly ReaderWriterLockSlim gate = new(LockRecursionPolicy.NoRecursion);
    private long faults;
    private long requests;
    private long removed;

    /// <summary>The rule, apart from all I/O.</summary>
    /// <param name="isMinor">The page is in the file, but this mapping does not have it.</param>
    /// <param name="isReceived">What the page holds is decided.</param>
    /// <param name="isRequested">The source was asked.</param>
    internal static FaultAction Decide(bool isMinor, bool isReceived, bool isRequested) => (isReceived, isMinor, isRequested) switch
    {
        (true, true, _) => FaultAction.Show,
        (true, false, _) => FaultAction.PlaceZeros,
        (false, _, true) => FaultAction.Wait,
        (false, _, false) => FaultAction.Request,
    };

    private void Run()
    {
        try
        {
            while (Volatile.Read(ref isDisposed) == 0)
            {
                if (pending.Count == 0)
                {
                    LinuxPoll.Wait(userFault.Handle, PollEvents.In, stop, null, Deadline.Never);
                    ReadMessages();
                }
                while (pending.TryDequeue(out var message))
                    Handle(message);
            }
        }
        catch (Exception e)
        {
            if (Volatile.Read(ref isDisposed) == 0)
                Fail(e);
        }
    }

    /// <summary>Takes what there is. What is given back is noted at once; faults are left for later.</summary>
    private void ReadMessages()
    {
        gate.EnterWriteLock();
        try
        {
            var count = userFault.Read(messages);
            foreach (ref readonly var message in messages.AsSpan(0, count))
            {
                if (message.Event == UserFaultEvent.Remove)
                    Remove(message.Start, message.End);
                else if (message.Event == UserFaultEvent.PageFault)
                    pending.Enqueue(message);
            }
        }
        finally
        {
            gate.ExitWriteLock();
        }

        // Who waits for a page that will not come touches it again, and is given zeros.
        foreach (var (map, unit) in toWake)
            userFault.Wake(map.Ram.Mapping, unit * map.Unit, map.Unit);
        toWake.Clear();
        TellIfResident();
    }

    private void Handle(in UserFaultMessage message)
    {
        var now = Stopwatch.GetTimestamp();
        if (Find(message.Address) is not { } map)
            return;
        var offset = message.Address - map.Ram.HostAddress;
        var unit = offset / map.Unit;
        var isMinor = (message.Flags & UserFaultFlags.Minor) != 0;
        Interlocked.Increment(ref faults);
        switch (Decide(isMinor, map.Received[unit], map.Requested[unit]))
        {
            case FaultAction.Show:
            case FaultAction.PlaceZeros:
                clock.Begin(map, unit, message.ThreadId, now, isRequest: false);
                Provide(map, offset / map.Ram.PageSize * map.Ram.PageSize, isMinor);
                clock.End(map, unit);
                break;
            case FaultAction.Wait:
                clock.Begin(map, unit, message.ThreadId, now, isRequest: false);
                EndIfReceived(map, unit);
                break;
            default:
                clock.Begin(map, unit, message.ThreadId, now, isRequest: true);

                // Before the look whether it has come meanwhile: whoever places it sets that bit before it looks for this one.
                map.Requested.Set(unit);
                if (EndIfReceived(map, unit))
                    break;
                Interlocked.Increment(ref requests);
                source.Request(map.Ram, unit * map.Unit, map.Unit);
                break;
        }
    }

    private bool EndIfReceived(PageMap map, long unit)
    {
        if (!map.Received[unit])
            return false;
        clock.End(map, unit);
        return true;
    }

    private PageMap? Find(nint address)
    {
        foreach (var map in maps)
        {
            var offset = address - map.Ram.HostAddress;
            if (offset >= 0 && offset < map.Length)
                return map;
        }
        return null;
    }

    /// <summary>Shows one page of the host that was decided: in the file it is there, else it is zeros.</summary>
    private void Provide(PageMap map, long offset, bool isMinor)
    {
        var mapping = map.Ram.Mapping;
        var length = map.Ram.PageSize;
        while (true)
        {
            var result = isMinor ? userFault.Continue(mapping, offset, length, out _) : PlaceZeros(map, offset, (int)length, out _);
            switch (result)
            {
                case PlaceResult.Placed:
                case PlaceResult.Gone:
                    return;
                case PlaceResult.Exists when !isMinor && map.Alias != null:
                    // It came into the file after the fault.
                    isMinor = true;
                    break;
                case PlaceResult.Exists:
                    userFault.Wake(mapping, offset, length);
                    return;
                default:
                    ReadMessages();
                    break;
            }
        }
    }

    /// <summary>Memory was given back: its pages are zeros from now on, and a copy that is still to come is of no use. Within the gate.</summary>
    private void Remove(nint start, nint end)
    {
        foreach (var map in maps)
        {
            var from = Math.Max(0, start - map.Ram.HostAddress);
            var to = Math.Min(map.Length, end - map.Ram.HostAddress);

            // Of a unit that goes only in part the rest is still to come.
            for (var unit = (from + map.Unit - 1) / map.Unit; (unit + 1) * map.Unit <= to; unit++)
            {
                if (map.Received[unit])
                    continue;
                if (map.Claimed.TestAndSet(unit))
                    map.Dropped.Set(unit);
                Interlocked.Increment(ref removed);
                Receive(map, unit);
                if (map.Requested[unit])
                    toWake.Add((map, unit));
            }
        }
    }
}
