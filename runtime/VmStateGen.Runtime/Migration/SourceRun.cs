using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;
using System.Threading.Tasks;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Postcopy;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Migration;

/// <summary>One outgoing migration: a straight list of phases, and one way out of all of them.</summary>
internal sealed class SourceRun
{
    private const uint FirstPing = 1;
    private const uint LastPing = 0x564D;

    private static readonly TimeSpan UnplugPoll = TimeSpan.FromMilliseconds(50);

    /// <summary>A destination that has refused and closed may be heard after the write that failed for it.</summary>
    private static readonly TimeSpan LastWords = TimeSpan.FromMilliseconds(500);

    private readonly Machine machine;
    private readonly MigrationSourceOptions options;
    private readonly Func<CancellationToken, Channel> open;
    private readonly Func<CancellationToken, Channel>? openPreempt;
    private readonly ProgressKeeper progress;
    private readonly HandOver handOver = new();
    private readonly ManualResetEventSlim goOn = new();
    private readonly RoundKeeper rounds;
    private readonly RateLimiter limiter;
    private readonly List<Exception> notifierErrors = [];
    private readonly List<IIterativeHandler> begun = [];
    private Channel? channel;
    private ReturnPath? returnPath;
    private StreamSender? sender;
    private SourcePostcopy? postcopy;
    private readonly Task rehearsal;
    private Task? deviceCode;
    private bool isPostcopyRequested;
    private bool isNotified;
    private bool isPausedHere;
    private long pausedAt;
    private long pingedAt;

    public SourceRun(
        Machine machine, MigrationSourceOptions options, Func<CancellationToken, Channel> open, IProgress<MigrationProgress>? listener, Task rehearsal,
        Func<CancellationToken, Channel>? openPreempt = null)
    {
        this.machine = machine;
        this.options = options;
        this.open = open;
        this.openPreempt = openPreempt;
        this.rehearsal = rehearsal;
        limiter = new RateLimiter(options.MaxBandwidth);
        rounds = new RoundKeeper(machine, options);
        progress = new ProgressKeeper("source", machine, listener);
    }

    public MigrationProgress Progress => progress.Current;

    private (MigrationStatus Status, Action Run)[] Phases =>
    [
        (MigrationStatus.Setup, Open),
        (MigrationStatus.Setup, SendSetup),
        (MigrationStatus.WaitUnplug, WaitForUnplug),
        (MigrationStatus.Active, SendRounds),
        (MigrationStatus.Active, StopGuest),
        (MigrationStatus.PreSwitchover, WaitForContinue),
    ];

    /// <summary>What comes then, but for a guest that goes over by postcopy.</summary>
    private (MigrationStatus Status, Action Run)[] Completion =>
    [
        (MigrationStatus.Device, SendRest),
        (MigrationStatus.Device, ProveLoaded),
        (MigrationStatus.Device, HandGuestOver),
        (MigrationStatus.Device, ConfirmHandOver),
    ];

    public MigrationResult Run(CancellationToken token)
    {
        Exception? error = null;
        progress.Begin();
        try
        {
            foreach (var (status, run) in Phases)
            {
                if (status == MigrationStatus.PreSwitchover && !options.PauseBeforeSwitchover)
                    continue;
                if (status == MigrationStatus.WaitUnplug && machine.Unplugging is null)
                    continue;
                progress.Enter(status);
                run();
            }
            foreach (var (status, run) in postcopy is { IsStarted: true } ? PostcopyPhases(postcopy) : Completion)
            {
                progress.Enter(status);
                run();
            }
        }
        catch (Exception e)
        {
            error = e;
        }
        return End(error, token);
    }

    public bool TryContinue()
    {
        if (progress.Current.Status != MigrationStatus.PreSwitchover)
            return false;
        goOn.Set();
        return true;
    }

    public bool Cancel()
    {
        if (!handOver.TryStop(new OperationCanceledException("the migration was cancelled"), isCancel: true))
            return false;
        progress.Enter(MigrationStatus.Cancelling);
        return true;
    }

