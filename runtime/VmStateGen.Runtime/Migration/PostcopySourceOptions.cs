using System;
using System.Collections.Generic;
using System.Threading;

namespace VmStateGen.Runtime.Migration;

/// <summary>When a source goes over to postcopy: the guest runs at the destination, and what is left of its memory follows.</summary>
public enum PostcopyStart
{
    /// <summary>When <see cref="MigrationSource.StartPostcopy"/> is called; never, if precopy comes to its end before.</summary>
    OnRequest,

    /// <summary>Before the first page.</summary>
    AtOnce,

    /// <summary>When the guest is found to dirty its memory faster than it moves: after <see cref="PostcopySourceOptions.Rounds"/>.</summary>
    Unconverged,
}

/// <summary>How a source does postcopy (QEMU: postcopy-ram). The destination must have it on, too.</summary>
/// <remarks>
/// <para>The guest is the destination's from the last byte of the package on. If the link is lost then, the migration is
/// <see cref="MigrationStatus.PostcopyPaused"/>: the guest goes on up to the next page that it lacks, and <see cref="MigrationSource.Recover(Channels.ChannelAddress)"/> brings
/// the rest. The machine must be kept until then.</para>
/// <para>Needs a channel that goes both ways; not with <see cref="MigrationFeatures.IgnoreShared"/>.</para>
/// </remarks>
public sealed record PostcopySourceOptions
{
    public PostcopyStart Start { get; init; }

    /// <summary>Dirty syncs after which <see cref="PostcopyStart.Unconverged"/> gives precopy up.</summary>
    public int Rounds { get; init; } = 3;

    /// <summary>
    /// A second connection for pages that the guest waits for (QEMU: postcopy-preempt, which the destination must have on); connected to right after
    /// the first.
    /// </summary>
    public bool Preempt { get; init; }

    /// <summary>Bytes per second of pages that nobody waits for (QEMU: max-postcopy-bandwidth); 0 for no limit.</summary>
    public long MaxBandwidth { get; init; }

    /// <summary>
    /// Whether pages of zeros go only when they are asked for. QEMU's destination takes what never comes for zeros; ours does so with
    /// <see cref="PostcopyOptions.MayLeaveOutZeroPages"/>, and else says that it lacks them.
    /// </summary>
    public bool LeaveOutZeroPages { get; init; }

    /// <summary>Page size of a block at the destination, in bytes, where it is not that of the block here.</summary>
    public IReadOnlyDictionary<string, int> UnitSizes { get; init; } = new Dictionary<string, int>();

    /// <summary>How long to wait for <see cref="MigrationSource.Recover(Channels.ChannelAddress)"/> after the link was lost; then it is <see cref="MigrationStatus.HandedOverUnknown"/>.</summary>
    public TimeSpan RecoveryTimeout { get; init; } = Timeout.InfiniteTimeSpan;

    /// <summary>How long a destination that is to recover may take for each of its answers.</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(60);
}
