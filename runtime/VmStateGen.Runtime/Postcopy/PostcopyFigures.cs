using System;

namespace VmStateGen.Runtime.Postcopy;

/// <summary>How a postcopy source has served its destination: a snapshot. Pages are the destination's: huge ones count once.</summary>
public sealed record PostcopyFigures
{
    /// <summary>Messages that asked for pages.</summary>
    public long Requests { get; init; }

    /// <summary>Pages that went because they were asked for. Fewer than were asked for: some were on their way already.</summary>
    public long RequestedPages { get; init; }

    /// <summary>Pages that nobody had asked for.</summary>
    public long PushedPages { get; init; }

    /// <summary>Pages with contents that have not been sent.</summary>
    public long PagesLeft { get; init; }

    /// <summary>From the moment that a request was read to the moment that its page was written to the channel.</summary>
    public required LatencyHistogram Latency { get; init; }

    /// <summary>From the connection to the first request.</summary>
    public TimeSpan? TimeToFirstRequest { get; init; }

    /// <summary>From the connection until the destination said that the devices have loaded (PONG 3): the guest runs from then on.</summary>
    public TimeSpan? TimeToLoaded { get; init; }

    /// <summary>From the connection to the last page.</summary>
    public TimeSpan? TimeToAllSent { get; init; }

    /// <summary>How often the link was lost and the destination went on afterwards.</summary>
    public int Recoveries { get; init; }
}
