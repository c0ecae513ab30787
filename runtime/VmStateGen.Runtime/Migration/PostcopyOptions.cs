using System;
using System.Threading;

namespace VmStateGen.Runtime.Migration;

/// <summary>How a destination takes a guest whose memory follows (QEMU's postcopy-ram).</summary>
public sealed record PostcopyOptions
{
    public static PostcopyOptions Default { get; } = new();

    /// <summary>
    /// Whether the source has a second connection for pages that somebody waits for (postcopy-preempt); nothing in the stream tells. It takes an
    /// address at which there can be several.
    /// </summary>
    public bool Preempt { get; init; }

    /// <summary>Whether pages of shared memory are shown instead of copied: <see cref="Postcopy.PagerOptions.UseMinorFaults"/>.</summary>
    public bool UseMinorFaults { get; init; }

    /// <summary>
    /// How long to wait, each time that the link is lost, for <see cref="MigrationDestination.Recover"/> and a source that comes. Then the migration
    /// ends with a <see cref="MigrationException"/> that says what is missing; whoever waits for a page goes on waiting. None by default.
    /// </summary>
    public TimeSpan RecoveryTimeout { get; init; } = Timeout.InfiniteTimeSpan;

    /// <summary>How long a source that has come back may be silent until it goes on; then the link counts as lost again.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Whether pages that the source has not sent by its end are zeros. QEMU takes it so, and <c>vmstate serve</c> leaves zero pages out; by default
    /// it is an error, for a page that was lost looks the same.
    /// </summary>
    public bool MayLeaveOutZeroPages { get; init; }

    /// <summary>Most bytes of device state that are taken at once.</summary>
    public long MaxPackage { get; init; } = 256 << 20;
}
