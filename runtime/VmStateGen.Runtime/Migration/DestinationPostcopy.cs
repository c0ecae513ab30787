using System;
using System.Buffers.Binary;
using System.Linq;
using System.Text;
using System.Threading;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Linux;
using VmStateGen.Runtime.Postcopy;
using VmStateGen.Runtime.Ram;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Migration;

/// <summary>
/// What postcopy adds to an incoming migration (qemu-migration.md §5.5, §13): pages that come while devices are loaded and the guest runs, on a
/// thread of their own, over one link after another.
/// </summary>
/// <remarks>
/// The migration's thread says ADVISE, DISCARD and LISTEN; from then on the main channel belongs to the thread that takes pages, and the
/// migration's thread loads the package, starts the guest (<see cref="GuestRuns"/>) and waits (<see cref="WaitForPages"/>).
/// </remarks>
internal sealed class DestinationPostcopy : IDisposable
{
    // How long a source may take to say that it is at its end, once nothing is missing.
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(60);

    private readonly Machine machine;
    private readonly MigrationDestinationOptions options;
    private readonly PostcopyOptions postcopy;
    private readonly HandOver handOver;
    private readonly ProgressKeeper progress;
    private readonly DestinationReturnPath returnPath = new();
    private readonly ManualResetEventSlim started = new();
    private readonly object gate = new();
    private ChannelListener? listener;
    private ChannelListener? offered;
    private bool isPaused;
    private volatile bool isEnding;
    private int pauses;
    private TimeSpan? timeToRun;
    private long bytesBefore;
    private Pager? pager;
    private DestinationLink? link;
    private QemuIncomingStream? template;
    private PageReceiver? receiver;
    private Thread? thread;
    private Exception? failure;

    /// <param name="machine">Loads into it.</param>
    /// <param name="options">Its <see cref="MigrationDestinationOptions.Postcopy"/> is not null.</param>
    /// <param name="handOver">Whose guest it is.</param>
    /// <param name="progress">Is told.</param>
    /// <param name="listener">Where a second connection comes; <see langword="null"/> if there can be none.</param>
    public DestinationPostcopy(Machine machine, MigrationDestinationOptions options, HandOver handOver, ProgressKeeper progress, ChannelListener? listener)
    {
        this.machine = machine;
        this.options = options;
        postcopy = options.Postcopy!;
        this.handOver = handOver;
        this.progress = progress;
        this.listener = listener;
    }

    /// <summary>Whether pages are taken: answers go through <see cref="Say"/> then.</summary>
    public bool IsListening => thread != null;

    /// <summary>Whether the guest runs without all its memory, and nobody brings it any more.</summary>
    public bool IsStranded { get; private set; }

    public long BytesRead => Interlocked.Read(ref bytesBefore) + (Volatile.Read(ref link)?.BytesRead ?? 0);

    public PostcopyProgress? Progress => Volatile.Read(ref pager) is { } p
        ? new PostcopyProgress { Pages = p.Statistics, Missing = p.Missing, Pauses = pauses, TimeToRun = timeToRun }
        : null;

    /// <summary>ADVISE: postcopy may follow. Checks now what would fail when it is too late.</summary>
    public void Advise(QemuCommand command, long offset)
    {
        if (command.AdvisedPageSizes is not { } found)
            throw Fault.At("command PostcopyAdvise", "page sizes: postcopy of RAM", "none (postcopy of dirty bitmaps is not supported)", offset);
        var blocks = RamPrecopy.MigratableBlocks(machine.Memory);
        var sizes = blocks.Aggregate(0UL, static (all, block) => all | (ulong)block.PageSize);
        if (found != (sizes, (ulong)machine.Memory.PageSize))
            throw Fault.At("command PostcopyAdvise", $"page sizes 0x{sizes:x} and 0x{machine.Memory.PageSize:x}, as here", $"0x{found.Blocks:x} and 0x{found.Target:x}", offset);
        if (postcopy.Preempt && listener is null)
            throw new InvalidOperationException("postcopy-preempt takes a second connection: receive at an address of tcp: or unix:, not over a channel that exists.");
        Pager.CheckSupport(blocks, new PagerOptions { UseMinorFaults = postcopy.UseMinorFaults });
        machine.Ram.Loader!.Advise(sizes);
    }

