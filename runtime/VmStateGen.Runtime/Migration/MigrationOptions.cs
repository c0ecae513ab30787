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

    /// <summary>Bytes per second while the guest runs; 0 for no limit. At the switchover there is none.</summary>
    public long MaxBandwidth { get; init; } = 128 << 20;

    /// <summary>Bytes per second to count on at the switchover; 0: what was measured.</summary>
    public long AvailableSwitchoverBandwidth { get; init; }

    /// <summary>Dirty syncs after which the guest is stopped whatever is left; 0: never, a guest that dirties faster than the link goes on for ever.</summary>
    public int MaxRounds { get; init; }

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

    /// <summary>Of the channel that is accepted.</summary>
    public ChannelOptions Channel { get; init; } = ChannelOptions.Default;
}
