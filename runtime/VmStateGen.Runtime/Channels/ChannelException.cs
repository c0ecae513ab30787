using System;
using System.IO;

namespace VmStateGen.Runtime.Channels;

/// <summary>Why a channel failed.</summary>
public enum ChannelFault
{
    /// <summary>The system refused, for the reason in <see cref="ChannelException.ErrorNumber"/>.</summary>
    System,

    /// <summary>It was cancelled from this side.</summary>
    Cancelled,

    /// <summary>It did not happen within the time that was set.</summary>
    TimedOut,

    /// <summary>The peer ended the stream or reads no more.</summary>
    Closed,

    /// <summary>Nobody is there, or nobody who takes the connection.</summary>
    Refused,

    /// <summary>The channel cannot do this.</summary>
    NotSupported,

    /// <summary>The command of an <c>exec:</c> channel failed.</summary>
    CommandFailed,
}

/// <summary>A transport failed. The message names the peer, the operation, the bytes so far and, where there is something to do, what.</summary>
public sealed class ChannelException : IOException
{
    internal ChannelException(string message, ChannelFault fault, string peer, string operation, int errorNumber = 0, Exception? inner = null)
        : base(message, inner)
    {
        Fault = fault;
        Peer = peer;
        Operation = operation;
        ErrorNumber = errorNumber;
    }

    /// <summary>What kind of failure.</summary>
    public ChannelFault Fault { get; }

    /// <summary>Who is at the other end, as <see cref="Channel.Peer"/> says.</summary>
    public string Peer { get; }

    /// <summary>What was to be done: <c>write</c>.</summary>
    public string Operation { get; }

    /// <summary>The system's error number, 0 if there is none.</summary>
    public int ErrorNumber { get; }
}
