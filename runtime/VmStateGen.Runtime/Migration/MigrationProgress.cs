using System;
using System.Collections.Generic;
using VmStateGen.Runtime.Postcopy;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.Migration;

/// <summary>How far a migration is: the fields of QEMU's query-migrate (qemu-migration.md §6.3). A snapshot.</summary>
public sealed record MigrationProgress
{
    public static MigrationProgress None { get; } = new();

    /// <summary>Where it is.</summary>
    public MigrationStatus Status { get; init; }

    /// <summary>RAM; all zeros before the first page.</summary>
    public MigrationRamProgress Ram { get; init; } = new();

    /// <summary>XBZRLE (QEMU's xbzrle-cache); <see langword="null"/> where it is not on.</summary>
    public XbzrleTraffic? Xbzrle { get; init; }

    /// <summary>Since it began.</summary>
    public TimeSpan TotalTime { get; init; }

    /// <summary>Until the first round, or nothing before.</summary>
    public TimeSpan? SetupTime { get; init; }

    /// <summary>How long the guest would stand still if it were stopped now; source only, from the second round on.</summary>
    public TimeSpan? ExpectedDowntime { get; init; }

    /// <summary>How long the guest stood still; at a destination it is not known.</summary>
    public TimeSpan? Downtime { get; init; }

    /// <summary>Why the guest was stopped; source only.</summary>
    public SwitchReason SwitchReason { get; init; }

    /// <summary>How often a guest that was stopped went on, because its downtime would have been too long; source only.</summary>
    public int Retreats { get; init; }

    /// <summary>Percent of their time that the vCPUs lose now, so that the migration ends (QEMU's cpu-throttle-percentage).</summary>
    public int CpuThrottlePercentage { get; init; }

    /// <summary>Why it failed, or what a paused one waits for.</summary>
    public string? ErrorDescription { get; init; }

    /// <summary>At a destination whose guest runs before its memory is there, or did; else <see langword="null"/>.</summary>
    public PostcopyProgress? Postcopy { get; init; }

    /// <summary>Bytes of the whole stream so far, headers and devices included.</summary>
    public long BytesTransferred { get; init; }

    /// <summary>Of a source that has gone over to postcopy: what was asked for, and how long that took.</summary>
    public PostcopyFigures? PostcopySource { get; init; }
}

/// <summary>RAM in <see cref="MigrationProgress"/>.</summary>
public sealed record MigrationRamProgress
{
    /// <summary>Bytes of RAM.</summary>
    public long Total { get; init; }

    /// <summary>Bytes that are known to be dirty.</summary>
    public long Remaining { get; init; }

    /// <summary>Bytes of the RAM section so far.</summary>
    public long Transferred { get; init; }

    /// <summary>Pages that were zeros.</summary>
    public long Duplicate { get; init; }

    /// <summary>Pages that went as they are.</summary>
    public long Normal { get; init; }

    /// <summary>The same in bytes.</summary>
    public long NormalBytes { get; init; }

    /// <summary>Bytes of a page.</summary>
    public int PageSize { get; init; }

    /// <summary>Pages newly dirtied in a second.</summary>
    public long DirtyPagesRate { get; init; }

    /// <summary>How often the tracker was asked; the number of the round.</summary>
    public long DirtySyncCount { get; init; }

    /// <summary>Megabits a second, of the last 100 ms; at the end of all of it.</summary>
    public double Mbps { get; init; }

    /// <summary>Pages a second, of the last 100 ms.</summary>
    public double PagesPerSecond { get; init; }

    /// <summary>Bytes that were moved while the guest ran.</summary>
    public long PrecopyBytes { get; init; }

    /// <summary>Bytes that were moved while it stood still.</summary>
    public long DowntimeBytes { get; init; }
}

/// <summary>Postcopy in <see cref="MigrationProgress"/>.</summary>
public sealed record PostcopyProgress
{
    /// <summary>Faults and pages.</summary>
    public required PagerStatistics Pages { get; init; }

    /// <summary>Pages that have not come, of the blocks that lack any.</summary>
    public IReadOnlyList<MissingPages> Missing { get; init; } = [];

    /// <summary>How often the link was lost.</summary>
    public int Pauses { get; init; }

    /// <summary>From the beginning of the migration until the guest was started; <see langword="null"/> before.</summary>
    public TimeSpan? TimeToRun { get; init; }
}

/// <summary>What one section cost.</summary>
/// <param name="Section">Name and instance.</param>
/// <param name="Bytes">Bytes of its data. Of what is moved in rounds all of them.</param>
/// <param name="Time">Time in its code and in the channel.</param>
public sealed record SectionCost(string Section, long Bytes, TimeSpan Time);

/// <summary>How a migration ended.</summary>
/// <param name="Progress">Its last numbers, and its status.</param>
/// <param name="Sections">What each section cost, in wire order.</param>
/// <param name="NotifierErrors">What notifiers threw where it was too late to refuse.</param>
public sealed record MigrationResult(MigrationProgress Progress, IReadOnlyList<SectionCost> Sections, IReadOnlyList<Exception> NotifierErrors)
{
    /// <summary>How it ended.</summary>
    public MigrationStatus Status => Progress.Status;
}

/// <summary>
/// A migration failed. <see cref="Result"/> says how far it was; at the source <see cref="Status"/> tells whether the guest goes on
/// (<see cref="MigrationStatus.Failed"/>) or was handed over (<see cref="MigrationStatus.HandedOverUnknown"/>).
/// </summary>
public sealed class MigrationException : Exception
{
    internal MigrationException(string message, MigrationResult result, Exception? inner)
        : base(message, inner)
        => Result = result;

    /// <summary>How it ended.</summary>
    public MigrationStatus Status => Result.Status;

    /// <summary>How far it was.</summary>
    public MigrationResult Result { get; }
}
