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
    private readonly Action<Exception> onLost;
    private Channel? channel;
    private RamBlock? last;
    private bool isOpen;

    /// <param name="onLost">Told of a link that takes no request any more.</param>
    public DestinationReturnPath(Action<Exception> onLost) => this.onLost = onLost;

    /// <summary>There is a link; nothing is requested on it before <see cref="Open"/>.</summary>
    public void Attach(Channel link)
    {
        lock (gate)
            (channel, last, isOpen) = (link, null, false);
    }

    /// <summary>There is no link.</summary>
    public void Detach()
    {
        lock (gate)
            (channel, isOpen) = (null, false);
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
            channel?.Write(message.ToBytes());
    }

    /// <inheritdoc/>
    public void Request(RamBlock block, long offset, int length)
    {
        try
        {
            lock (gate)
            {
                // What is not said now is said by Open: the pager has noted it before.
                if (!isOpen || channel is null)
                    return;
                var size = ReturnPathMessage.WriteRequest(request, new PageRequest(block == last ? null : block.Name, (ulong)offset, (uint)length));
                channel.Write(request.AsSpan(0, size));
                last = block;
            }
        }
        catch (ChannelException e)
        {
            onLost(e);
        }
    }
}
