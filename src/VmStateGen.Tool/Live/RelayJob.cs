using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Streams.Qemu;
using VmStateGen.Tool.Rendering;

namespace VmStateGen.Tool.Live;

/// <summary>
/// <c>vmstate relay</c>: stands between the two ends of a migration and passes on what each says, unchanged and at once. What passes is decoded
/// on threads beside, so that neither a damaged stream nor a full disk disturbs the migration.
/// </summary>
internal sealed class RelayJob
{
    private const int Chunk = 256 * 1024;
    private const int FeedSize = 8 * 1024 * 1024;

    /// <summary>For a source to end, after the destination has closed the connection.</summary>
    private static readonly TimeSpan GoodbyeTime = TimeSpan.FromSeconds(10);

    /// <summary>For what the destination has said last to be decoded.</summary>
    private static readonly TimeSpan DecodingTime = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan DeliveryTime = TimeSpan.FromSeconds(30);

    private readonly LiveLog log;
    private readonly CancellationToken token;
    private readonly Feed stream = new(FeedSize);
    private readonly Feed answers = new(64 * 1024);
    private LiveInput? fromSource;
    private Exception? fault;
    private Exception? recordFault;
    private VmStateException? damage;
    private bool isCut;
    private long shut = -1;

    public RelayJob(LiveLog log, CancellationToken token)
    {
        this.log = log;
        this.token = token;
    }

    public required ChannelAddress Listen { get; init; }

    public required ChannelAddress Destination { get; init; }

    /// <summary>Where the source's stream is kept, too.</summary>
    public string? Record { get; init; }

    /// <summary>For how long to try while nobody listens at the destination.</summary>
    public TimeSpan Wait { get; init; }

    /// <exception cref="LiveException">The migration failed, or it was not understood, or not recorded.</exception>
    public int Run()
    {
        using Channel? record = Record == null ? null : ChannelConnector.CreateAtomic(new FileAddress(Record));
        using Channel source = Accept();
        using Channel destination = Connect();
        // A cancel closes both channels, and wakes it so.
        using LiveInput input = fromSource = new LiveInput(source, CancellationToken.None);
        using (token.Register(() => Fail(new OperationCanceledException("it was cancelled"), source, destination)))
        {
            Task decoding = Start(Decode);
            Task listening = Start(DecodeAnswers);
            Task back = Start(() => PassBack(source, destination));
            PassOn(source, destination, record);
            stream.End();
            back.Wait(CancellationToken.None);
            answers.End();
            Task.WaitAll([decoding, listening], CancellationToken.None);
        }
        if (recordFault == null && fault is not OperationCanceledException)
            Keep(record);
        Judge();
        log.Say("done", $"{SizeText.Of(destination.BytesWritten)} passed on in {log.Elapsed.TotalSeconds:0.0} s, {SizeText.Of(source.BytesWritten)} back", json =>
        {
            json.WriteNumber("bytes", destination.BytesWritten);
            json.WriteNumber("bytes_back", source.BytesWritten);
        });
        return ExitCodes.Done;
    }

    private Channel Accept()
    {
        using ChannelListener listener = ChannelListener.Listen(Listen);
        log.Say("listening", $"listening on {listener.Address}", json => json.WriteString("address", listener.Address.ToString()));
        return Cancellable(() => listener.Accept(Timeout.InfiniteTimeSpan, token), "source");
    }

    private Channel Connect()
    {
        var options = new ConnectOptions { Retry = Wait > TimeSpan.Zero, Timeout = Wait > TimeSpan.Zero ? Wait : Timeout.InfiniteTimeSpan };
        return Cancellable(() => ChannelConnector.Connect(Destination, options, token), "destination");
    }

    private Channel Cancellable(Func<Channel> open, string who)
    {
        try
        {
            Channel channel = open();
            log.Say("connected", $"connected: {who} {channel.Peer}", json =>
            {
                json.WriteString("end", who);
                json.WriteString("peer", channel.Peer);
            });
            return channel;
        }
        catch (OperationCanceledException e)
        {
            throw new LiveException($"it was cancelled before the {who} was connected", ExitCodes.Failed, e);
        }
    }

