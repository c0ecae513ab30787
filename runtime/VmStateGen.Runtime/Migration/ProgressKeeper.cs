using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;
using VmStateGen.Runtime.Postcopy;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.Migration;

/// <summary>Keeps a migration's numbers and tells who wants to know. Written by the migration's thread; the snapshot may be read by any.</summary>
internal sealed class ProgressKeeper(string role, Machine machine, IProgress<MigrationProgress>? listener)
{
    private readonly long start = Stopwatch.GetTimestamp();
    private readonly object gate = new();
    private readonly BandwidthMeter meter = new();
    private Activity? activity;
    private MigrationStatus status;
    private Func<long> bytes = static () => 0;
    private RamPrecopy? ram;
    private TimeSpan? setupTime;
    private TimeSpan? downtime;
    private TimeSpan? expected;
    private long ramAtPause = -1;
    private long stoppedAt;
    private double mbps;
    private double pagesPerSecond;
    private MigrationProgress? final;
    private string? problem;
    private Func<PostcopyProgress?> postcopy = static () => null;

    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(start);

    public MigrationProgress Current => Volatile.Read(ref final) ?? Snapshot(null);

    /// <summary>On the migration's thread, so that what its caller does meanwhile is no part of it.</summary>
    public void Begin() => activity = MigrationTelemetry.Activities.StartActivity("migration", role == "source" ? ActivityKind.Producer : ActivityKind.Consumer);

    /// <summary>Goes to another status. Once it is ended, or is cancelled, it does not come back.</summary>
    public void Enter(MigrationStatus next)
    {
        lock (gate)
        {
            if (status == next || status == MigrationStatus.Cancelling)
                return;
            status = next;
        }
        MigrationTelemetry.Event(activity, next);
        Report();
    }

    public void Measure(Func<long> transferred, RamPrecopy of) => (bytes, ram) = (transferred, of);

    public void MeasurePostcopy(Func<PostcopyProgress?> of) => postcopy = of;

    /// <summary>What is wrong as long as it is not over; <see langword="null"/> once nothing is. Told with the next status.</summary>
    public void SetProblem(string? text) => Volatile.Write(ref problem, text);

    /// <summary>What a source's postcopy says of itself.</summary>
    public Func<PostcopyFigures?> PostcopySource { get; set; } = static () => null;

    public void EndSetup() => setupTime = Elapsed;

    public void SetRate(BandwidthMeter meter)
    {
        (mbps, pagesPerSecond) = (meter.BytesPerSecond * 8 / 1e6, meter.PagesPerSecond);
        Report();
    }

    /// <summary>For a side that does not steer: measures, and reports once a window.</summary>
    public void Tick(long transferred)
    {
        if (meter.Update(Elapsed, transferred, (ram?.Traffic.NormalPages + ram?.Traffic.ZeroPages) ?? 0))
            SetRate(meter);
    }

    public int Throttle { get; set; }

    public SwitchReason SwitchReason { get; set; }

    public int Retreats { get; set; }

    public void Expect(TimeSpan? downtimeNow) => expected = downtimeNow;

    public void StartDowntime() => (ramAtPause, stoppedAt) = (ram?.Traffic.Transferred ?? 0, Stopwatch.GetTimestamp());

    /// <summary>Postcopy: the guest runs there from now on.</summary>
    public void EndSwitchover() => downtime = Stopwatch.GetElapsedTime(stoppedAt);

    public void EndDowntime(long pausedAt)
    {
        if (pausedAt != 0 && downtime is null)
            downtime = Stopwatch.GetElapsedTime(pausedAt);
    }

    public MigrationResult Finish(MigrationStatus last, Exception? error, IReadOnlyList<SectionCost> sections, IReadOnlyList<Exception> notifierErrors)
    {
        lock (gate)
            status = last;
        var seconds = (Elapsed - (setupTime ?? TimeSpan.Zero)).TotalSeconds;
        if (seconds > 0)
            mbps = bytes() * 8 / seconds / 1e6;
        var result = new MigrationResult(Snapshot(error), sections, notifierErrors);
        Volatile.Write(ref final, result.Progress);
        MigrationTelemetry.Event(activity, last);
        MigrationTelemetry.Record(role, machine, result, activity);
        Report();
        return result;
    }

    private MigrationProgress Snapshot(Exception? error)
    {
        var traffic = ram?.Traffic ?? new RamTraffic(0, 0, 0, 0, 0, 0, 0);
        var transferred = bytes();
        var pageSize = machine.Memory.PageSize;
        return new MigrationProgress
        {
            Status = status,
            TotalTime = Elapsed,
            SetupTime = setupTime,
            ExpectedDowntime = expected,
            Downtime = downtime,
            CpuThrottlePercentage = Throttle,
            SwitchReason = SwitchReason,
            Retreats = Retreats,
            ErrorDescription = error?.Message ?? Volatile.Read(ref problem),
            Postcopy = postcopy(),
            BytesTransferred = transferred,
            Xbzrle = traffic.Xbzrle,
            PostcopySource = PostcopySource(),
            Ram = new MigrationRamProgress
            {
                Total = traffic.Total,
                Remaining = traffic.Remaining,
                Transferred = traffic.Transferred,
                Duplicate = traffic.ZeroPages,
                Normal = traffic.NormalPages,
                NormalBytes = traffic.NormalPages * pageSize,
                PageSize = pageSize,
                DirtyPagesRate = traffic.DirtyPagesPerSecond,
                DirtySyncCount = traffic.DirtySyncCount,
                Mbps = mbps,
                PagesPerSecond = pagesPerSecond,
                PrecopyBytes = ramAtPause < 0 ? traffic.Transferred : ramAtPause,
                DowntimeBytes = ramAtPause < 0 ? 0 : traffic.Transferred - ramAtPause,
            },
        };
    }

    private void Report()
    {
        try
        {
            listener?.Report(Current);
        }
        catch (Exception)
        {
            // Somebody who looks on cannot make a migration fail, least of all after the hand-over.
        }
    }
}
