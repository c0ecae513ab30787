using System;
using System.Diagnostics;
using System.IO;
using System.Threading;
using VmStateGen.Runtime.Channels;

namespace VmStateGen.Tool.Live;

/// <summary>What a connection gives. Unlike <see cref="Channel.Cancel(string)"/>, a cancel here leaves the way back open: the peer is still to be told.</summary>
internal sealed class LiveInput : Stream
{
    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(100);

    private readonly Channel channel;
    private readonly CancellationToken token;
    private readonly byte[] ahead = new byte[1];
    private bool isAhead;

    public LiveInput(Channel channel, CancellationToken token)
    {
        this.channel = channel;
        this.token = token;
        channel.ReadTimeout = Turn;
    }

    /// <summary>A byte that was read before.</summary>
    public byte? First { get; set; }

    /// <summary>How long the peer may say nothing.</summary>
    public TimeSpan Silence { get; set; } = Timeout.InfiniteTimeSpan;

    /// <summary>What it means if it does: put behind the time.</summary>
    public string SilenceMeans { get; set; } = "";

    /// <summary>The peer has closed the connection.</summary>
    public bool HasEnded { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>Waits for that long.</summary>
    /// <returns>Whether nothing came; not if the connection has ended.</returns>
    public bool IsQuiet(TimeSpan time)
    {
        for (long since = Stopwatch.GetTimestamp(); !isAhead && Stopwatch.GetElapsedTime(since) < time;)
        {
            token.ThrowIfCancellationRequested();
            try
            {
                isAhead = channel.Read(ahead) > 0;
                HasEnded |= !isAhead;
                if (HasEnded)
                    return false;
            }
            catch (ChannelException e) when (e.Fault == ChannelFault.TimedOut)
            {
                // That is what is waited for.
            }
        }
        return !isAhead;
    }

    public override int Read(Span<byte> buffer)
    {
        if (isAhead && !buffer.IsEmpty)
        {
            isAhead = false;
            buffer[0] = ahead[0];
            return 1;
        }
        if (First is { } first && !buffer.IsEmpty)
        {
            (buffer[0], First) = (first, null);
            return 1;
        }
        long since = Stopwatch.GetTimestamp();
        while (true)
        {
            token.ThrowIfCancellationRequested();
            try
            {
                int count = channel.Read(buffer);
                HasEnded |= count == 0;
                return count;
            }
            catch (ChannelException e) when (e.Fault == ChannelFault.TimedOut)
            {
                if (Silence != Timeout.InfiniteTimeSpan && Stopwatch.GetElapsedTime(since) > Silence)
                    throw new IOException($"{channel.Peer}: nothing was sent for {Silence.TotalSeconds:0.#} s{SilenceMeans}", e);
            }
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
