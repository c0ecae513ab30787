using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Streams;
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
    private readonly DestinationPostcopy? postcopy;
    private QemuIncomingStream? package;

    public DestinationRun(
        Machine machine,
        MigrationDestinationOptions options,
        Func<CancellationToken, Channel> open,
        ChannelListener? connections,
        IProgress<MigrationProgress>? listener)
    {
        this.machine = machine;
        this.options = options;
        this.open = open;
        progress = new ProgressKeeper("destination", machine, listener);
        if (options.Postcopy != null)
            postcopy = new DestinationPostcopy(machine, options, handOver, progress, connections);
    }

    public MigrationProgress Progress => progress.Current;

    /// <summary>For the embedder, while it lasts.</summary>
    public DestinationPostcopy Postcopy => postcopy ?? throw new InvalidOperationException("This destination does not take postcopy (MigrationDestinationOptions.Postcopy).");

    /// <summary>Which way it goes on shows when the sections end: with EOF, or with a package.</summary>
    private IEnumerable<(MigrationStatus? Status, Action Run)> Phases
    {
        get
        {
            yield return (MigrationStatus.Setup, Open);
            yield return (MigrationStatus.Setup, CheckConfiguration);
            yield return (MigrationStatus.Active, LoadSections);
            if (package != null)
                yield return (null, LoadPackage);
            yield return (null, CheckWhole);
            yield return (null, TakeGuest);
            if (package is null)
            {
                yield return (null, SkipDescription);
                yield return (null, TellSource);
                yield return (null, StartGuest);
            }
            else
            {
                yield return (null, StartGuest);
                yield return (null, FollowPages);
            }
        }
    }

    public MigrationResult Run(CancellationToken token)
    {
        Exception? error = null;
        progress.Begin();
        try
        {
            foreach (var (status, run) in Phases)
            {
                if (status is { } next)
                    progress.Enter(next);
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
        _ = DeviceCode.PrepareLoading(machine);
        channel = open(handOver.Stopping);
        handOver.Attach(channel);
        isNotified = true;
        machine.Notify(MigrationStage.DestinationSetup);
        channel.ReadTimeout = options.StallTimeout;
        progress.Measure(() => postcopy?.IsListening == true ? postcopy.BytesRead : channel.BytesRead, machine.Ram);
        progress.MeasurePostcopy(() => postcopy?.Progress);
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
                case QemuElementKind.Command when element.Command!.Id == QemuCommandId.Packaged:
                    ReadPackage(element);
                    return;
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
            case QemuCommandId.PostcopyAdvise when postcopy != null:
                postcopy.Advise(command, element.Offset);
                break;
            case QemuCommandId.PostcopyRamDiscard when postcopy != null:
                postcopy.Discard(command, element.Offset);
                break;
            default:
                throw Fault.At("command", postcopy is null ? "one that precopy has (for postcopy set MigrationDestinationOptions.Postcopy)" : "one that comes before a package", command.Id.ToString(), element.Offset);
        }
    }

    /// <summary>
    /// All device state at once, so that the channel is free for pages while it is loaded: it may touch memory that is missing.
    /// </summary>
    private void ReadPackage(in QemuStreamElement element)
    {
        var length = element.Command!.PackageLength;
        if (postcopy is null || !hasReturnPath)
            throw Fault.At("command Packaged", postcopy is null ? "no package without postcopy (MigrationDestinationOptions.Postcopy)" : "OPEN_RETURN_PATH before it", $"a package of {length} bytes", element.Offset);
        if (length > options.Postcopy!.MaxPackage)
            throw Fault.At("command Packaged", $"at most {options.Postcopy.MaxPackage} bytes", $"{length}", element.Offset);
        loader!.CheckComplete(element.Offset, isRamToFollow: true);

        // No more is held than has come.
        var bytes = new MemoryStream();
        var piece = new byte[Math.Min(length, 64 << 10)];
        for (var left = length; left > 0; left -= piece.Length)
        {
            piece = left < piece.Length ? new byte[left] : piece;
            stream!.Cursor.Read(piece, "package");
            bytes.Write(piece);
        }
        bytes.Position = 0;
        package = new QemuIncomingStream(bytes, stream!);
    }

    private void LoadPackage()
    {
        try
        {
            while (true)
            {
                handOver.ThrowIfStopped();
                var element = package!.Read();
                switch (element.Kind)
                {
                    case QemuElementKind.Section when element.Section.Kind == SectionKind.Full:
                        loader!.Load(element, package);
                        break;
                    case QemuElementKind.Command when element.Command!.Id == QemuCommandId.PostcopyListen && !postcopy!.IsListening:
                        postcopy.Listen(channel!, stream!);
                        break;
                    case QemuElementKind.Command when element.Command!.Id == QemuCommandId.Ping:
                        Answer(ReturnPathMessage.Pong(element.Command.Value!.Value));
                        break;
                    case QemuElementKind.Command when element.Command!.Id == QemuCommandId.PostcopyRun && postcopy!.IsListening:
                        return;
                    default:
                        throw Fault.At("element", "LISTEN, whole sections, PINGs, and RUN at the end", element.Command?.Id.ToString() ?? element.Kind.ToString(), element.Offset);
                }
            }
        }
        catch (VmStateException e) when (e.Within("package"))
        {
            throw;
        }
    }

    private void FollowPages() => postcopy!.WaitForPages();

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
        if (package != null)
            postcopy!.GuestRuns();
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

    private void Answer(ReturnPathMessage message)
    {
        if (postcopy?.IsListening == true)
            postcopy.Say(message);
        else
            channel!.Write(message.ToBytes());
    }

    /// <summary>The way out of every phase, of a success too.</summary>
    private MigrationResult End(Exception? error, CancellationToken token)
    {
        if (error != null && hasReturnPath && !handOver.IsHandedOver)
            TryRefuse();
        if (error != null)
            handOver.TryStop(error, isCancel: false);
        postcopy?.Dispose();
        var isStranded = postcopy?.IsStranded == true;
        var status = (error, isStranded, handOver.IsCancelled) switch
        {
            (null, _, _) => MigrationStatus.Completed,
            (_, true, _) => MigrationStatus.PostcopyPaused,
            (_, _, true) => MigrationStatus.Cancelled,
            _ => MigrationStatus.Failed,
        };
        try
        {
            loader?.End();
        }
        catch (Exception e)
        {
            notifierErrors.Add(e);
        }
        channel?.Dispose();

        // One that lacks memory is not to be migrated on.
        if (!isStranded)
            machine.EndMigration();
        if (isNotified)
            machine.Notify(error is null ? MigrationStage.DestinationCompleted : MigrationStage.DestinationFailed, notifierErrors, error);
        var result = progress.Finish(status, error, loader?.Costs ?? [], notifierErrors);
        handOver.Dispose();
        return status switch
        {
            MigrationStatus.Completed => result,
            MigrationStatus.Cancelled => throw new OperationCanceledException("The incoming migration was cancelled.", error, token),
            MigrationStatus.PostcopyPaused => throw new MigrationException($"The guest runs here and lacks memory: {error!.Message}", result, error),
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
