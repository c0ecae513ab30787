using System;
using System.Buffers.Binary;
using System.Threading;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Linux;

namespace VmStateGen.Runtime.Migration;

/// <summary>Messages from a destination to its source (qemu-migration.md §1.7).</summary>
internal enum ReturnMessage : ushort
{
    Shut = 1,
    Pong = 2,
}

/// <summary>
/// A source's end of the return path: a thread that takes what the destination says. Tells of the end of it at once, so that whoever is
/// stuck in a write to a destination that has given up need not wait.
/// </summary>
internal sealed class ReturnPath
{
    private const int LongestMessage = 512;

    private readonly Channel channel;
    private readonly Action<Exception> onEnd;
    private readonly object gate = new();
    private readonly Thread thread;
    private uint? pong;
    private uint? shut;
    private Exception? failure;

    /// <param name="channel">The migration's; the return path ends when it is disposed of.</param>
    /// <param name="onEnd">Told, on the return path's thread, that nothing more comes: why, or that it was shut with an error.</param>
    public ReturnPath(Channel channel, Action<Exception> onEnd)
    {
        this.channel = channel;
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

    /// <summary>A message as on the wire.</summary>
    public static byte[] Encode(ReturnMessage message, uint value)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)message);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), 4);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), value);
        return bytes;
    }

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

    private bool ReadMessage()
    {
        Span<byte> header = stackalloc byte[4];
        channel.ReadExactly(header);
        var type = (ReturnMessage)BinaryPrimitives.ReadUInt16BigEndian(header);
        var length = BinaryPrimitives.ReadUInt16BigEndian(header[2..]);
        if (length > LongestMessage)
            throw new VmStateException($"a message of at most {LongestMessage} bytes on the return path", $"{length}", channel.BytesRead - 2);
        Span<byte> payload = stackalloc byte[LongestMessage];
        channel.ReadExactly(payload[..length]);
        var isKnown = type is ReturnMessage.Shut or ReturnMessage.Pong;
        if (!isKnown || length != 4)
            throw new VmStateException("SHUT or PONG of 4 bytes on the return path", $"message {(ushort)type} of {length} bytes", channel.BytesRead - length - 4);
        var value = BinaryPrimitives.ReadUInt32BigEndian(payload);
        lock (gate)
        {
            if (type == ReturnMessage.Pong)
                pong = value;
            else
                shut = value;
            Monitor.PulseAll(gate);
        }
        if (type == ReturnMessage.Pong)
            return true;
        if (value != 0)
            End(new MigrationRefusedException(value));
        else
            onEnd(new VmStateException("a destination that waits for the end of the stream", "SHUT(0)", channel.BytesRead - 8));
        return false;
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
