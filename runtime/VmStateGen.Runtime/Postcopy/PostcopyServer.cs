using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Postcopy;

/// <summary>How a guest is served.</summary>
public sealed record PostcopyServeOptions
{
    /// <summary>A second connection for the pages that the guest waits for; the destination must have the capability postcopy-preempt on.</summary>
    public bool Preempt { get; init; }

    /// <summary>Bytes per second of pages that nobody has asked for; 0 for no limit.</summary>
    public long MaxBandwidth { get; init; }

    /// <summary>Page size of a block at the destination, in bytes, where it is not the guest's: huge pages.</summary>
    public IReadOnlyDictionary<string, int> UnitSizes { get; init; } = new Dictionary<string, int>();

    /// <summary>The guest runs there already, and its destination is paused: goes on with it instead of starting it.</summary>
    public bool Resume { get; init; }

    /// <summary>Where to connect after a cut, once the destination listens there (<c>migrate-recover</c>). Left out: the same address.</summary>
    public ChannelAddress? RecoveryAddress { get; init; }

    /// <summary>How long to try to connect again after a cut. Infinite by default; zero: not at all.</summary>
    public TimeSpan RecoveryTimeout { get; init; } = Timeout.InfiniteTimeSpan;

    /// <summary>How the first connection is made.</summary>
    public ConnectOptions Connect { get; init; } = ConnectOptions.Default;
}

/// <summary>Where the serving of a guest is.</summary>
public enum PostcopyServeState
{
    /// <summary>The connection stands.</summary>
    Connected,

    /// <summary>All that the guest needs to run was written.</summary>
    Switched,

    /// <summary>The link was lost: the guest runs up to the next page that it lacks. The destination must be told to recover.</summary>
    Paused,

    /// <summary>A new connection is being agreed on.</summary>
    Recovering,

    /// <summary>The guest goes on.</summary>
    Recovered,
}

/// <summary>Something happened to a guest that is served.</summary>
/// <param name="State">What.</param>
/// <param name="Peer">With whom.</param>
/// <param name="Missing">Which pages have not been sent, for people.</param>
/// <param name="Reason">Why.</param>
public sealed record PostcopyServeEvent(PostcopyServeState State, string Peer, string Missing, Exception? Reason = null);