    /// <summary>DISCARD: ranges of a block that are not worth anything, for they come once more (qemu-migration.md §1.6).</summary>
    public void Discard(QemuCommand command, long offset)
    {
        var payload = command.Payload.Span;
        var nameLength = payload[1];
        if (payload[0] != 0 || payload.Length < nameLength + 3 || payload[nameLength + 2] != 0 || (payload.Length - nameLength - 3) % 16 != 0)
            throw Fault.At("command PostcopyRamDiscard", "version 0, a name with a 0 behind it, and ranges of 16 bytes", Convert.ToHexString(payload[..Math.Min(payload.Length, 32)]), offset);
        var name = Encoding.ASCII.GetString(payload.Slice(2, nameLength));
        for (var ranges = payload[(nameLength + 3)..]; !ranges.IsEmpty; ranges = ranges[16..])
            machine.Ram.Loader!.Discard(name, BinaryPrimitives.ReadUInt64BigEndian(ranges), BinaryPrimitives.ReadUInt64BigEndian(ranges[8..]), offset);
    }

    /// <summary>LISTEN: what has not come is missing from now on, and whoever touches it waits.</summary>
    /// <param name="main">The main channel, which is no longer the caller's to read.</param>
    /// <param name="stream">The stream on it, behind the package.</param>
    public void Listen(Channel main, QemuIncomingStream stream)
    {
        var loader = machine.Ram.Loader!;
        var moved = loader.Moved.ToArray();
        if (moved.Length == 0)
            throw Fault.At("command PostcopyListen", "POSTCOPY_ADVISE and the START of RAM before it", "none", stream.Cursor.Position);
        var made = new Pager(machine.Memory, moved.Select(static block => block.Ram), returnPath, new PagerOptions
        {
            UseMinorFaults = postcopy.UseMinorFaults,
            OnFailure = reason => Volatile.Read(ref link)?.Lose(reason),
        });
        Volatile.Write(ref pager, made);
        foreach (var (ram, received) in moved)
            made.MarkReceived(ram, received);
        loader.Reader.ForgetLastBlock();
        receiver = new PageReceiver(made, loader, loader.Reader);
        template = new QemuIncomingStream(System.IO.Stream.Null, stream);
        Take(main, stream);
        made.Start();
        returnPath.Open(made);
        thread = new Thread(Receive) { IsBackground = true, Name = "postcopy pages" };
        thread.Start();
    }

    public void Say(in ReturnPathMessage message) => returnPath.Say(message);

    /// <summary>The guest runs here: from now on it is not given back, whatever comes.</summary>
    public void GuestRuns()
    {
        timeToRun = progress.Elapsed;
        lock (gate)
        {
            if (!isPaused)
                progress.Enter(MigrationStatus.PostcopyActive);
        }
        started.Set();
    }

    /// <summary>Waits until all pages are there, through as many breaks as there are.</summary>
    /// <exception cref="VmStateException">The source has ended, and not sent all.</exception>
    /// <exception cref="TimeoutException">The link was lost, and the source did not come back.</exception>
    public void WaitForPages()
    {
        thread!.Join();
        if (failure is { } reason)
            throw reason;
    }

    /// <summary>Listens for the source to come back.</summary>
    /// <returns>Where, with the port that was chosen if none was given.</returns>
    public ChannelAddress Recover(ChannelAddress address)
    {
        lock (gate)
        {
            if (!isPaused)
                throw new InvalidOperationException("There is nothing to recover: the migration is not paused.");
            offered?.Dispose();
            offered = null;

            // Somebody may wait at the one before, which nobody came to.
            listener?.Dispose();
            offered = ChannelListener.Listen(address, options.Channel);
            Monitor.PulseAll(gate);
            return offered.Address;
        }
    }

