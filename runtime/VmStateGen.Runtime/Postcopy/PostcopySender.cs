using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Text;
using System.Threading;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Postcopy;

/// <summary>How pages are sent after the switch.</summary>
internal sealed record PostcopySendOptions
{
    /// <summary>Bytes per second of what nobody has asked for; 0 for no limit. Requests go at once.</summary>
    public long MaxBandwidth { get; init; }

    /// <summary>How long a destination that is to recover may take for each of its answers.</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(60);
}

/// <summary>
/// The source's half of postcopy from the package on, over as many connections as it takes (qemu-migration.md §13.3, §13.6, §13.7): answers
/// requests, pushes the rest, ends the stream when nothing is left, and after a cut goes on with what the destination says it lacks.
/// </summary>
/// <remarks>One thread drives it; the return paths come beside it.</remarks>
internal sealed class PostcopySender
{
    // Large enough for few system calls, small enough that a request behind it does not wait long.
    private const int Batch = 16 << 10;

    // What is on its way in front of a request, and, beside a preempt channel, how long this thread keeps a processor from what answers requests
    // (docs/performance.md, A missing page).
    private const int Queue = 32 << 10;

    private static readonly TimeSpan WhileLoading = TimeSpan.FromMilliseconds(1);

    private readonly UnsentPages unsent;
    private readonly IPageReader pages;
    private readonly PostcopySection section;
    private readonly PostcopySendOptions options;
    private readonly SendOrder order;
    private readonly RateLimiter limiter;
    private readonly LatencyCounter latency = new();
    private readonly object gate = new();
    private readonly object urgentGate = new();
    private readonly Queue<ReturnPathMessage> answers = new();
    private PageSender? urgent;
    private readonly long started = Stopwatch.GetTimestamp();
    private long requests;
    private long requestedUnits;
    private long pushedUnits;
    private long firstRequest;
    private long loaded;
    private long allSent;
    private bool isRecovered;

    public PostcopySender(UnsentPages unsent, IPageReader pages, PostcopySection section, PostcopySendOptions options)
    {
        (this.unsent, this.pages, this.section, this.options) = (unsent, pages, section, options);
        order = new SendOrder(unsent);
        limiter = new RateLimiter(options.MaxBandwidth);
    }

    /// <summary>The PING inside the package: its PONG says that the devices have loaded and the guest is about to run (§1.6).</summary>
    public const uint LoadedPing = 3;

    /// <summary>Counts and times so far. Any thread.</summary>
    public PostcopyFigures Figures => new()
    {
        Requests = Interlocked.Read(ref requests),
        RequestedPages = Interlocked.Read(ref requestedUnits),
        PushedPages = Interlocked.Read(ref pushedUnits),
        PagesLeft = unsent.Left,
        Latency = latency.Snapshot(),
        TimeToFirstRequest = Since(ref firstRequest),
        TimeToLoaded = Since(ref loaded),
        TimeToAllSent = Since(ref allSent),
    };

    /// <summary>Whether the destination may have every page that goes unasked.</summary>
    public bool HasSentAll => unsent.Left == 0;

    /// <summary>Serves until nothing is left, and ends the stream.</summary>
    /// <exception cref="ChannelException">The link was lost: the destination is paused, and <see cref="Recover"/> takes another one.</exception>
    /// <exception cref="MigrationRefusedException">The destination has given up.</exception>
    public void Send(PostcopyLink link)
    {
        var main = new PageSender(link.Main, unsent, pages, section, Batch);
        var preempt = link.Preempt is { } channel ? new PageSender(channel, unsent, pages, null, Batch) : null;
        lock (urgentGate)
            urgent = preempt;
        ServeUrgent(link);
        link.Main.LimitSendQueue(Queue);
        try
        {
            Push(link, main, servesRequests: preempt is null);
            ServeUntilLoaded(link, preempt is null ? main : null);
        }
        catch (Exception e)
        {
            link.BreakAfterLastWords(e);
        }
        finally
        {
            order.Stop();
            lock (urgentGate)
                urgent = null;
        }
        link.ThrowIfBroken();
        Interlocked.CompareExchange(ref allSent, Stopwatch.GetTimestamp(), 0);
        try
        {
            // The preempt channel's mark first: a stream that has ended is not waited for (§13.6).
            preempt?.Finish();
            main.Finish();
            link.Main.Write([QemuWire.Eof]);
        }
        catch (ChannelException e)
        {
            link.BreakAfterLastWords(e);
        }
        if (link.ReturnPath.WaitForShut(Timeout.InfiniteTimeSpan) != 0)
            throw link.Failure!;
    }