/// <summary>
/// Starts a guest from a snapshot in a destination that waits for a postcopy migration, a stock QEMU's <c>-incoming</c> with the capability
/// postcopy-ram: device state first, pages as they are touched, the rest meanwhile (qemu-migration.md §13).
/// </summary>
/// <remarks>One guest each. <see cref="Serve"/> blocks the thread that calls it; all else may be called from any.</remarks>
public sealed class PostcopyServer
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(100);

    private readonly PostcopySnapshot snapshot;
    private readonly PostcopyServeOptions options;
    private readonly Action<PostcopyServeEvent>? onEvent;
    private readonly UnsentPages unsent;
    private PostcopySender? sender;
    private int recoveries;

    /// <exception cref="ArgumentException">A size is given for a block that the snapshot does not have, or that does not fit it.</exception>
    public PostcopyServer(PostcopySnapshot snapshot, PostcopyServeOptions? options = null, Action<PostcopyServeEvent>? onEvent = null)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        (this.snapshot, this.options, this.onEvent) = (snapshot, options ?? new PostcopyServeOptions(), onEvent);
        foreach (var name in this.options.UnitSizes.Keys)
        {
            if (!snapshot.Blocks.Any(block => block.Name == name))
                throw new ArgumentException($"There is no block {name}: there are {string.Join(", ", snapshot.Blocks.Select(static block => block.Name))}.", nameof(options));
        }
        unsent = new UnsentPages([.. snapshot.Blocks.Select(block => new PostcopyBlock(block.Name, block.Length, this.options.UnitSizes.GetValueOrDefault(block.Name, snapshot.PageSize)))], snapshot.PageSize);
        for (var i = 0; i < unsent.Blocks.Count; i++)
            unsent.SetContents(i, snapshot.Contents[i]);
        unsent.AddAll();
    }

    /// <summary>Counts and times so far.</summary>
    public PostcopyFigures Figures => (Volatile.Read(ref sender)?.Figures ?? new PostcopyFigures { Latency = new LatencyCounter().Snapshot() }) with { Recoveries = recoveries };

    /// <summary>Which pages have not been sent, for people.</summary>
    public string Missing => unsent.Describe();

    /// <summary>Connects, and serves the guest until the destination has all of it.</summary>
    /// <exception cref="ChannelException">
    /// Nobody could be connected to; or the link was lost, before the guest could run or without a recovery in time. See <see cref="Missing"/>.
    /// </exception>
    /// <exception cref="MigrationRefusedException">The destination could not load it.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled. A guest that runs there lacks what is missing.</exception>
    public PostcopyFigures Serve(ChannelAddress address, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        var recovery = options.RecoveryAddress ?? address;
        if (options.Resume)
            Volatile.Write(ref sender, MakeSender());
        var lost = options.Resume
            ? Attempt(recovery, options.Connect, Resume, token)
            : Attempt(address, options.Connect, link => Start(link, token), token);
        while (lost != null)
        {
            // A destination that refuses the devices closes the connection, or its process ends: nothing runs there that could be recovered.
            if (Figures.TimeToLoaded is null && !options.Resume)
                throw lost;
            Tell(PostcopyServeState.Paused, recovery.ToString(), lost);
            if (options.RecoveryTimeout == TimeSpan.Zero)
                throw lost;
            token.WaitHandle.WaitOne(RetryDelay);
            lost = Attempt(recovery, options.Connect with { Retry = true, Timeout = options.RecoveryTimeout, RetryDelay = RetryDelay }, Resume, token);
        }
        return Figures;
    }

    /// <summary>
    /// Runs the protocol once within the process, with a few pages of the snapshot: what the runtime compiles at the first use is compiled
    /// before a guest waits for it.
    /// </summary>
    public static void WarmUp(PostcopySnapshot snapshot, PostcopyServeOptions? options = null) => PostcopyRehearsal.Run(snapshot, options ?? new PostcopyServeOptions());

    /// <summary>With few pages, and over a link that is there.</summary>
    internal void Rehearse(PostcopyLink link, IReadOnlyList<Ram.DirtyBitmap> few)
    {
        for (var i = 0; i < few.Count; i++)
            unsent.SetContents(i, few[i]);
        unsent.AddAll();
        Start(link, CancellationToken.None);
    }

    /// <summary>One connection, from its beginning to its end.</summary>
    /// <returns>How it was lost; <see langword="null"/> if all is done.</returns>
    private ChannelException? Attempt(ChannelAddress address, ConnectOptions connect, Action<PostcopyLink> body, CancellationToken token)
    {
        // Main first, preempt second, then the first byte: the order that suits every version (§13.6).
        var main = ChannelConnector.Connect(address, connect, token);
        try
        {
            var preempt = options.Preempt ? ChannelConnector.Connect(address, connect with { Retry = false }, token) : null;
            using var link = new PostcopyLink(main, preempt);
            using var cancel = token.Register(() => link.Break(new OperationCanceledException("it was cancelled", token)));
            body(link);
            return null;
        }
        catch (ChannelException e) when (!token.IsCancellationRequested)
        {
            return e;
        }
        finally
        {
            main.Dispose();
        }
    }

    private void Start(PostcopyLink link, CancellationToken token)
    {
        Tell(PostcopyServeState.Connected, link.Main.Peer);
        var started = MakeSender();
        link.ServeBy(started);
        try
        {
            WriteMachine(link.Main);
        }
        catch (ChannelException e)
        {
            link.BreakAfterLastWords(e);
            throw link.Failure!;
        }
        token.ThrowIfCancellationRequested();
        Volatile.Write(ref sender, started);
        Tell(PostcopyServeState.Switched, link.Main.Peer);
        started.Send(link);
    }

    private void Resume(PostcopyLink link)
    {
        var active = sender!;
        Tell(PostcopyServeState.Recovering, link.Main.Peer);
        active.Recover(link);
        recoveries++;
        Tell(PostcopyServeState.Recovered, link.Main.Peer);
        active.Send(link);
    }

    private void WriteMachine(Channel main)
    {
        var sections = snapshot.Sections;
        var stream = main.AsStream();
        stream.Write(sections.Preamble);
        var output = QemuStreamWriter.OfElements(stream, sections.Ram.HasFooters);
        output.WriteCommand(QemuCommandId.OpenReturnPath);
        PostcopyStream.WriteAdvise(output, unsent);
        output.Flush();
        stream.Write(sections.BeforeRam);
        PostcopyStream.WriteRamStart(output, sections.Ram, unsent);
        output.Flush();
        stream.Write(sections.AfterRam);
        PostcopyStream.WriteDiscards(output, unsent);
        output.WritePackage(PostcopyStream.MakePackage(sections.Devices, sections.Ram.HasFooters));
        output.Flush();
    }

    private PostcopySender MakeSender() => new(unsent, snapshot.Pages, snapshot.Sections.Ram, new PostcopySendOptions { MaxBandwidth = options.MaxBandwidth });

    private void Tell(PostcopyServeState state, string peer, Exception? reason = null) => onEvent?.Invoke(new PostcopyServeEvent(state, peer, Missing, reason));
}