    /// <summary>Gives up the link, as if it were lost.</summary>
    public void Pause() => Volatile.Read(ref link)?.Lose(new OperationCanceledException("it was told to pause"));

    /// <summary>Ends it. Of a guest that runs and lacks pages, who waits for one goes on waiting.</summary>
    public void Dispose()
    {
        isEnding = true;
        started.Set();
        Volatile.Read(ref link)?.Lose(new OperationCanceledException("the migration has ended"));
        lock (gate)
            Monitor.PulseAll(gate);
        thread?.Join();
        Close();
        if (!IsStranded)
            pager?.Dispose();
        listener?.Dispose();
        offered?.Dispose();
    }

    /// <summary>The memory of a machine that is no more is let go of.</summary>
    public void Abandon() => pager?.Dispose();

    private void Take(Channel main, QemuIncomingStream stream)
    {
        var taken = new DestinationLink(main, stream);
        main.WriteTimeout = postcopy.HandshakeTimeout;
        returnPath.Attach(taken);
        handOver.Attach(main);
        Volatile.Write(ref link, taken);
        if (postcopy.Preempt)
        {
            var loader = machine.Ram.Loader!;
            taken.AcceptPreempt(listener!, new PageReceiver(pager!, loader, loader.Reader.ForAnotherChannel()), () => !pager!.IsResident);
        }
    }

    /// <summary>The thread that takes pages: reads a link to its end, and looks for the next.</summary>
    private void Receive()
    {
        try
        {
            while (true)
            {
                var lost = ReadLink();
                if (lost is null || pager!.IsResident)
                {
                    Finish();
                    return;
                }
                Close();
                if (isEnding)
                    throw lost;
                if ((handOver.Reason ?? pager.Failure) is { } reason)
                    throw reason;
                PauseFor(lost);
                Recover();
            }
        }
        catch (Exception e)
        {
            failure = e;

            // As long as the guest has not run, it is the source's; and whoever loads a device may wait for a page that does not come any more.
            if (handOver.TryStop(e, isCancel: false, closes: false) || !handOver.IsHandedOver)
                pager!.Dispose();
            else
                IsStranded = true;
        }
    }

    /// <returns>Why it was lost; <see langword="null"/> if the source has ended.</returns>
    private Exception? ReadLink()
    {
        try
        {
            while (true)
            {
                var element = link!.Stream.Read();
                switch (element.Kind)
                {
                    case QemuElementKind.Section when element.Section.Name == QemuWire.RamName && element.Section.Kind is SectionKind.Part or SectionKind.End:
                        receiver!.Read(link.Stream.Cursor);
                        progress.Tick(BytesRead);
                        if (pager!.IsResident)
                            link.Main.ReadTimeout = LastWords;
                        break;
                    case QemuElementKind.Command:
                        Obey(element);
                        break;
                    case QemuElementKind.Eof:
                        link.WaitForPreempt(() => pager!.IsResident, LastWords);
                        return null;
                    default:
                        throw Fault.At("section", "pages of RAM once the package has come", element.Section.ToString(), element.Offset);
                }
            }
        }
        catch (Exception e) when (e is ChannelException or SystemCallException or VmStateException)
        {
            return link!.LostBecause ?? e;
        }
    }

