using System;

namespace VmStateGen.Runtime;

/// <summary>Where in a migration a notifier is called. One list for precopy and postcopy, outgoing and incoming.</summary>
public enum MigrationStage
{
    /// <summary>Source: connected, nothing is sent yet. May veto.</summary>
    SourceSetup,

    /// <summary>Source: the guest is stopped, the last of its state is about to go. May veto: the guest runs on here.</summary>
    SourceSwitchover,

    /// <summary>Source: the destination has the guest.</summary>
    SourceCompleted,

    /// <summary>Source: it failed or was cancelled, and the guest runs on here as it did before.</summary>
    SourceFailed,

    /// <summary>Source: the guest was handed over, and nobody knows whether the destination has it. It stands still here.</summary>
    SourceUnknown,

    /// <summary>Destination: connected, nothing is loaded yet. May veto.</summary>
    DestinationSetup,

    /// <summary>Destination: all state is loaded, the guest has not run yet. May veto: best here for what checks the whole machine.</summary>
    DestinationLoaded,

    /// <summary>Destination: the guest is here.</summary>
    DestinationCompleted,

    /// <summary>Destination: it failed; the machine is of no use any more.</summary>
    DestinationFailed,
}

/// <summary>What a notifier is told.</summary>
/// <param name="Machine">Which machine.</param>
/// <param name="Stage">Where its migration is.</param>
/// <param name="Error">Why, where it failed.</param>
public sealed record MigrationNotice(Machine Machine, MigrationStage Stage, Exception? Error = null);

/// <summary>A notifier has refused; the inner exception says why.</summary>
public sealed class MigrationVetoException : Exception
{
    internal MigrationVetoException(MigrationStage stage, Exception reason)
        : base($"A notifier refused at {stage}: {reason.Message}", reason)
        => Stage = stage;

    /// <summary>Where.</summary>
    public MigrationStage Stage { get; }
}
