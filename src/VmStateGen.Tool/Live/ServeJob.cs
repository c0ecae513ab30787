using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Postcopy;
using VmStateGen.Runtime.Streams.Qemu;
using VmStateGen.Tool.Commands;
using VmStateGen.Tool.Rendering;

namespace VmStateGen.Tool.Live;

/// <summary>
/// <c>vmstate serve</c>: guests are started from a file in destinations that wait for a postcopy migration. Before the first connection all is
/// read that is needed to start them, and the protocol has run once.
/// </summary>
internal sealed class ServeJob(LiveLog log, CancellationToken token)
{
    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(100);

    public required string File { get; init; }

    /// <summary>One for each guest.</summary>
    public required IReadOnlyList<ChannelAddress> Addresses { get; init; }

    /// <summary>Where to connect after a cut: one for each guest, or none for the same address.</summary>
    public IReadOnlyList<ChannelAddress> RecoveryAddresses { get; init; } = [];

    /// <summary>What holds for all guests.</summary>
    public PostcopyServeOptions Options { get; init; } = new();

    /// <summary>Page sizes by block; the name of a block left out means the largest.</summary>
    public IReadOnlyList<(string? Block, int Size)> PageSizes { get; init; } = [];

    /// <summary>Where a plain stream's index is kept; left out beside the file, empty nowhere.</summary>
    public string? IndexPath { get; init; }