    private void Obey(in QemuStreamElement element)
    {
        var command = element.Command!;
        switch (command.Id)
        {
            case QemuCommandId.Ping:
                returnPath.Say(ReturnPathMessage.Pong(command.Value!.Value));
                break;
            case QemuCommandId.RecvBitmap:
                var name = Encoding.ASCII.GetString(command.Payload.Span[1..]);
                var bitmap = pager!.ReceivedBitmap(name) ?? throw Fault.At("command RecvBitmap", "a block that is moved", name, element.Offset);
                returnPath.Say(ReturnPathMessage.Received(name, bitmap));
                break;
            case QemuCommandId.PostcopyResume:
                link!.Main.ReadTimeout = options.StallTimeout;
                returnPath.Say(ReturnPathMessage.ResumeAcknowledged());
                returnPath.Open(pager!);
                progress.SetProblem(null);
                progress.Enter(MigrationStatus.PostcopyActive);
                break;
            default:
                throw Fault.At("command", "PING, or what a recovery takes", command.Id.ToString(), element.Offset);
        }
    }

    /// <summary>The source has sent all that it has, or nothing is missing any more: it is told that the guest is here.</summary>
    /// <exception cref="VmStateException">There is a hole, which would be zeros without a word.</exception>
    private void Finish()
    {
        var hole = pager!.IsResident || postcopy.MayLeaveOutZeroPages ? null
            : Fault.At("EOF", "all missing pages before it", $"{MissingText()} that never came (see {nameof(PostcopyOptions.MayLeaveOutZeroPages)})", link!.Stream.Cursor.Position);
        if (hole != null && handOver.TryStop(hole, isCancel: false, closes: false))
            throw hole;
        started.Wait();
        if (handOver.IsHandedOver)
        {
            // Also if there is a hole: a stock source that hears anything else, or nothing, would run its guest again (qemu-migration.md §13.8).
            // Not before its end either: one of 7.2 that still writes then counts its migration as failed (§14).
            try
            {
                returnPath.Say(ReturnPathMessage.Shut(0));
                link!.Main.WaitUntilDelivered(options.DeliveryTimeout);
            }
            catch (ChannelException)
            {
                // The guest is here, whether the source knows it or not.
            }
        }
        if (hole != null)
            throw hole;
        Close();
    }

    private void Close()
    {
        returnPath.Detach();
        if (link is null)
            return;
        Interlocked.Add(ref bytesBefore, link.BytesRead);
        var closed = link;
        Volatile.Write(ref link, null);
        closed.Dispose();
    }

    private void PauseFor(Exception reason)
    {
        lock (gate)
        {
            // Its address can be listened on again.
            listener?.Dispose();
            listener = null;
            isPaused = true;
            pauses++;
        }
        progress.SetProblem($"The link was lost: {reason.Message.TrimEnd('.')}. Missing are {MissingText()}. The guest runs until it touches one; Recover has the source come back.");
        progress.Enter(MigrationStatus.PostcopyPaused);
    }

    private void Recover()
    {
        var deadline = Deadline.In(postcopy.RecoveryTimeout);
        while (true)
        {
            ChannelListener next;
            lock (gate)
            {
                while (offered is null)
                {
                    if (isEnding || handOver.Reason != null)
                        throw handOver.Reason ?? new OperationCanceledException("the migration has ended");
                    if (!Monitor.Wait(gate, deadline.Milliseconds()) && offered is null)
                        throw NobodyCame();
                }
                (next, offered, listener) = (offered, null, offered);
            }
            try
            {
                var main = next.Accept(TimeSpan.FromMilliseconds(deadline.Milliseconds()), handOver.Stopping);
                main.ReadTimeout = postcopy.HandshakeTimeout;
                lock (gate)
                    isPaused = false;
                machine.Ram.Loader!.Reader.ForgetLastBlock();
                Take(main, new QemuIncomingStream(main.AsStream(), template!));
                progress.Enter(MigrationStatus.PostcopyRecover);
                return;
            }
            catch (ChannelException)
            {
                // Told to listen elsewhere, or nobody came.
                if (deadline.HasPassed)
                    throw NobodyCame();
            }
        }
    }

    private TimeoutException NobodyCame()
        => new($"The link was lost, and no source has come back within {postcopy.RecoveryTimeout.TotalSeconds:0.###} s. Missing are {MissingText()}; whoever touches one waits for ever.");

    private string MissingText() => string.Join(", ", pager!.Missing);
}