    private static Task Start(Action action) => Task.Factory.StartNew(action, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private void PassOn(Channel source, Channel destination, Channel? record)
    {
        var chunk = new byte[Chunk];
        try
        {
            while (fromSource!.Read(chunk) is > 0 and var count)
            {
                destination.Write(chunk.AsSpan(0, count));
                Keep(record, chunk.AsSpan(0, count));
                stream.Write(chunk.AsSpan(0, count));
            }
            // A source that asks for no answer has ended by now; whether the rest arrives is known here only.
            destination.ShutdownWrite();
            if (!destination.WaitUntilDelivered(DeliveryTime))
                throw new IOException($"{destination.Peer}: not all was taken within {DeliveryTime.TotalSeconds:0} s");
        }
        catch (IOException) when (SpinWait.SpinUntil(() => Volatile.Read(ref shut) == 0, DecodingTime))
        {
            // After a good end it does not matter who closes first, and how.
        }
        catch (IOException e)
        {
            Fail(e, source, destination);
        }
    }

    private void PassBack(Channel source, Channel destination)
    {
        if (!destination.CanRead || destination.CanSeek)
            return;
        var chunk = new byte[4096];
        try
        {
            while (destination.Read(chunk) is > 0 and var count)
            {
                answers.Write(chunk.AsSpan(0, count));
                source.Write(chunk.AsSpan(0, count));
            }
            if (source.IsBidirectional)
                source.ShutdownWrite();
            // One that asks for no answer may still be about to close; one that waits for something would wait for ever.
            fromSource!.Silence = GoodbyeTime;
            fromSource.SilenceMeans = $", and the destination {destination.Peer} has closed the connection";
        }
        catch (IOException e)
        {
            Fail(e, source, destination);
        }
    }

    /// <summary>The one error exit: the first fault counts, and both ends see a lost connection, as without a relay.</summary>
    private void Fail(Exception e, Channel source, Channel destination)
    {
        Interlocked.CompareExchange(ref fault, e, null);
        source.Dispose();
        destination.Dispose();
    }

    private void Keep(Channel? record, ReadOnlySpan<byte> bytes)
    {
        if (record == null || recordFault != null)
            return;
        try
        {
            record.Write(bytes);
        }
        catch (IOException e)
        {
            recordFault = e;
            log.Say("record-failed", $"the recording has stopped: {e.Message} The migration goes on.", json => json.WriteString("error", e.Message));
        }
    }

    /// <summary>All that has passed is kept, of a migration that failed, too: it is what one wants to look at.</summary>
    private void Keep(Channel? record)
    {
        try
        {
            record?.Close();
        }
        catch (IOException e)
        {
            recordFault = e;
        }
    }

    private void Decode()
    {
        var watch = new StreamWatch(log, hasAll: true, "> ");
        try
        {
            var reader = new QemuStreamReader(stream, new QemuStreamReaderOptions { IsLive = true });
            while (reader.Read())
            {
                watch.OnElement(reader);
                while (reader.ReadRamRecord(out RamRecord record))
                    watch.OnRecord(record);
            }
        }
        catch (VmStateException e)
        {
            damage = e;
            isCut = stream.HasEnded;
            if (!isCut)
                log.Say("not-understood", $"> this is not understood, and passed on all the same: {e.Message}", json => json.WriteString("error", e.Message));
        }
        finally
        {
            stream.Abandon();
        }
    }

    private void DecodeAnswers()
    {
        try
        {
            while (ReturnPathMessage.Read(answers) is { } message)
            {
                if (message.Kind == ReturnPathMessageKind.Shut)
                    Volatile.Write(ref shut, message.Value ?? 0);
                log.Say("answer", $"< {message}", json =>
                {
                    json.WriteString("message", message.Kind.ToString());
                    if (message.Value is { } value)
                        json.WriteNumber("value", value);
                });
            }
        }
        catch (Exception e) when (e is VmStateException or EndOfStreamException)
        {
            log.Say("not-understood", $"< this is not understood, and passed back all the same: {e.Message}", json => json.WriteString("error", e.Message));
        }
        finally
        {
            answers.Abandon();
        }
    }

    private void Judge()
    {
        if (fault is OperationCanceledException)
            throw new LiveException("it was cancelled; both connections were closed", ExitCodes.Failed, fault);
        if (fault != null)
            throw new LiveException($"{fault.Message.TrimEnd('.')}; both connections were closed", ExitCodes.Failed, fault);
        if (shut > 0)
            throw new LiveException($"the destination has refused the migration (SHUT {shut}): its own output says why", ExitCodes.Failed);
        if (damage != null && isCut)
            throw new LiveException($"the migration has ended in the middle: {damage.Message}", ExitCodes.Failed, damage);
        if (recordFault != null)
            throw new LiveException($"all was passed on, but not recorded: {recordFault.Message}", ExitCodes.Failed, recordFault);
        if (damage != null)
            throw new LiveException($"all was passed on, but not understood: {damage.Message}", ExitCodes.Found, damage);
    }
}
