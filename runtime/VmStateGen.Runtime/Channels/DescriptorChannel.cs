using System;
using System.Runtime.InteropServices;
using VmStateGen.Runtime.Linux;

namespace VmStateGen.Runtime.Channels;

/// <summary>
/// What sockets and pipes have in common: a call is tried at once, and only if it would block, poll(2) waits for the descriptor, the
/// deadline and a cancel together. So no call is ever stuck in the system.
/// </summary>
public abstract class DescriptorChannel : Channel
{
    private protected DescriptorChannel(string peer, ChannelOptions options)
        : base(peer, options)
    {
    }

    private protected void Await(SafeHandle handle, PollEvents events, string operation, Deadline deadline)
    {
        PollEvents found = LinuxPoll.Wait(handle, events, Wake, null, deadline);
        ThrowIfUnusable(operation);
        if (found == PollEvents.None && deadline.HasPassed)
            throw TimedOut(operation);
    }

    private protected ChannelException TimedOut(string operation)
    {
        TimeSpan timeout = operation == "read" ? ReadTimeout : WriteTimeout;
        return Failure(operation, ChannelFault.TimedOut, $"it took longer than {timeout.TotalSeconds:0.###} s; the peer hangs, or the link is too slow for the time given");
    }

    /// <summary>What to do about a call's error: <see langword="true"/> if the call is to be made again.</summary>
    private protected bool Handle(SafeHandle handle, int errno, PollEvents events, string operation, Deadline deadline)
    {
        if (errno == Errno.Again)
            Await(handle, events, operation, deadline);
        else if (errno != Errno.Intr)
            throw Broken(operation, errno);
        return true;
    }

    private protected virtual ChannelException Broken(string operation, int errno)
    {
        string text = LinuxError.Text(errno);
        return errno switch
        {
            Errno.Pipe => Failure(operation, ChannelFault.Closed, $"the peer reads no more ({text}); what it says of the reason is in its log or on the return path", errno),
            Errno.ConnReset => Failure(operation, ChannelFault.Closed, $"the peer has closed the connection without reading all ({text}); see its log", errno),
            Errno.TimedOut => Failure(operation, ChannelFault.TimedOut, $"the peer does not answer any more ({text}); it or the network between is down", errno),
            _ => Failure(operation, ChannelFault.System, text, errno),
        };
    }

    private protected T Guard<T>(string operation, Func<T> call)
    {
        ThrowIfUnusable(operation);
        try
        {
            return call();
        }
        catch (ObjectDisposedException)
        {
            throw Failure(operation, ChannelFault.Cancelled, "it was closed");
        }
    }
}