    /// <returns>Whether the migration may do postcopy.</returns>
    public bool TryStartPostcopy()
    {
        if (options.Postcopy is null)
            return false;
        Volatile.Write(ref isPostcopyRequested, true);
        return true;
    }

    /// <inheritdoc cref="SourcePostcopy.TryRecover"/>
    public bool TryRecover(Func<PostcopyLink> connect) => Volatile.Read(ref postcopy)?.TryRecover(connect) ?? false;

    private (MigrationStatus Status, Action Run)[] PostcopyPhases(SourcePostcopy by) => Array.ConvertAll(by.Phases, phase => (phase.Status, (Action)(() => phase.Run(sender!))));

    private void Open()
    {
        deviceCode = DeviceCode.PrepareSaving(machine);
        channel = open(handOver.Stopping);
        handOver.Attach(channel);

        // Whoever is told of the beginning is told of the end, also he who vetoes.
        isNotified = true;
        machine.Notify(MigrationStage.SourceSetup);
        channel.WriteTimeout = options.StallTimeout;
        channel.Limiter = limiter;
        progress.Measure(() => channel.BytesWritten, machine.Ram);
        var wantsReturnPath = options.ReturnPath ?? channel.IsBidirectional;
        if (wantsReturnPath && !channel.IsBidirectional)
            throw new ChannelException($"{channel.Peer}: a return path needs a channel that goes both ways.", ChannelFault.NotSupported, channel.Peer, "open");
        sender = new StreamSender(machine, options, channel);
        if (options.Postcopy != null)
            OpenPostcopy();
        else if (wantsReturnPath)
            returnPath = new ReturnPath(channel, reason => handOver.TryStop(reason, isCancel: false));
    }

    private void OpenPostcopy()
    {
        if (!channel!.IsBidirectional)
            throw new ChannelException($"{channel.Peer}: postcopy needs a channel that goes both ways.", ChannelFault.NotSupported, channel.Peer, "open");
        var preempt = openPreempt?.Invoke(handOver.Stopping);
        if (preempt != null)
            preempt.WriteTimeout = options.StallTimeout;
        Volatile.Write(ref postcopy, new SourcePostcopy(machine, options, handOver, progress, channel, preempt));
        progress.PostcopySource = () => postcopy.Figures;
        returnPath = postcopy.ReturnPath;
    }

    private void SendSetup()
    {
        sender!.WritePreamble();
        if (returnPath != null)
        {
            sender.WriteCommand(QemuCommandId.OpenReturnPath);
            sender.WritePing(FirstPing);

            // Before it goes: the answer may be here before the write returns.
            pingedAt = Stopwatch.GetTimestamp();
            sender.Flush();
            postcopy?.Advise(sender);
        }
        var features = options.Postcopy is { } units ? options.Features with { PostcopyUnits = SourcePostcopy.Units(machine, units) } : options.Features;
        foreach (var section in machine.SaveOrder)
        {
            if (section.Device?.StateType.EarlySetup == true)
                sender.SaveEarlyDevice(section);
            if (section.Handler is not { IsActive: true } handler)
                continue;
            begun.Add(handler);
            sender.Begin(section, features);
        }
        sender.Flush();
        progress.EndSetup();
        rounds.Begin(progress.Elapsed);
    }

    private void WaitForUnplug()
    {
        while (machine.Unplugging != null && !handOver.Stopping.WaitHandle.WaitOne(UnplugPoll))
        {
        }
        handOver.ThrowIfStopped();
    }

    private void SendRounds()
    {
        while (true)
        {
            handOver.ThrowIfStopped();
            if (postcopy?.ShouldStart(Volatile.Read(ref isPostcopyRequested)) == true)
                return;
            var known = Pending(exact: false);
            if (rounds.ShouldQuery(known) && EndRound(known))
                return;
            SendSome(known);
        }
    }

    /// <returns>Whether to stop the guest.</returns>
    private bool EndRound(in PendingData known)
    {
        var exact = Pending(exact: true);
        if (returnPath?.FirstPongAt is > 0 and var pongedAt)
            rounds.RoundTrip = Stopwatch.GetElapsedTime(pingedAt, pongedAt);
        progress.SwitchReason = rounds.EndRound(known, exact);
        progress.Expect(rounds.ExpectedDowntime(exact));
        SetThrottle(rounds.Throttle);
        return progress.SwitchReason != SwitchReason.None;
    }