    /// <summary>On a new connection: asks which pages have arrived, and has the destination go on (§13.7).</summary>
    /// <exception cref="ChannelException">This link was lost as well. The next may be tried.</exception>
    public void Recover(PostcopyLink link)
    {
        order.Restart();
        lock (gate)
            answers.Clear();
        link.ServeBy(this);
        try
        {
            var output = QemuStreamWriter.OfElements(link.Main.AsStream());
            foreach (var block in unsent.Blocks)
                output.WriteCommand(QemuCommandId.RecvBitmap, [(byte)block.Name.Length, .. Encoding.ASCII.GetBytes(block.Name)]);
            output.Flush();
            for (var i = 0; i < unsent.Blocks.Count; i++)
            {
                var name = unsent.Blocks[i].Name;
                var answer = Answer(link, $"RECV_BITMAP {name}");
                if (answer.Block != name)
                    throw new VmStateException($"RECV_BITMAP {name}", answer.ToString(), -1);
                unsent.Restart(i, answer.Bitmap.Span);
            }
            output.WriteCommand(QemuCommandId.PostcopyResume);
            output.Flush();
            if (Answer(link, "RESUME_ACK") is not { Kind: ReturnPathMessageKind.ResumeAcknowledged, Value: 1 } and var other)
                throw new VmStateException("RESUME_ACK 1", other.ToString(), -1);

            // A destination that still loads could not have answered.
            Volatile.Write(ref isRecovered, true);
        }
        catch (Exception e)
        {
            link.Break(e);
        }
        link.ThrowIfBroken();
    }

    /// <summary>
    /// What the destination says. On the thread of the return path, which answers requests itself if there is a preempt channel: to wake another
    /// one takes as long as to send a page.
    /// </summary>
    public void OnMessage(PostcopyLink link, in ReturnPathMessage message)
    {
        switch (message.Kind)
        {
            case ReturnPathMessageKind.Pong:
                if (message.Value == LoadedPing)
                    Interlocked.CompareExchange(ref loaded, Stopwatch.GetTimestamp(), 0);
                return;
            case ReturnPathMessageKind.RequestPages or ReturnPathMessageKind.RequestPagesOfBlock:
                Interlocked.CompareExchange(ref firstRequest, Stopwatch.GetTimestamp(), 0);
                Interlocked.Increment(ref requests);
                order.Add(message.Pages!.Value);
                ServeUrgent(link);
                return;
        }
        lock (gate)
        {
            // No more than were asked for: a peer must not fill this process.
            if (answers.Count > unsent.Blocks.Count)
                throw new VmStateException("an answer to a question", message.ToString(), -1);
            answers.Enqueue(message);
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>Whoever waits is to look again.</summary>
    public void OnBroken()
    {
        order.Stop();
        lock (gate)
            Monitor.PulseAll(gate);
    }

    private void Push(PostcopyLink link, PageSender main, bool servesRequests)
    {
        while (true)
        {
            link.ThrowIfBroken();
            if (servesRequests && order.TryTakeRequested(Batch, out var requested, out var stamp))
            {
                SendRequested(main, requested, stamp);
                continue;
            }
            var delay = limiter.Delay();
            if (delay > TimeSpan.Zero)
            {
                if (servesRequests)
                    order.Wait(delay);
                else
                    Thread.Sleep(delay);
                continue;
            }
            if (!order.TryTakeNext(Batch, out var run))
                return;
            limiter.Account(main.Send(run));
            Interlocked.Add(ref pushedUnits, run.Count);
        }
    }

    /// <summary>
    /// Zeros that were left out may still be what loading waits for, and a destination that has read EOF waits for loading: until it is done they
    /// are served (qemu-migration.md §14).
    /// </summary>
    private void ServeUntilLoaded(PostcopyLink link, PageSender? main)
    {
        while (unsent.Missing > 0 && Interlocked.Read(ref loaded) == 0 && !Volatile.Read(ref isRecovered))
        {
            link.ThrowIfBroken();
            if (main != null && order.TryTakeRequested(Batch, out var run, out var stamp))
                SendRequested(main, run, stamp);
            else
                order.Wait(WhileLoading);
        }
    }

    /// <summary>Answers what is requested on the preempt channel, if there is one.</summary>
    private void ServeUrgent(PostcopyLink link)
    {
        try
        {
            lock (urgentGate)
            {
                // What is requested after the last page with contents is on its way, or zeros: the end of the stream frees whoever waits for it.
                while (urgent is { } sender && !order.IsStopped && order.TryTakeRequested(Batch, out var run, out var stamp))
                    SendRequested(sender, run, stamp);
            }
        }
        catch (Exception e)
        {
            lock (urgentGate)
                urgent = null;

            // On a thread of its own: this one may be the one that hears the last words.
            new Thread(() => link.BreakAfterLastWords(e)) { IsBackground = true, Name = "postcopy preempt" }.Start();
        }
    }

    private void SendRequested(PageSender sender, in UnitRun run, long stamp)
    {
        sender.Send(run);
        latency.Add(Stopwatch.GetTimestamp() - stamp);
        Interlocked.Add(ref requestedUnits, run.Count);
    }

    private ReturnPathMessage Answer(PostcopyLink link, string expected)
    {
        var until = Stopwatch.GetTimestamp() + (long)(options.AnswerTimeout.TotalSeconds * Stopwatch.Frequency);
        lock (gate)
        {
            while (answers.Count == 0)
            {
                link.ThrowIfBroken();
                var left = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), until);
                if (left <= TimeSpan.Zero)
                    throw link.Main.Failure("recovery", ChannelFault.TimedOut, $"{expected} has not come within {options.AnswerTimeout.TotalSeconds:0} s. Is the destination paused, and does it listen by migrate-recover?");
                Monitor.Wait(gate, left);
            }
            return answers.Dequeue();
        }
    }

    private TimeSpan? Since(ref long stamp) => Interlocked.Read(ref stamp) is not 0 and var at ? Stopwatch.GetElapsedTime(started, at) : null;
}
