namespace VmStateGen.Runtime.Migration;

/// <summary>Where a migration is: QEMU's states (qemu-migration.md §6.5), and one that QEMU does not have.</summary>
public enum MigrationStatus
{
    /// <summary>There was none yet.</summary>
    None,

    /// <summary>Connecting, and what comes before the first round.</summary>
    Setup,

    /// <summary>A device that is being unplugged must go first (<see cref="RegistrationOptions.IsUnplugPending"/>).</summary>
    WaitUnplug,

    /// <summary>State moves while the guest runs; at a destination all of loading.</summary>
    Active,

    /// <summary>The guest is stopped, and somebody is asked whether to go on (<see cref="MigrationSource.Continue"/>).</summary>
    PreSwitchover,

    /// <summary>The guest is stopped, and the rest moves.</summary>
    Device,

    /// <summary>The guest runs at the destination, and its memory follows.</summary>
    PostcopyActive,

    /// <summary>
    /// The link was lost meanwhile: pages are missing at the destination until there is another (<see cref="MigrationSource.Recover(Channels.ChannelAddress)"/>,
    /// <see cref="MigrationDestination.Recover"/>).
    /// </summary>
    PostcopyPaused,

    /// <summary>There is another link, and the sides tell each other what is missing.</summary>
    PostcopyRecover,

    /// <summary>The destination has the guest.</summary>
    Completed,

    /// <summary>Was told to end, and does.</summary>
    Cancelling,

    /// <summary>Ended because it was told to. The source's guest is as it was.</summary>
    Cancelled,

    /// <summary>Ended by a fault. The source's guest is as it was.</summary>
    Failed,

    /// <summary>
    /// The guest was handed over, and nobody knows whether the destination has it: it stands still here until the embedder decides. It never
    /// resumes by itself, for then it might run on both sides.
    /// </summary>
    HandedOverUnknown,
}

/// <summary>The words of QEMU's monitor.</summary>
public static class MigrationStatusNames
{
    /// <summary>The status as query-migrate has it: <c>pre-switchover</c>.</summary>
    public static string ToQemuName(this MigrationStatus status) => status switch
    {
        MigrationStatus.None => "none",
        MigrationStatus.Setup => "setup",
        MigrationStatus.WaitUnplug => "wait-unplug",
        MigrationStatus.Active => "active",
        MigrationStatus.PreSwitchover => "pre-switchover",
        MigrationStatus.Device => "device",
        MigrationStatus.PostcopyActive => "postcopy-active",
        MigrationStatus.PostcopyPaused => "postcopy-paused",
        MigrationStatus.PostcopyRecover => "postcopy-recover",
        MigrationStatus.Completed => "completed",
        MigrationStatus.Cancelling => "cancelling",
        MigrationStatus.Cancelled => "cancelled",
        MigrationStatus.Failed => "failed",
        _ => "handed-over-unknown",
    };
}
