using System;
using System.Threading;

namespace VmStateGen.Runtime.Channels;

/// <summary>When the system gives a silent TCP peer up.</summary>
/// <param name="Idle">Silence until the first probe.</param>
/// <param name="Interval">Between probes.</param>
/// <param name="Count">Probes without an answer until the connection is lost.</param>
public sealed record KeepAlive(TimeSpan Idle, TimeSpan Interval, int Count)
{
    /// <summary>A peer that is gone is noticed within half a minute.</summary>
    public static KeepAlive Default { get; } = new(TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(3), 5);
}

/// <summary>How channels behave.</summary>
public sealed record ChannelOptions
{
    /// <summary>What all have unless they are told otherwise.</summary>
    public static ChannelOptions Default { get; } = new();

    /// <summary>How long one read may take.</summary>
    public TimeSpan ReadTimeout { get; init; } = Timeout.InfiniteTimeSpan;

    /// <summary>How long one write may take, however much it writes.</summary>
    public TimeSpan WriteTimeout { get; init; } = Timeout.InfiniteTimeSpan;

    /// <summary>Of TCP; <see langword="null"/> to leave it to the system, which takes hours.</summary>
    public KeepAlive? KeepAlive { get; init; } = KeepAlive.Default;

    /// <summary>
    /// TCP_USER_TIMEOUT: how long data may go without an acknowledgement until the connection is lost; probes of <see cref="KeepAlive"/> are
    /// sent only while nothing is under way. Infinite by default: the system then counts a peer's process that takes nothing for so long,
    /// because it was stopped, as lost too.
    /// </summary>
    public TimeSpan UnacknowledgedTimeout { get; init; } = Timeout.InfiniteTimeSpan;

    /// <summary>SO_SNDBUF of sockets; 0 to leave it to the system, or for <c>unix:</c> to have what moves RAM well (1 MiB).</summary>
    public int SendBufferSize { get; init; }

    /// <summary>SO_RCVBUF of sockets; 0 to leave it to the system.</summary>
    public int ReceiveBufferSize { get; init; }

    /// <summary>
    /// Whether descriptors that a peer sends over <c>unix:</c> are kept for <see cref="Channel.TryTakeDescriptor"/>. If not, the system
    /// closes them: a peer that was not asked for any cannot fill this process with them.
    /// </summary>
    public bool AcceptDescriptors { get; init; }
}

/// <summary>How a connection is made.</summary>
public sealed record ConnectOptions
{
    /// <summary>Once, for as long as the system tries.</summary>
    public static ConnectOptions Default { get; } = new();

    /// <summary>All attempts together.</summary>
    public TimeSpan Timeout { get; init; } = System.Threading.Timeout.InfiniteTimeSpan;

    /// <summary>
    /// Whether to try again, until <see cref="Timeout"/>, while nobody listens: for a peer that is being started. What no waiting
    /// mends is reported at once.
    /// </summary>
    public bool Retry { get; init; }

    /// <summary>Between two attempts.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Of the channel that is made.</summary>
    public ChannelOptions Channel { get; init; } = ChannelOptions.Default;
}
