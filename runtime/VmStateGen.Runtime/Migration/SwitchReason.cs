namespace VmStateGen.Runtime.Migration;

/// <summary>Why a source has stopped its guest.</summary>
public enum SwitchReason
{
    /// <summary>It has not.</summary>
    None,

    /// <summary>The rest fits into the downtime limit.</summary>
    Fits,

    /// <summary>What is left can only be moved once it stands still: that does not get less by waiting, whatever the limit.</summary>
    NothingElse,

    /// <summary>As many rounds as were allowed (<see cref="MigrationSourceOptions.MaxRounds"/>).</summary>
    Rounds,

    /// <summary>There was just the time left that the rest takes (<see cref="MigrationSourceOptions.Deadline"/>).</summary>
    Deadline,
}
