using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Tool.Tests;

/// <summary>The other end of a connection, played from a recording.</summary>
internal static class LivePeer
{
    /// <summary>How long the ends wait for each other: it ends a hang, nothing is measured by it.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private static readonly ConnectOptions Connecting = new()
    {
        Retry = true,
        Timeout = Limit,
        Channel = new ChannelOptions { ReadTimeout = Limit, WriteTimeout = Limit },
    };

    /// <summary>The recording of a migration; without a return path the commands of one are left out.</summary>
    public static byte[] Recording(bool hasReturnPath, bool trailer = true)
    {
        byte[] stream = ToolStream.Make(trailer);
        byte[] commands = [0x08, 0, 1, 0, 0, 0x08, 0, 2, 0, 4, 0, 0, 0, 1];
        int at = stream.AsSpan().IndexOf(commands);
        return hasReturnPath ? stream : [.. stream[..at], .. stream[(at + commands.Length)..]];
    }

    /// <summary>Where EOF is.</summary>
    public static int EofOffset(byte[] stream)
    {
        var reader = new QemuStreamReader(new System.IO.MemoryStream(stream));
        while (reader.Read() && reader.Current.Kind != QemuElementKind.Eof)
        {
        }
        return (int)reader.Current.Offset;
    }

    /// <summary>Where the first section behind RAM begins.</summary>
    public static int DevicesOffset(byte[] stream)
    {
        var reader = new QemuStreamReader(new System.IO.MemoryStream(stream));
        bool isRamOver = false;
        while (reader.Read() && !(isRamOver && reader.Current.Kind == QemuElementKind.Section))
            isRamOver |= reader.Current is { Kind: QemuElementKind.Section, Section.Kind: Runtime.Streams.SectionKind.End };
        return (int)reader.Current.Offset;
    }

    public static Channel Connect(string address) => ChannelConnector.Connect(ChannelAddress.Parse(address), Connecting);

    /// <summary>A source that sends these bytes, takes what it is told, and closes the connection.</summary>
    /// <param name="address">Where to connect.</param>
    /// <param name="bytes">What to send.</param>
    /// <param name="waits">For answers, before the connection is closed.</param>
    /// <param name="onAnswer">Called at each of them.</param>
    /// <param name="isOver">Closes its half at once: what is waited for never comes.</param>
    /// <returns>The answers.</returns>
    public static Task<List<string>> Source(string address, byte[] bytes, bool waits, Action<ReturnPathMessage>? onAnswer = null, bool isOver = false) => Task.Factory.StartNew(
        () =>
        {
            var answers = new List<string>();
            using Channel channel = Connect(address);
            try
            {
                channel.Write(bytes);
                if (isOver)
                    channel.ShutdownWrite();
                if (!waits)
                    return answers;
                while (ReturnPathMessage.Read(channel.AsStream()) is { } message)
                {
                    answers.Add(message.ToString());
                    onAnswer?.Invoke(message);
                    if (message.Kind == ReturnPathMessageKind.Shut)
                        break;
                }
            }
            catch (ChannelException e)
            {
                answers.Add($"lost: {e.Fault}");
            }
            return answers;
        },
        TaskCreationOptions.LongRunning);

    /// <summary>A destination that does what it is told to.</summary>
    public static Task Destination(string address, Action<Channel> behaviour, ManualResetEventSlim? listening = null) => Task.Factory.StartNew(
        () =>
        {
            using ChannelListener listener = ChannelListener.Listen(ChannelAddress.Parse(address), Connecting.Channel);
            listening?.Set();
            using Channel channel = listener.Accept(Limit);
            behaviour(channel);
        },
        TaskCreationOptions.LongRunning);
}