    private void SendSome(in PendingData known)
    {
        var from = Stopwatch.GetTimestamp();
        var (bytes, pages) = (channel!.BytesWritten, PagesSent);
        var budget = Convergence.Budget(rounds.Meter.BytesPerSecond, options.MaxBandwidth);
        foreach (var section in sender!.Started)
            sender.Iterate(section, budget);
        var time = Stopwatch.GetElapsedTime(from);
        if (rounds.Sent(time, channel.BytesWritten - bytes, PagesSent - pages, known.Total - Pending(exact: false).Total))
            progress.SetRate(rounds.Meter);
    }

    private long PagesSent
    {
        get
        {
            var traffic = machine.Ram.Traffic;
            return traffic.NormalPages + traffic.ZeroPages + (traffic.Xbzrle?.Pages ?? 0);
        }
    }

    private void SetThrottle(int percent)
    {
        if (progress.Throttle == percent)
            return;
        machine.Lifecycle.Throttle(percent);
        progress.Throttle = percent;
    }

    private void StopGuest()
    {
        // What is compiled by then is not compiled while the guest stands still.
        if (machine.Lifecycle.IsRunning)
            Task.WaitAll(rehearsal, deviceCode!);
        SendLastRound();
        PauseGuest();
        while (isPausedHere && postcopy is not { IsStarted: true } && rounds.ShouldGoBack(progress.SwitchReason, Pending(exact: true), Stopwatch.GetElapsedTime(pausedAt)))
        {
            // Nothing of the switchover has been sent.
            machine.Lifecycle.Resume();
            isPausedHere = false;
            progress.Retreats++;
            limiter.BytesPerSecond = options.MaxBandwidth;
            SendRounds();
            SendLastRound();
            PauseGuest();
        }
        progress.StartDowntime();
        limiter.BytesPerSecond = 0;
        machine.Notify(MigrationStage.SourceSwitchover);
    }

    /// <summary>
    /// What fits into a downtime goes while the guest still runs, as fast as it would go then: the guest stands still for what it dirties
    /// meanwhile only.
    /// </summary>
    private void SendLastRound()
    {
        if (progress.SwitchReason != SwitchReason.Fits || !machine.Lifecycle.IsRunning)
            return;
        limiter.BytesPerSecond = 0;
        var left = Pending(exact: false);
        for (var end = channel!.BytesWritten + left.Total; left.Precopy > 0 && channel.BytesWritten < end; left = Pending(exact: false))
        {
            handOver.ThrowIfStopped();
            SendSome(left);
        }
    }

    private void PauseGuest()
    {
        if (!machine.Lifecycle.IsRunning)
            return;

        // Even a pause that throws may have stopped some of it.
        isPausedHere = true;
        pausedAt = Stopwatch.GetTimestamp();
        machine.Lifecycle.Pause();
    }

    private void WaitForContinue()
    {
        sender!.Flush();
        try
        {
            goOn.Wait(handOver.Stopping);
        }
        catch (OperationCanceledException)
        {
            handOver.ThrowIfStopped();
        }
    }

    private void SendRest()
    {
        if (options.SendSwitchoverStart)
            sender!.WriteCommand(QemuCommandId.SwitchoverStart);
        foreach (var section in sender!.Started)
            sender.Complete(section);
        foreach (var section in machine.SaveOrder)
        {
            if (section.Device?.StateType.EarlySetup == false)
                sender.SaveDevice(section);
        }
        sender.Flush();
    }

    /// <summary>
    /// A PING is answered in the order of the stream, so its PONG proves that every section before it has loaded, with the guest still here
    /// (qemu-migration.md §1.7).
    /// </summary>
    private void ProveLoaded()
    {
        if (returnPath != null)
        {
            sender!.WritePing(LastPing);
            sender.Flush();
        }
        sender!.MakeDescription();
        if (returnPath?.WaitForPong(LastPing, options.SwitchoverTimeout) == false)
        {
            handOver.ThrowIfStopped();
            throw returnPath.Failure ?? new TimeoutException($"The destination has not said within {options.SwitchoverTimeout.TotalSeconds:0.###} s that it has loaded the machine.");
        }
    }

