using System;
using System.IO;
using System.Threading;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Streams.Qemu;
using VmStateGen.Tool.Commands;
using VmStateGen.Tool.Rendering;

namespace VmStateGen.Tool.Live;

/// <summary>
/// <c>vmstate send</c>: the source of a migration whose machine is a file. EOF, from which on the destination runs its guest, only goes out
/// when the destination has said that all sections have loaded (qemu-migration.md §1.7).
/// </summary>
internal sealed class SendJob
{
    private readonly LiveLog log;
    private readonly CancellationToken token;
    private Channel? destination;
    private LiveInput? answers;
    private bool isHandedOver;

    public SendJob(LiveLog log, CancellationToken token)
    {
        this.log = log;
        this.token = token;
    }

    public required string File { get; init; }

    public required ChannelAddress Address { get; init; }

    public bool AllowMissingPages { get; init; }

    public bool HasReturnPath { get; init; } = true;

    /// <summary>For how long to try while nobody listens.</summary>
    public TimeSpan Wait { get; init; }

    /// <summary>How long the destination may take for an answer.</summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromMinutes(1);

    private bool AsksForAnswers => HasReturnPath && Address is (TcpAddress or UnixAddress or DescriptorAddress);

    /// <exception cref="LiveException">It failed.</exception>
    public int Run()
    {
        using Stream stream = SeekableInput.Open(File, OutputFile.StandardOutput);
        // A damaged file is found before the destination hears of it.
        var checking = new Share(this, "checking", stream.Length);
        using var converter = QemuStreamConverter.Open(stream, Options(), checking);
        using Channel channel = destination = Connect();
        using LiveInput live = answers = new LiveInput(channel, token) { Silence = Silence, SilenceMeans = " while the destination was waited for" };
        using CancellationTokenRegistration cancel = token.Register(() => channel.Cancel());
        try
        {
            converter.Write(channel.AsStream(), RamLayout.Plain, new Share(this, "sending", stream.Length));
            isHandedOver = true;
            Finish();
        }
        catch (Exception e) when (e is VmStateException or IOException or OperationCanceledException)
        {
            throw Failed(e);
        }
        log.Say("done", $"{File}: {SizeText.Of(channel.BytesWritten)} sent in {log.Elapsed.TotalSeconds:0.0} s", json => json.WriteNumber("bytes", channel.BytesWritten));
        return ExitCodes.Done;
    }

    private QemuConvertOptions Options() => new()
    {
        AllowMissingPages = AllowMissingPages,
        // Files and commands have no way back.
        AwaitPong = AsksForAnswers ? AwaitPong : null,
    };

    private Channel Connect()
    {
        try
        {
            Channel channel = Address is FileAddress { Offset: 0 } file
                ? ChannelConnector.CreateAtomic(file)
                : ChannelConnector.Connect(Address, new ConnectOptions { Retry = Wait > TimeSpan.Zero, Timeout = Wait > TimeSpan.Zero ? Wait : Timeout.InfiniteTimeSpan }, token);
            log.Say("connected", $"connected: {channel.Peer}", json => json.WriteString("peer", channel.Peer));
            return channel;
        }
        catch (OperationCanceledException e)
        {
            throw new LiveException("it was cancelled before it had connected", ExitCodes.Failed, e);
        }
    }

    private void AwaitPong(uint value)
    {
        ReturnPathMessage message;
        while ((message = Next()) is not { Kind: ReturnPathMessageKind.Pong } || message.Value != value)
        {
            if (message.Kind == ReturnPathMessageKind.Shut)
                throw Refused(message);
        }
        // From here on the destination may run its guest.
        isHandedOver = true;
    }

    private void Finish()
    {
        if (AsksForAnswers)
        {
            ReturnPathMessage message;
            while ((message = Next()).Kind != ReturnPathMessageKind.Shut)
            {
            }
            if (message.Value != 0)
                throw Refused(message);
            return;
        }
        destination!.ShutdownWrite();
        if (!destination.WaitUntilDelivered(Silence))
            throw new IOException($"{destination.Peer}: not all was taken within {Silence.TotalSeconds:0} s");
        destination.Close();
    }

    private ReturnPathMessage Next() =>
        ReturnPathMessage.Read(answers!) ?? throw new IOException($"{destination!.Peer}: the destination has closed the connection without an answer");

    private IOException Refused(ReturnPathMessage message) =>
        new($"{destination!.Peer}: the destination has refused it ({message}): its own output says why");

    private LiveException Failed(Exception e)
    {
        string reason = token.IsCancellationRequested ? "it was cancelled" : e.Message.TrimEnd('.');
        if (!isHandedOver && !token.IsCancellationRequested && e is ChannelException && Refusal() is { } refusal)
            reason = refusal.Message;
        string state = isHandedOver || !AsksForAnswers ? "whether the destination runs the guest is not known" : "the destination does not run the guest";
        return new LiveException($"{reason}; {state}", ExitCodes.Failed, e);
    }

    /// <summary>A destination that refuses closes the connection; what it said before may still be there to be read.</summary>
    private IOException? Refusal()
    {
        try
        {
            while (ReturnPathMessage.Read(answers!) is { } message)
            {
                if (message.Kind == ReturnPathMessageKind.Shut)
                    return Refused(message);
            }
        }
        catch (Exception e) when (e is IOException or VmStateException or OperationCanceledException)
        {
            // It said nothing.
        }
        return null;
    }

    /// <summary>How much of the file was read.</summary>
    private sealed class Share(SendJob job, string verb, long length) : IProgress<long>
    {
        public void Report(long value)
        {
            double fraction = (double)value / Math.Max(1, length);
            job.log.Progress(
                () => $"{LiveLog.Bar(fraction)} {100 * fraction,3:0} %, {verb}",
                json =>
                {
                    json.WriteString("doing", verb);
                    json.WriteNumber("offset", value);
                    json.WriteNumber("length", length);
                });
        }
    }
}
