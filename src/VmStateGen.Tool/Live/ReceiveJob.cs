using System;
using System.IO;
using System.Text.Json;
using System.Threading;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;
using VmStateGen.Tool.Rendering;

namespace VmStateGen.Tool.Live;

/// <summary>
/// <c>vmstate receive</c>: the destination of a migration that is a file. The source is told that it has arrived once it has its name and
/// would survive a crash, and never before; whatever fails before leaves the guest to the source and no file.
/// </summary>
internal sealed class ReceiveJob
{
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan GoodbyeTime = TimeSpan.FromSeconds(2);

    private readonly LiveLog log;
    private readonly CancellationToken token;
    private Channel? source;
    private LiveInput? input;
    private QemuStreamReceiver? receiver;
    private PostcopyPeers? peers;

    public ReceiveJob(LiveLog log, CancellationToken token)
    {
        this.log = log;
        this.token = token;
    }

    public required ChannelAddress Address { get; init; }

    public required string File { get; init; }

    public bool AllowMissingPages { get; init; }

    /// <summary>Takes a source that goes over to postcopy, too.</summary>
    public bool Postcopy { get; init; }

    /// <summary>How long a source may say nothing between the end of RAM and the end of the stream. In RAM it may pause as long as it likes.</summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long a source that waits for an answer says nothing until what it has sent, if it is whole, counts as all. A trailer that is late by
    /// more than this would be left out; the guest stands still meanwhile.
    /// </summary>
    public TimeSpan Quiet { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>For tests: the file as something that fails at some point.</summary>
    public Func<Stream, Stream> Wrap { get; init; } = static stream => stream;

    /// <exception cref="LiveException">It failed.</exception>
    public int Run()
    {
        using FileChannel file = Create();

        // Until the end: a QEMU with multifd whose further connections are refused waits for ever now and then (qemu-migration.md §14). Its setup
        // says that pages will come through them, and is refused.
        using ChannelListener listener = ChannelListener.Listen(Address);
        using Channel channel = source = Postcopy ? AcceptPostcopy(listener) : Accept(listener);
        input = new LiveInput(channel, token);
        try
        {
            Receive(file);
            Check();
            // Bitmaps are written; now fsync, rename, and fsync of the directory.
            file.Close();
        }
        catch (Exception e) when (e is VmStateException or IOException or UnauthorizedAccessException or OperationCanceledException)
        {
            throw Failed(e);
        }
        finally
        {
            input?.Dispose();
        }
        Finish();
        peers?.Dispose();
        return ExitCodes.Done;
    }

    private FileChannel Create()
    {
        if (ChannelConnector.CreateAtomic(new FileAddress(File)) is FileChannel { CanRead: true } file)
            return file;
        throw new LiveException($"{File}: a device or a pipe cannot be received into: name a file", ExitCodes.Usage);
    }

    private Channel Accept(ChannelListener listener)
    {
        log.Say("listening", $"listening on {listener.Address}", json => json.WriteString("address", listener.Address.ToString()));
        try
        {
            Channel channel = listener.Accept(Timeout.InfiniteTimeSpan, token);
            log.Say("connected", $"connected: {channel.Peer}", json => json.WriteString("peer", channel.Peer));
            return channel;
        }
        catch (OperationCanceledException e)
        {
            throw new LiveException("it was cancelled before a source had connected", ExitCodes.Failed, e);
        }
    }

    private Channel AcceptPostcopy(ChannelListener listener)
    {
        peers = new PostcopyPeers(listener);
        log.Say("listening", $"listening on {listener.Address}", json => json.WriteString("address", listener.Address.ToString()));
        try
        {
            Channel channel = peers.Next(token);
            log.Say("connected", $"connected: {channel.Peer}", json => json.WriteString("peer", channel.Peer));
            return channel;
        }
        catch (OperationCanceledException e)
        {
            throw new LiveException("it was cancelled before a source had connected", ExitCodes.Failed, e);
        }
    }

    /// <summary>After a cut: the source is paused, and comes again when it is told to.</summary>
    private LiveInput? Reconnect(Exception reason)
    {
        if (token.IsCancellationRequested || reason is VmStateException && !input!.HasEnded)
            return null;
        source!.Dispose();
        log.Say("paused", $"the link was lost ({reason.Message.TrimEnd('.')}). On the source: migrate with resume=true to the same address; what has come is kept", json => json.WriteString("reason", reason.Message));
        source = peers!.Next(token);
        log.Say("recovering", $"connected again: {source.Peer}", json => json.WriteString("peer", source.Peer));
        return input = new LiveInput(source, token) { First = PostcopyPeers.FirstByte };
    }

    private void Receive(FileChannel file)
    {
        receiver = new QemuStreamReceiver(input!, Wrap(file.AsSeekableStream()), new QemuReceiveOptions
        {
            AllowMissingPages = AllowMissingPages,
            Observer = new Observer(this, new StreamWatch(log, hasAll: false)),
            IsQuiet = () => input!.IsQuiet(Quiet),
            Pong = value => Tell(ReturnPathMessage.Pong(value)),
            Postcopy = peers is null ? null : new QemuPostcopyReceiveOptions { Tell = Tell, Reconnect = Reconnect },
        });
        receiver.Receive();
    }

    private void Check()
    {
        token.ThrowIfCancellationRequested();
        if (receiver!.HasReturnPath && input!.HasEnded)
            throw new IOException($"{source!.Peer}: the source has closed the connection instead of waiting for the answer");
    }

    private void Finish()
    {
        string text = $"{File}: {SizeText.Of(source!.BytesRead)} received in {log.Elapsed.TotalSeconds:0.0} s";
        if (receiver!.HasReturnPath)
        {
            try
            {
                Tell(ReturnPathMessage.Shut(0));
                if (!source.WaitUntilDelivered(AnswerTime))
                    throw new IOException($"{source.Peer}: the answer was not taken within {AnswerTime.TotalSeconds:0} s");
            }
            catch (IOException e)
            {
                throw new LiveException($"{e.Message} {File} is complete, but the source may not know and let its guest go on: run one of the two only", ExitCodes.Failed, e);
            }
        }
        log.Say("done", text, json => Done(json));
    }

    private void Done(Utf8JsonWriter json)
    {
        json.WriteString("file", File);
        json.WriteNumber("bytes", source!.BytesRead);
        json.WriteBoolean("return_path", receiver!.HasReturnPath);
        json.WriteBoolean("trailer", receiver.HasTrailer);
    }

    private void Tell(ReturnPathMessage message)
    {
        if (!source!.IsBidirectional)
            throw new IOException($"{source.Peer}: the source wants an answer, and this channel has no way back: turn its capability return-path off");
        source.WriteTimeout = AnswerTime;
        source.Write(message.ToBytes());
    }

    /// <summary>Tells the source if it can be told, and the user what it means.</summary>
    private LiveException Failed(Exception e)
    {
        string reason = e is OperationCanceledException ? "it was cancelled" : e.Message.TrimEnd('.');
        if (receiver?.HasReturnPath == true)
        {
            string told = TellFailure() ? "the source was told" : "the connection is lost";
            return new LiveException($"{reason}; {told}, and no file was made", CodeOf(e), e);
        }
        if (receiver?.HasTrailer == true || input!.HasEnded)
            return new LiveException($"{reason}; there was no return path to say so, and the source has already ended. No file was made", ExitCodes.Failed, e);
        // It notices by the connection, unless all it had to say fitted into the buffers in between.
        return new LiveException($"{reason}; the connection was closed, and no file was made", CodeOf(e), e);
    }

    /// <summary>Damage is the stream's; but one that is cut off is the peer's failure.</summary>
    private int CodeOf(Exception e) => e is VmStateException && !input!.HasEnded ? ExitCodes.Found : ExitCodes.Failed;

    /// <summary>SHUT(1), and a moment in which the source can read it: a connection that is closed with data unread takes the answer with it.</summary>
    private bool TellFailure()
    {
        if (input!.HasEnded)
            return false;
        try
        {
            Tell(ReturnPathMessage.Shut(1));
            source!.ShutdownWrite();
            var waste = new byte[64 * 1024];
            using var goodbye = new CancellationTokenSource(GoodbyeTime);
            using var rest = new LiveInput(source, goodbye.Token);
            while (rest.Read(waste) > 0)
            {
            }
        }
        catch (OperationCanceledException)
        {
            // Long enough.
        }
        catch (IOException)
        {
            return false;
        }
        return true;
    }

    /// <summary>Shows what passes, and knows when the source's silence begins to mean something.</summary>
    private sealed class Observer(ReceiveJob job, StreamWatch watch) : IQemuStreamObserver
    {
        public void OnElement(QemuStreamReader reader)
        {
            watch.OnElement(reader);
            if (reader.Current is not { Kind: QemuElementKind.Section, Section: { Name: QemuWire.RamName, InstanceId: 0 } section })
                return;
            if (section.Kind == SectionKind.Start && !job.receiver!.HasReturnPath)
                job.log.Say("no-return-path", "no return path: the source ends when it has sent all, whether or not it can be stored");
            if (section.Kind != SectionKind.End)
                return;
            job.input!.Silence = job.Silence;
            job.input.SilenceMeans = job.receiver!.HasReturnPath
                ? ", and the stream has neither a trailer yet nor, in its place, devices with footers up to its end. Of a machine type without both (2.2 and older) nobody but QEMU knows where a device ends"
                : ", and the stream has not ended";
        }

        public void OnRecord(in RamRecord record) => watch.OnRecord(record);
    }
}
