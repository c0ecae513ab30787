using System;

namespace VmStateGen.Runtime.Migration;

/// <summary>One round of a migration: from one dirty sync to the next.</summary>
/// <param name="Duration">All of its time.</param>
/// <param name="Bytes">Bytes that were sent.</param>
/// <param name="DirtiedBytes">Bytes that the sync at its end found newly dirty.</param>
/// <param name="Pending">What was left after it.</param>
internal readonly record struct MigrationRound(TimeSpan Duration, long Bytes, long DirtiedBytes, PendingData Pending)
{
    /// <summary>Bytes a second that the guest dirties.</summary>
    public double DirtyRate => Duration > TimeSpan.Zero ? DirtiedBytes / Duration.TotalSeconds : 0;
}

/// <summary>What a migration knows when it asks whether to stop the guest.</summary>
/// <param name="BytesPerSecond">Bandwidth; 0 as long as none is known.</param>
/// <param name="Overhead">What a downtime has besides RAM: device state, stopping the guest, the last round trip.</param>
/// <param name="Elapsed">Since the migration began.</param>
/// <param name="SinceSync">Since the last dirty sync.</param>
internal readonly record struct LinkState(double BytesPerSecond, TimeSpan Overhead, TimeSpan Elapsed, TimeSpan SinceSync);

/// <summary>All that the policy knew at the end of a round, and what it decided.</summary>
/// <param name="Round">The round.</param>
/// <param name="Link">How it stood.</param>
/// <param name="Known">What was known to be left before the dirty sync.</param>
/// <param name="All">All that there is to be moved.</param>
/// <param name="Throttle">Percent of the vCPUs' time that is taken from then on.</param>
/// <param name="Reason">Whether the guest was stopped.</param>
internal readonly record struct RecordedRound(MigrationRound Round, LinkState Link, PendingData Known, long All, int Throttle, SwitchReason Reason);

/// <summary>The arithmetic of when to stop the guest (qemu-migration.md §7). Functions; no clock, no I/O.</summary>
internal static class Convergence
{
    /// <summary>A limit is aimed at by this share of it: what the link did on the average it does not do at every moment (docs/performance.md, "Downtimes").</summary>
    private const double LimitShare = 0.75;

    /// <summary>A deadline is aimed at with so much of the rest's time to spare: the last stretch of a link is not always its average.</summary>
    private const double DeadlineReserve = 1.25;

    /// <summary>While no bandwidth is known, a deadline stops the guest at this share of it.</summary>
    private const double BlindShare = 0.5;

    /// <summary>Once it may be late, it is looked at after each such share of the time that is left: what is dirtied between two looks is within the reserve.</summary>
    private const double SyncShare = 0.02;

    /// <summary>A round that goes on and on is ended to see how much the guest dirties.</summary>
    private static readonly TimeSpan LongestBlindRound = TimeSpan.FromSeconds(5);

    // What is sent between two looks at the clock, at a cancel and at what is left.
    private const long LargestBudget = 4 << 20;
    private const long SmallestBudget = 64 << 10;

    /// <summary>Bytes to send before the next look at the clock: what takes some 50 ms.</summary>
    /// <param name="bytesPerSecond">Bandwidth; 0 if none is known.</param>
    /// <param name="limit">What it may be; 0 for no limit.</param>
    public static long Budget(double bytesPerSecond, long limit)
    {
        var rate = bytesPerSecond > 0 ? bytesPerSecond : limit > 0 ? limit : 20 * LargestBudget;
        return (long)Math.Clamp(rate / 20, SmallestBudget, LargestBudget);
    }

    /// <summary>Bytes that can be moved within the downtime limit beside what else takes time; 0 as long as no bandwidth is known.</summary>
    public static long Threshold(in LinkState link, TimeSpan downtimeLimit)
        => (long)Math.Clamp(link.BytesPerSecond * (downtimeLimit * LimitShare - link.Overhead).TotalSeconds, 0, 1L << 62);

    /// <summary>Whether it is worth while to ask the tracker: what is known to be left fits, or somebody has to know how it stands.</summary>
    /// <param name="estimate">What is known to be left.</param>
    /// <param name="link">How it stands.</param>
    /// <param name="options">What was asked for.</param>
    /// <param name="all">All that there is to be moved: as far as anybody knows, the guest has dirtied all of it again.</param>
    public static bool ShouldQuery(in PendingData estimate, in LinkState link, MigrationSourceOptions options, long all)
        => estimate.Total <= Threshold(link, options.DowntimeLimit)
            || estimate.Precopy == 0
            || IsLate(all, link, options) && link.SinceSync > (options.Deadline - link.Elapsed) * SyncShare
            || (options.AutoConverge || options.DirtyLimit > 0 || options.Deadline != null) && link.SinceSync > LongestBlindRound;

    /// <summary>Whether to stop the guest, after the tracker was asked.</summary>
    /// <param name="pending">What is left.</param>
    /// <param name="link">How it stands.</param>
    /// <param name="options">What was asked for.</param>
    /// <param name="rounds">How often the tracker was asked.</param>
    public static SwitchReason ShouldSwitch(in PendingData pending, in LinkState link, MigrationSourceOptions options, int rounds)
    {
        if (pending.Precopy == 0)
            return SwitchReason.NothingElse;
        if (pending.Total <= Threshold(link, options.DowntimeLimit))
            return SwitchReason.Fits;
        if (options.MaxRounds > 0 && rounds >= options.MaxRounds)
            return SwitchReason.Rounds;
        return IsLate(pending.Total, link, options) ? SwitchReason.Deadline : SwitchReason.None;
    }

    /// <summary>
    /// Whether to let a stopped guest go on: it has dirtied so much on the way that the limit would not be kept. Only where the limit was the
    /// reason to stop it, and waiting can help.
    /// </summary>
    /// <param name="reason">Why it was stopped.</param>
    /// <param name="pending">What is left now that it stands still.</param>
    /// <param name="link">How it stands.</param>
    /// <param name="limit">The downtime limit.</param>
    /// <param name="soFar">How long it stands still.</param>
    public static bool ShouldGoBack(SwitchReason reason, in PendingData pending, in LinkState link, TimeSpan limit, TimeSpan soFar)
        => reason == SwitchReason.Fits && pending.Precopy > 0 && (ExpectedDowntime(pending.Total, link) is not { } rest || soFar + rest > limit);

    /// <summary>How long the guest would stand still; nothing as long as no bandwidth is known.</summary>
    public static TimeSpan? ExpectedDowntime(long pendingBytes, in LinkState link)
        => link.BytesPerSecond > 0 ? link.Overhead + TimeSpan.FromSeconds(Math.Min(pendingBytes / link.BytesPerSecond, 1e9)) : null;

    /// <summary>Whether, for the deadline, the rest has to go now, with the guest stopped.</summary>
    private static bool IsLate(long pending, in LinkState link, MigrationSourceOptions options)
    {
        if (options.Deadline is not { } deadline)
            return false;
        if (ExpectedDowntime(pending, link) is not { } rest)
            return link.Elapsed >= deadline * BlindShare;
        return link.Elapsed + rest * DeadlineReserve >= deadline;
    }
}