    private void HandGuestOver()
    {
        handOver.Commit();
        sender!.WriteEnd();
    }

    private void ConfirmHandOver()
    {
        if (returnPath != null)
        {
            var shut = returnPath.WaitForShut(options.HandOverTimeout);
            if (shut != 0)
                throw returnPath.Failure ?? new TimeoutException($"The destination has not said within {options.HandOverTimeout.TotalSeconds:0.###} s that it has the guest.");
            return;
        }

        // As in QEMU, an orderly close is all that there is. Some transports cannot tell whether everything has arrived.
        channel!.WaitUntilDelivered(options.HandOverTimeout);
        channel.Close();
    }

    private PendingData Pending(bool exact)
    {
        var pending = default(PendingData);
        foreach (var section in sender!.Started)
            pending += section.Handler!.QueryPending(exact);
        return pending;
    }

    /// <summary>The way out of every phase, of a success too.</summary>
    private MigrationResult End(Exception? error, CancellationToken token)
    {
        error = error is null ? null : Cause(error);

        // It has the guest, whatever has become of the description after EOF.
        if (handOver.IsHandedOver && returnPath?.WaitForShut(TimeSpan.Zero) == 0)
            error = null;

        // Nothing of it may reach the destination any more before the guest goes on.
        if (error != null)
            handOver.TryStop(error, isCancel: false);
        // A file that was not closed in order goes with the channel: nobody can have the guest from it.
        var isWithdrawn = error != null && channel is FileChannel { IsAtomic: true };
        var status = (error, handOver.IsHandedOver && !isWithdrawn, handOver.IsCancelled) switch
        {
            (null, _, _) => MigrationStatus.Completed,
            (_, true, _) => MigrationStatus.HandedOverUnknown,
            (_, _, true) => MigrationStatus.Cancelled,
            _ => MigrationStatus.Failed,
        };
        channel?.Dispose();
        postcopy?.Dispose();
        returnPath?.Join(Timeout.InfiniteTimeSpan);
        foreach (var handler in begun)
            Try(handler.Cleanup);
        if (isPausedHere)
            progress.EndDowntime(pausedAt);
        Try(() => SetThrottle(0));
        if (isPausedHere && status is (MigrationStatus.Failed or MigrationStatus.Cancelled))
            Try(machine.Lifecycle.Resume);
        machine.EndMigration();
        if (isNotified)
        {
            machine.Notify(
                status switch
                {
                    MigrationStatus.Completed => MigrationStage.SourceCompleted,
                    MigrationStatus.HandedOverUnknown => MigrationStage.SourceUnknown,
                    _ => MigrationStage.SourceFailed,
                },
                notifierErrors,
                error);
        }
        var result = progress.Finish(status, error, sender?.Costs ?? [], notifierErrors);
        handOver.Dispose();
        return status switch
        {
            MigrationStatus.Completed => result,
            MigrationStatus.Cancelled => throw new OperationCanceledException("The migration was cancelled; the guest is as it was.", error, token),
            MigrationStatus.HandedOverUnknown => throw new MigrationException(
                $"The guest was handed over, and whether the destination has it is not known ({error!.Message}) It stands still here until somebody decides.", result, error),
            _ => throw new MigrationException($"The migration failed: {error!.Message}", result, error),
        };

        void Try(Action action)
        {
            try
            {
                action();
            }
            catch (Exception e)
            {
                // Nothing is worse than what it comes on top of; but nobody is to miss it.
                error = error is null ? e : new AggregateException(error, e);
            }
        }
    }

    /// <summary>What is behind an exception: a refusal before the broken link that it leads to.</summary>
    private Exception Cause(Exception error)
    {
        if (handOver.IsCancelled)
            return error;
        if (error is ChannelException)
            returnPath?.Join(LastWords);
        return returnPath?.Failure as MigrationRefusedException ?? handOver.Reason ?? error;
    }
}
