using System;
using System.Diagnostics;
using System.IO;
using System.Threading;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Linux;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>
/// A source's end of the return path (qemu-migration.md §1.7): a thread that takes what the destination says. Tells of the end of it at
/// once, so that whoever is stuck in a write to a destination that has given up need not wait.
/// </summary>
internal sealed class ReturnPath
{
    // A message with one system call, not one for each of its fields: a page is asked for by 20 bytes.
    private const int ReadAhead = 512;

    private readonly Channel channel;
    private readonly Stream messages;
    private readonly Action<Exception> onEnd;
    private readonly Action<ReturnPathMessage>? onPostcopy;
    private readonly object gate = new();
    private readonly Thread thread;
    private uint? pong;
    private long firstPongAt;
    private uint? shut;
    private Exception? failure;

    /// <param name="channel">The migration's; the return path ends when it is disposed of.</param>
    /// <param name="onEnd">Told, on the return path's thread, that nothing more comes: why, or that it was shut with an error.</param>
    /// <param name="onPostcopy">Given, on the same thread, SHUT(0), every PONG and what only postcopy has; left out, that is an error. It may refuse it with a <see cref="VmStateException"/>.</param>
    public ReturnPath(Channel channel, Action<Exception> onEnd, Action<ReturnPathMessage>? onPostcopy = null)
    {
        this.channel = channel;
        this.onPostcopy = onPostcopy;
        messages = new BufferedStream(channel.AsStream(), ReadAhead);
        this.onEnd = onEnd;
        thread = new Thread(Run) { IsBackground = true, Name = "return path" };
        thread.Start();
    }

    /// <summary>Why nothing more comes; <see langword="null"/> as long as there may, or after SHUT(0).</summary>
    public Exception? Failure
    {
        get
        {
            lock (gate)
                return failure;
        }
    }

    /// <summary>When the first PONG came, of <see cref="Stopwatch.GetTimestamp"/>; 0 as long as none has.</summary>
    public long FirstPongAt => Interlocked.Read(ref firstPongAt);

    /// <summary>Waits for the answer to the last PING.</summary>
    /// <returns><see langword="false"/> if it did not come in time.</returns>
    public bool WaitForPong(uint value, TimeSpan timeout) => Wait(timeout, () => pong == value);

    /// <summary>Waits for SHUT, or for the end of the return path.</summary>
    /// <returns>Its value; <see langword="null"/> if none came in time or at all.</returns>
    public uint? WaitForShut(TimeSpan timeout)
    {
        Wait(timeout, () => shut != null);
        lock (gate)
            return shut;
    }

    /// <summary>Waits for the thread, for as long as it may still be told something.</summary>
    public bool Join(TimeSpan timeout) => thread.Join(timeout);

    private bool Wait(TimeSpan timeout, Func<bool> isThere)
    {
        var end = Deadline.In(timeout);
        lock (gate)
        {
            while (!isThere() && failure is null)
            {
                if (!Monitor.Wait(gate, end.Milliseconds()) && !isThere())
                    return false;
            }
            return isThere();
        }
    }

    private void Run()
    {
        try
        {
            while (ReadMessage())
            {
            }
        }
        catch (Exception e) when (e is ChannelException or VmStateException)
        {
            End(e);
        }
    }

    /// <returns>Whether more may come.</returns>
    private bool ReadMessage()
    {
        if (ReturnPathMessage.Read(messages) is not { } message)
            throw channel.Failure("return path", ChannelFault.Closed, "the destination has closed the connection before SHUT");
        switch (message.Kind)
        {
            case ReturnPathMessageKind.Pong:
                Interlocked.CompareExchange(ref firstPongAt, Stopwatch.GetTimestamp(), 0);
                Set(ref pong, message.Value);
                onPostcopy?.Invoke(message);
                return true;
            case ReturnPathMessageKind.Shut:
                Set(ref shut, message.Value);
                if (message.Value is not 0)
                    End(new MigrationRefusedException(message.Value!.Value));
                else if (onPostcopy != null)
                    onPostcopy(message);
                else
                    onEnd(new VmStateException("a destination that waits for the end of the stream", "SHUT(0)", channel.BytesRead - message.ToBytes().Length));
                return false;
            case ReturnPathMessageKind.RequestPages or ReturnPathMessageKind.RequestPagesOfBlock or ReturnPathMessageKind.ReceivedBitmap
                or ReturnPathMessageKind.ResumeAcknowledged when onPostcopy != null:
                onPostcopy(message);
                return true;
            default:
                throw new VmStateException("SHUT or PONG on the return path", message.ToString(), channel.BytesRead - message.ToBytes().Length);
        }
    }

    private void Set(ref uint? said, uint? value)
    {
        lock (gate)
        {
            said = value;
            Monitor.PulseAll(gate);
        }
    }

    private void End(Exception reason)
    {
        lock (gate)
        {
            failure = reason;
            Monitor.PulseAll(gate);
        }
        onEnd(reason);
    }
}

/// <summary>The destination has said that it could not load; why, only it knows: the return path has no room for words.</summary>
public sealed class MigrationRefusedException : Exception
{
    internal MigrationRefusedException(uint value)
        : base($"The destination refused (SHUT {value}); its own log says why.")
        => Value = value;

    /// <summary>What it said; not 0.</summary>
    public uint Value { get; }
}
