using System;

namespace VmStateGen.Runtime.Migration;

/// <summary>
/// How much of their time vCPUs lose so that a migration ends: auto-converge and dirty limit as QEMU has them (qemu-migration.md §5.14), and what
/// a deadline needs. A value that each round makes a new one of; no clock.
/// </summary>
internal readonly record struct Throttling
{
    /// <summary>QEMU looks at the guest once a second.</summary>
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    /// <summary>How often a period has to be bad before auto-converge does something.</summary>
    private const int BadPeriods = 2;

    /// <summary>From this share of a deadline on a guest that would not make it is slowed down, to the most at the second one.</summary>
    private const double DeadlineFrom = 0.4;
    private const double DeadlineFull = 0.8;

    private int AutoPercent { get; init; }

    private int BadCount { get; init; }

    private int LimitPercent { get; init; }

    private int DeadlinePercent { get; init; }

    private TimeSpan PeriodTime { get; init; }

    private long PeriodBytes { get; init; }

    private long PeriodDirtied { get; init; }

    /// <summary>0 (none) to 99.</summary>
    public int Percent { get; private init; }

    /// <summary>How it is after one more round.</summary>
    /// <param name="round">The round.</param>
    /// <param name="link">How it stands then.</param>
    /// <param name="options">What was asked for.</param>
    public Throttling After(in MigrationRound round, in LinkState link, MigrationSourceOptions options)
    {
        var next = this with
        {
            PeriodTime = PeriodTime + round.Duration,
            PeriodBytes = PeriodBytes + round.Bytes,
            PeriodDirtied = PeriodDirtied + round.DirtiedBytes,

            // Never less again: a short round says little, and a guest that is let go undoes what was won.
            DeadlinePercent = Math.Max(DeadlinePercent, ForDeadline(round, link, options)),
        };
        if (next.PeriodTime >= Period)
            next = next.AfterPeriod(options);
        var percent = Math.Max(options.AutoConverge ? next.AutoPercent : 0, options.DirtyLimit > 0 ? next.LimitPercent : 0);
        return next with { Percent = Math.Min(Math.Max(percent, next.DeadlinePercent), options.MaxThrottle) };
    }

    private Throttling AfterPeriod(MigrationSourceOptions options)
    {
        var bad = BadCount + (PeriodDirtied > PeriodBytes * (options.ThrottleTriggerThreshold / 100.0) ? 1 : 0);
        var auto = AutoPercent;
        if (bad >= BadPeriods)
        {
            auto = auto == 0 ? options.ThrottleInitial : Math.Min(auto + options.ThrottleIncrement, options.MaxThrottle);
            bad = 0;
        }
        return this with
        {
            AutoPercent = auto,
            BadCount = bad,
            LimitPercent = ForLimit(PeriodDirtied / PeriodTime.TotalSeconds, Percent, options),
            PeriodTime = TimeSpan.Zero,
            PeriodBytes = 0,
            PeriodDirtied = 0,
        };
    }

    /// <summary>As if a guest dirtied by the time that it has: what it would do unthrottled, and how much of its time is left for the limit.</summary>
    private static int ForLimit(double rate, int percent, MigrationSourceOptions options)
    {
        if (options.DirtyLimit <= 0)
            return 0;
        var unthrottled = rate / (1 - percent / 100.0);
        if (unthrottled <= options.DirtyLimit)
            return 0;
        return (int)Math.Ceiling(100 * (1 - options.DirtyLimit / unthrottled));
    }

    private static int ForDeadline(in MigrationRound round, in LinkState link, MigrationSourceOptions options)
    {
        // A guest that dirties less than half of what the link moves halves what is left round by round.
        if (options.Deadline is not { } deadline || round.DirtyRate * 2 < link.BytesPerSecond)
            return 0;
        var used = link.Elapsed / deadline;
        return used <= DeadlineFrom ? 0 : (int)(options.MaxThrottle * Math.Min(1, (used - DeadlineFrom) / (DeadlineFull - DeadlineFrom)));
    }
}
