using System;
using System.Threading;
using VmStateGen.Runtime.Channels;

namespace VmStateGen.Runtime.Migration;

/// <summary>How a source migrates. Defaults are QEMU's where it has one (qemu-migration.md §6.2).</summary>
public sealed record MigrationSourceOptions
{
    public static MigrationSourceOptions Default { get; } = new();

    /// <summary>How long the guest may stand still, as far as it can be told beforehand.</summary>
    public TimeSpan DowntimeLimit { get; init; } = TimeSpan.FromMilliseconds(300);

    /// <summary>Bytes per second while the guest runs; 0 for no limit. From the last round on, which fits into a downtime, there is none.</summary>
    public long MaxBandwidth { get; init; } = 128 << 20;

    /// <summary>Bytes per second to count on at the switchover; 0: what was measured.</summary>
    public long AvailableSwitchoverBandwidth { get; init; }

    /// <summary>Dirty syncs after which the guest is stopped whatever is left; 0: never, a guest that dirties faster than the link goes on for ever.</summary>
    public int MaxRounds { get; init; }

    /// <summary>
    /// When all has to be away, counted from the beginning: the guest is slowed down as it comes near, and stopped when there is just the time
    /// left that the rest takes, whatever the downtime is then. Nothing: no deadline.
    /// </summary>
    public TimeSpan? Deadline { get; init; }

    /// <summary>Capability auto-converge: a guest that dirties faster than the link moves is slowed down (<see cref="IMachineLifecycle.Throttle"/>; qemu-migration.md §5.14).</summary>
    public bool AutoConverge { get; init; }

    /// <summary>Percent of what is sent in a second that may be dirtied in it; beyond, twice, auto-converge acts (throttle-trigger-threshold).</summary>
    public int ThrottleTriggerThreshold { get; init; } = 50;

    /// <summary>Percent of their time that vCPUs lose at first (cpu-throttle-initial).</summary>
    public int ThrottleInitial { get; init; } = 20;

    /// <summary>And each time more (cpu-throttle-increment).</summary>
    public int ThrottleIncrement { get; init; } = 10;

    /// <summary>At the most, also for a deadline or a dirty limit, 1 to 99 (max-cpu-throttle).</summary>
    public int MaxThrottle { get; init; } = 99;

    /// <summary>Bytes a second that the guest may dirty; it is slowed down as much as that takes. 0 for no limit.</summary>
    public long DirtyLimit { get; init; }

    /// <summary>
    /// Whether the destination is to say how it went. Left out: wherever the channel goes both ways. Without it a lost machine is not noticed,
    /// as in QEMU.
    /// </summary>
    public bool? ReturnPath { get; init; }

    /// <summary>Whether to wait for <see cref="MigrationSource.Continue"/> once the guest is stopped.</summary>
    public bool PauseBeforeSwitchover { get; init; }

    /// <summary>What both sides must have on.</summary>
    public MigrationFeatures Features { get; init; } = new();

    /// <summary>Whether and when the guest may go over before its memory has; left out: never.</summary>
    public PostcopySourceOptions? Postcopy { get; init; }

    /// <summary>
    /// Whether to announce the switchover (SWITCHOVER_START). QEMU 10.0 and newer take it or leave it; to 7.2 it is an error.
    /// </summary>
    public bool SendSwitchoverStart { get; init; }

    /// <summary>Whether the description of what was sent follows. A stock destination whose machine type has one fails without it.</summary>
    public bool SendDescription { get; init; } = true;

    /// <summary>Whose form the description has.</summary>
    public VmDescriptionDialect Dialect { get; init; } = VmDescriptionDialect.Qemu100;

    /// <summary>How long one write may be stuck before the link counts as lost.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long the destination may take, with the guest stopped, to say that it has loaded; then the guest goes on here.</summary>
    public TimeSpan SwitchoverTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long the destination may take to say that it has the guest; then nobody knows (<see cref="MigrationStatus.HandedOverUnknown"/>).</summary>
    public TimeSpan HandOverTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How the connection is made.</summary>
    public ConnectOptions Connect { get; init; } = ConnectOptions.Default;

    /// <summary>Given every round with what was decided, on the migration's thread: histories for the tests of the policy.</summary>
    internal Action<RecordedRound>? Recorder { get; init; }
}

/// <summary>How a destination takes a migration.</summary>
public sealed record MigrationDestinationOptions
{
    public static MigrationDestinationOptions Default { get; } = new();

    /// <summary>What both sides must have on.</summary>
    public MigrationFeatures Features { get; init; } = new();

    /// <summary>How long to wait for a source to connect.</summary>
    public TimeSpan AcceptTimeout { get; init; } = Timeout.InfiniteTimeSpan;

    /// <summary>
    /// How long a source may be silent before the link counts as lost. None by default: a source that is told to pause before its switchover is
    /// silent for as long as somebody thinks about it.
    /// </summary>
    public TimeSpan StallTimeout { get; init; } = Timeout.InfiniteTimeSpan;

    /// <summary>
    /// How long to wait, each time, for what follows EOF and until the source has the good news before the guest starts; it starts in any case.
    /// </summary>
    public TimeSpan DeliveryTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Asked when all is loaded: whether the guest is to run. Left out: yes. The stream says how it was at the source only in the state of a
    /// device (QEMU's <c>globalstate</c>).
    /// </summary>
    public Func<bool>? ShouldStart { get; init; }

    /// <summary>
    /// How a source's postcopy is taken; left out: not at all, as QEMU does without postcopy-ram. Once its guest runs here it is whole only with the
    /// source's help, see <see cref="MigrationDestination.Recover"/>.
    /// </summary>
    public PostcopyOptions? Postcopy { get; init; }

    /// <summary>Of the channel that is accepted.</summary>
    public ChannelOptions Channel { get; init; } = ChannelOptions.Default;
}