    /// <exception cref="LiveException">Not all guests were served to the end.</exception>
    public int Run()
    {
        using PostcopySnapshot snapshot = Open();
        PostcopyServeOptions options = Options with { UnitSizes = UnitSizes(snapshot) };
        Guest[] guests = [.. Addresses.Select((address, i) => new Guest(this, snapshot, options, address, i))];
        PostcopyServer.WarmUp(snapshot, options);
        log.Say("ready", $"ready: {snapshot.MachineType}, RAM of {SizeText.Of(snapshot.Blocks.Sum(block => block.Length))}, {SizeText.Of(snapshot.ContentPages * snapshot.PageSize)} of it not zeros", json =>
        {
            json.WriteString("machine", snapshot.MachineType);
            json.WriteNumber("ram", snapshot.Blocks.Sum(block => block.Length));
            json.WriteNumber("pages", snapshot.ContentPages);
            json.WriteNumber("page_size", snapshot.PageSize);
        });
        Task[] running = [.. guests.Select(guest => Task.Factory.StartNew(guest.Serve, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        while (!Task.WaitAll(running, Turn))
            Progress(guests, snapshot);
        Guest[] failed = [.. guests.Where(guest => guest.Failure != null)];
        if (failed.Length > 0)
            throw new LiveException(string.Join(Environment.NewLine, failed.Select(guest => guest.Failure)), ExitCodes.Failed);
        return ExitCodes.Done;
    }

    private PostcopySnapshot Open()
    {
        TimeSpan from = log.Elapsed;
        try
        {
            if (!System.IO.File.Exists(File))
                throw new FileNotFoundException($"There is no file {File}.");
            long length = new FileInfo(File).Length;
            PostcopySnapshot snapshot = PostcopySnapshot.Open(File, new PostcopySnapshotOptions { IndexPath = IndexPath, Progress = new Share(log, length) });
            if (snapshot.Indexing != SnapshotIndexing.None)
                SayIndexed(snapshot, log.Elapsed - from);
            return snapshot;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException(File, e);
        }
    }

    private void SayIndexed(PostcopySnapshot snapshot, TimeSpan time)
    {
        string how = snapshot.Indexing switch
        {
            SnapshotIndexing.Kept => "the index beside the file was taken",
            SnapshotIndexing.Made => "indexed, and the index kept beside the file",
            _ => "indexed; the index could not be kept, and the next time takes as long",
        };
        log.Say("indexed", $"{how}: {time.TotalSeconds:0.00} s", json =>
        {
            json.WriteString("index", snapshot.Indexing.ToString().ToLowerInvariant());
            json.WriteNumber("time", Math.Round(time.TotalSeconds, 3));
        });
    }

    private Dictionary<string, int> UnitSizes(PostcopySnapshot snapshot)
    {
        var sizes = new Dictionary<string, int>();
        foreach ((string? block, int size) in PageSizes)
            sizes[block ?? snapshot.Blocks.MaxBy(one => one.Length).Name] = size;
        try
        {
            // A size that does not fit is found before anybody is connected to.
            _ = new PostcopyServer(snapshot, Options with { UnitSizes = sizes });
        }
        catch (ArgumentException e)
        {
            throw new LiveException(e.Message, ExitCodes.Usage, e);
        }
        return sizes;
    }

    private void Progress(Guest[] guests, PostcopySnapshot snapshot)
    {
        long left = guests.Sum(guest => guest.PagesLeft);
        double fraction = 1 - (double)left / Math.Max(1, snapshot.ContentPages * guests.Length);
        log.Progress(
            () => $"{LiveLog.Bar(fraction)} {100 * fraction,3:0} %, {SizeText.Count(guests.Sum(guest => guest.Requests))} requests",
            json =>
            {
                json.WriteNumber("pages_left", left);
                json.WriteNumber("requests", guests.Sum(guest => guest.Requests));
            });
    }

    /// <summary>One of the guests.</summary>
    private sealed class Guest
    {
        private readonly ServeJob job;
        private readonly PostcopyServer server;
        private readonly ChannelAddress address;
        private readonly ChannelAddress recovery;
        private readonly int number;

        public Guest(ServeJob job, PostcopySnapshot snapshot, PostcopyServeOptions options, ChannelAddress address, int number)
        {
            (this.job, this.address, this.number) = (job, address, number);
            recovery = job.RecoveryAddresses.Count > 0 ? job.RecoveryAddresses[number] : address;
            server = new PostcopyServer(snapshot, options with { RecoveryAddress = recovery }, Tell);
        }

        /// <summary>Why it was not served to the end, and what that means.</summary>
        public string? Failure { get; private set; }

        public long PagesLeft => server.Figures.PagesLeft;

        public long Requests => server.Figures.Requests;

        private string Name => job.Addresses.Count > 1 ? $"{address}: " : "";

        public void Serve()
        {
            try
            {
                PostcopyFigures figures = server.Serve(address, job.Token);
                job.Log.Say("guest", $"{Name}{Text(figures)}", json => Json(json, figures));
            }
            catch (Exception e) when (e is IOException or VmStateException or OperationCanceledException or MigrationRefusedException)
            {
                string reason = job.Token.IsCancellationRequested ? "it was cancelled" : e.Message.TrimEnd('.');
                string state = server.Figures.TimeToLoaded is null && !job.Options.Resume
                    ? "its devices were not loaded there, and the guest has not started: the destination's own output may say why"
                    : $"the guest there lacks {server.Missing}, and stands still at the first one that it touches; migrate-recover there, and vmstate serve --resume here, go on";
                Failure = $"{Name}{reason}; {state}";
            }
        }

        private void Tell(PostcopyServeEvent told)
        {
            string text = told.State switch
            {
                PostcopyServeState.Connected => $"connected: {told.Peer}",
                PostcopyServeState.Switched => "the device state was sent: the guest starts, and pages follow",
                PostcopyServeState.Paused => $"the link was lost ({told.Reason!.Message.TrimEnd('.')}). Not sent yet: {told.Missing}. On the destination: migrate-recover uri={recovery}; it is connected to as soon as it listens",
                PostcopyServeState.Recovering => $"connected again: {told.Peer}",
                _ => $"the guest goes on. Not received yet: {told.Missing}",
            };
            job.Log.Say(told.State.ToString().ToLowerInvariant(), Name + text, json =>
            {
                json.WriteNumber("guest", number);
                json.WriteString("peer", told.Peer);
                if (told.State is PostcopyServeState.Paused or PostcopyServeState.Recovered)
                    json.WriteString("missing", told.Missing);
                if (told.State == PostcopyServeState.Paused)
                {
                    json.WriteString("reason", told.Reason!.Message);
                    json.WriteString("recover", recovery.ToString());
                }
            });
        }

        private static string Text(PostcopyFigures figures)
        {
            string requests = figures.Latency.Count == 0
                ? "no page was waited for"
                : $"{SizeText.Count(figures.RequestedPages)} pages for {SizeText.Count(figures.Requests)} requests (median {Micro(0.5)}, 99 % {Micro(0.99)}, longest {figures.Latency.Max.TotalMicroseconds:#,0} µs)";
            string recovered = figures.Recoveries > 0 ? $"; recovered {figures.Recoveries} times" : "";
            return $"done: {requests}, {SizeText.Count(figures.PushedPages)} pages pushed; first request after {Milli(figures.TimeToFirstRequest)}, devices loaded after {Milli(figures.TimeToLoaded)}, "
                + $"all sent after {Milli(figures.TimeToAllSent)}{recovered}";

            string Micro(double share) => $"{figures.Latency.Percentile(share).TotalMicroseconds:#,0} µs";
        }

        private static string Milli(TimeSpan? time) => time is { } known ? $"{known.TotalMilliseconds:0.0} ms" : "never";

        private void Json(Utf8JsonWriter json, PostcopyFigures figures)
        {
            json.WriteNumber("guest", number);
            json.WriteString("address", address.ToString());
            json.WriteNumber("requests", figures.Requests);
            json.WriteNumber("requested_pages", figures.RequestedPages);
            json.WriteNumber("pushed_pages", figures.PushedPages);
            json.WriteNumber("recoveries", figures.Recoveries);
            Time("latency_p50", figures.Latency.Percentile(0.5));
            Time("latency_p99", figures.Latency.Percentile(0.99));
            Time("latency_max", figures.Latency.Max);
            Time("first_request", figures.TimeToFirstRequest);
            Time("loaded", figures.TimeToLoaded);
            Time("all_sent", figures.TimeToAllSent);

            void Time(string name, TimeSpan? time)
            {
                if (time is { } known)
                    json.WriteNumber(name, Math.Round(known.TotalSeconds, 6));
            }
        }
    }

    private LiveLog Log => log;

    private CancellationToken Token => token;

    /// <summary>How much of the file was read.</summary>
    private sealed class Share(LiveLog log, long length) : IProgress<long>
    {
        public void Report(long value)
        {
            double fraction = (double)value / Math.Max(1, length);
            log.Progress(
                () => $"{LiveLog.Bar(fraction)} {100 * fraction,3:0} %, indexing",
                json =>
                {
                    json.WriteString("doing", "indexing");
                    json.WriteNumber("offset", value);
                    json.WriteNumber("length", length);
                });
        }
    }
}
