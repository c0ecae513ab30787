using System;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Postcopy;
using VmStateGen.Runtime.Ram;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Migration;

/// <summary>
/// A destination's end of the return path in postcopy: what is said to the source, from several threads, and so the source of missing pages.
/// Requests are held back while there is no link, and said again once there is one.
/// </summary>
internal sealed class DestinationReturnPath : IPageSource
{
    private readonly object gate = new();
    private readonly byte[] request = new byte[ReturnPathMessage.LongestRequest];
    private DestinationLink? link;
    private RamBlock? last;
    private bool isOpen;

    /// <summary>There is a link; nothing is requested on it before <see cref="Open"/>. If it takes no request any more, it is lost.</summary>
    public void Attach(DestinationLink taken)
    {
        lock (gate)
            (link, last, isOpen) = (taken, null, false);
    }

    /// <summary>There is no link.</summary>
    public void Detach()
    {
        lock (gate)
            (link, isOpen) = (null, false);
    }

    /// <summary>Requests go out from now on, those first that are open.</summary>
    public void Open(Pager pager)
    {
        lock (gate)
        {
            isOpen = true;
            pager.RequestAgain();
        }
    }

    /// <exception cref="ChannelException">The link is lost.</exception>
    public void Say(in ReturnPathMessage message)
    {
        lock (gate)
            link?.Main.Write(message.ToBytes());
    }

    /// <inheritdoc/>
    public void Request(RamBlock block, long offset, int length)
    {
        DestinationLink? used = null;
        try
        {
            lock (gate)
            {
                // What is not said now is said by Open: the pager has noted it before.
                if (!isOpen || link is null)
                    return;
                used = link;
                var size = ReturnPathMessage.WriteRequest(request, new PageRequest(block == last ? null : block.Name, (ulong)offset, (uint)length));
                used.Main.Write(request.AsSpan(0, size));
                last = block;
            }
        }
        catch (ChannelException e)
        {
            // By now there may be another one, which has nothing to do with it.
            used?.Lose(e);
        }
    }
}
