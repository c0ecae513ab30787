using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Threading;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Migration;

/// <summary>One incoming migration: a straight list of phases, and one way out of all of them.</summary>
internal sealed class DestinationRun
{
    private const uint Loaded = 0;
    private const uint Refused = 1;

    private readonly Machine machine;
    private readonly MigrationDestinationOptions options;
    private readonly Func<CancellationToken, Channel> open;
    private readonly ProgressKeeper progress;
    private readonly HandOver handOver = new();
    private readonly List<Exception> notifierErrors = [];
    private Channel? channel;
    private QemuIncomingStream? stream;
    private StreamLoader? loader;
    private bool hasReturnPath;
    private bool isNotified;
    private bool isCheckedAsAWhole;

    public DestinationRun(Machine machine, MigrationDestinationOptions options, Func<CancellationToken, Channel> open, IProgress<MigrationProgress>? listener)
    {
        this.machine = machine;
        this.options = options;
        this.open = open;
        progress = new ProgressKeeper("destination", machine, listener);
    }

    public MigrationProgress Progress => progress.Current;

    private (MigrationStatus Status, Action Run)[] Phases =>
    [
        (MigrationStatus.Setup, Open),
        (MigrationStatus.Setup, CheckConfiguration),
        (MigrationStatus.Active, LoadSections),
        (MigrationStatus.Active, CheckWhole),
        (MigrationStatus.Active, TakeGuest),
        (MigrationStatus.Active, SkipDescription),
        (MigrationStatus.Active, TellSource),
        (MigrationStatus.Active, StartGuest),
    ];

    public MigrationResult Run(CancellationToken token)
    {
        Exception? error = null;
        progress.Begin();
        try
        {
            foreach (var (status, run) in Phases)
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

    public void Cancel()
    {
        if (handOver.TryStop(new OperationCanceledException("the migration was cancelled"), isCancel: true))
            progress.Enter(MigrationStatus.Cancelling);
    }

    private void Open()
    {
        channel = open(handOver.Stopping);
        handOver.Attach(channel);
        isNotified = true;
        machine.Notify(MigrationStage.DestinationSetup);
        channel.ReadTimeout = options.StallTimeout;
        progress.Measure(() => channel.BytesRead, machine.Ram);
        stream = new QemuIncomingStream(channel.AsStream());
        loader = new StreamLoader(machine, options.Features, stream);
    }

    private void CheckConfiguration()
    {
        loader!.Check(stream!.ReadPreamble());
        progress.EndSetup();
    }

    private void LoadSections()
    {
        loader!.Begin();
        while (true)
        {
            handOver.ThrowIfStopped();
            var element = stream!.Read();
            switch (element.Kind)
            {
                case QemuElementKind.Section:
                    loader.Load(element);
                    isCheckedAsAWhole = false;
                    progress.Tick(channel!.BytesRead);
                    break;
                case QemuElementKind.Command:
                    Obey(element);
                    break;
                default:
                    loader.CheckComplete(element.Offset);
                    return;
            }
        }
    }

    private void Obey(in QemuStreamElement element)
    {
        var command = element.Command!;
        switch (command.Id)
        {
            case QemuCommandId.OpenReturnPath:
                if (!channel!.IsBidirectional)
                    throw Fault.At("command OpenReturnPath", "a channel that goes both ways", channel.Peer, element.Offset);
                hasReturnPath = true;
                break;
            case QemuCommandId.Ping:
                if (!hasReturnPath)
                    throw Fault.At("command Ping", "OPEN_RETURN_PATH before it", "none", element.Offset);

                // A source that asks at the end relies on the answer when it hands the guest over: now is the time for a veto.
                if (loader!.IsComplete)
                    CheckWhole();
                Answer(ReturnPathMessage.Pong(BinaryPrimitives.ReadUInt32BigEndian(command.Payload.Span)));
                break;
            case QemuCommandId.SwitchoverStart:
                break;
            default:
                throw Fault.At("command", "one that precopy has (postcopy and COLO are not supported)", command.Id.ToString(), element.Offset);
        }
    }

    private void CheckWhole()
    {
        if (isCheckedAsAWhole)
            return;
        machine.Notify(MigrationStage.DestinationLoaded);
        isCheckedAsAWhole = true;
    }

    private void TakeGuest() => handOver.Commit();

    private void TellSource()
    {
        if (!hasReturnPath)
            return;
        try
        {
            channel!.WriteTimeout = options.DeliveryTimeout;
            Answer(ReturnPathMessage.Shut(Loaded));
            channel.WaitUntilDelivered(options.DeliveryTimeout);
        }
        catch (ChannelException)
        {
            // The source cannot take the guest back, told or not.
        }
    }

    private void StartGuest()
    {
        if (options.ShouldStart?.Invoke() != false)
            machine.Lifecycle.Resume();
    }

    /// <summary>
    /// What follows EOF is read before SHUT is said, as QEMU does: a source of QEMU 7.2 that hears SHUT while it still writes the description
    /// now and then counts its migration as failed, and keeps its guest.
    /// </summary>
    private void SkipDescription()
    {
        try
        {
            channel!.ReadTimeout = options.DeliveryTimeout;
            stream!.SkipTrailer();
        }
        catch (Exception e) when (e is ChannelException or VmStateException)
        {
            // Nobody needs it here.
        }
    }

    private void Answer(ReturnPathMessage message) => channel!.Write(message.ToBytes());

    /// <summary>The way out of every phase, of a success too.</summary>
    private MigrationResult End(Exception? error, CancellationToken token)
    {
        if (error != null && hasReturnPath && !handOver.IsHandedOver)
            TryRefuse();
        if (error != null)
            handOver.TryStop(error, isCancel: false);
        var status = error is null ? MigrationStatus.Completed : handOver.IsCancelled ? MigrationStatus.Cancelled : MigrationStatus.Failed;
        try
        {
            loader?.End();
        }
        catch (Exception e)
        {
            notifierErrors.Add(e);
        }
        channel?.Dispose();
        machine.EndMigration();
        if (isNotified)
            machine.Notify(error is null ? MigrationStage.DestinationCompleted : MigrationStage.DestinationFailed, notifierErrors, error);
        var result = progress.Finish(status, error, loader?.Costs ?? [], notifierErrors);
        handOver.Dispose();
        return status switch
        {
            MigrationStatus.Completed => result,
            MigrationStatus.Cancelled => throw new OperationCanceledException("The incoming migration was cancelled.", error, token),
            _ => throw new MigrationException($"The incoming migration failed: {error!.Message}", result, error),
        };
    }

    private void TryRefuse()
    {
        try
        {
            channel!.WriteTimeout = options.DeliveryTimeout;
            Answer(ReturnPathMessage.Shut(Refused));

            // A connection that is closed with data unread is reset, and with it what was said last may be lost: until it has arrived.
            channel.WaitUntilDelivered(options.DeliveryTimeout);
        }
        catch (ChannelException)
        {
            // A source whose link is lost knows that the guest is still there.
        }
    }
}
