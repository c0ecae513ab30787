using System;
using System.IO;
using System.Threading;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Qemu.Tests;

/// <summary>Stands between a source and a destination, passes bytes both ways, and keeps what came from the source in a file.</summary>
/// <remarks>Tells who has lost a page: the source, if its stream says so (<see cref="Replay"/>), or whoever loaded that stream.</remarks>
internal sealed class RecordedLink : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private readonly CancellationTokenSource stop = new();
    private readonly ChannelListener listener;
    private readonly ChannelAddress destination;
    private readonly string path;
    private readonly Thread thread;

    /// <param name="from">Where the source connects.</param>
    /// <param name="to">Where the destination listens, or soon will.</param>
    /// <param name="path">The file.</param>
    public RecordedLink(ChannelAddress from, ChannelAddress to, string path)
    {
        destination = to;
        this.path = path;
        listener = ChannelListener.Listen(from);
        thread = new Thread(Run);
        thread.Start();
    }

    /// <summary>Waits until both ends have closed; the file is whole then.</summary>
    public void WaitForEnd()
    {
        if (!thread.Join(Limit))
            throw new TimeoutException($"The link from {listener.Address} to {destination} is still open.");
    }

    public void Dispose()
    {
        stop.Cancel();
        thread.Join();
        listener.Dispose();
        stop.Dispose();
    }

    /// <summary>What a block of RAM holds from its start on, if the last record of each page counts. Loads nothing and knows no machine.</summary>
    /// <param name="path">A recorded stream.</param>
    /// <param name="block">Its name.</param>
    /// <param name="length">Bytes, whole pages.</param>
    public static byte[] Replay(string path, string block, int length)
    {
        var memory = new byte[length];
        using FileStream file = File.OpenRead(path);
        var reader = new QemuStreamReader(file);
        while (reader.Read())
        {
            while (reader.ReadRamRecord(out RamRecord record))
            {
                if (record.Block?.Name == block && record.PageOffset < length)
                    reader.ReadPage(record, memory.AsSpan((int)record.PageOffset, reader.Ram!.PageSize));
            }
        }
        return memory;
    }

    private void Run()
    {
        try
        {
            using Channel source = listener.Accept(Limit, stop.Token);
            using Channel sink = ChannelConnector.Connect(destination, new ConnectOptions { Retry = true, Timeout = Limit }, stop.Token);
            using CancellationTokenRegistration cancel = stop.Token.Register(() =>
            {
                source.Cancel();
                sink.Cancel();
            });
            var back = new Thread(() => Pass(sink, source, Stream.Null));
            back.Start();
            using (FileStream file = File.Create(path))
                Pass(source, sink, file);
            back.Join();
        }
        catch (Exception e) when (e is ChannelException or OperationCanceledException)
        {
            // The two ends say what went wrong: each has lost its peer.
        }
    }

    private static void Pass(Channel from, Channel to, Stream copy)
    {
        var buffer = new byte[256 << 10];
        try
        {
            while (from.Read(buffer) is > 0 and var count)
            {
                copy.Write(buffer, 0, count);
                to.Write(buffer.AsSpan(0, count));
            }
            to.ShutdownWrite();
        }
        catch (ChannelException)
        {
            // One end is gone: the other must not wait for it.
            from.Cancel();
            to.Cancel();
        }
    }
}
