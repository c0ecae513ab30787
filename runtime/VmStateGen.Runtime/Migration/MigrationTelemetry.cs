using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace VmStateGen.Runtime.Migration;

/// <summary>
/// What monitoring sees: a meter and an activity source, both called <see cref="Name"/>. Tags: <c>role</c> (source, destination),
/// <c>machine</c> (the type), <c>status</c> (QEMU's word), <c>section</c>.
/// </summary>
public static class MigrationTelemetry
{
    /// <summary>Name of the meter and of the activity source.</summary>
    public const string Name = "VmStateGen.Migration";

    internal static readonly ActivitySource Activities = new(Name);

    private static readonly Meter Meter = new(Name);
    private static readonly Counter<long> Migrations = Meter.CreateCounter<long>("vmstategen.migrations", "{migration}", "Migrations that ended");
    private static readonly Counter<long> Bytes = Meter.CreateCounter<long>("vmstategen.migration.bytes", "By", "Bytes of streams");
    private static readonly Histogram<double> Duration = Meter.CreateHistogram<double>("vmstategen.migration.duration", "s", "Time of a migration");
    private static readonly Histogram<double> Downtime = Meter.CreateHistogram<double>("vmstategen.migration.downtime", "s", "Time that a guest stood still");
    private static readonly Histogram<double> SectionTime = Meter.CreateHistogram<double>("vmstategen.section.duration", "s", "Time to save or load a section");
    private static readonly Histogram<long> SectionBytes = Meter.CreateHistogram<long>("vmstategen.section.size", "By", "Bytes of a section");

    internal static void Record(string role, Machine machine, MigrationResult result, Activity? activity)
    {
        var progress = result.Progress;
        var tags = new TagList { { "role", role }, { "machine", machine.Type }, { "status", progress.Status.ToQemuName() } };
        Migrations.Add(1, tags);
        Bytes.Add(progress.BytesTransferred, tags);
        Duration.Record(progress.TotalTime.TotalSeconds, tags);
        if (progress.Downtime is { } downtime)
            Downtime.Record(downtime.TotalSeconds, tags);
        foreach (var section in result.Sections)
        {
            var named = new TagList { { "role", role }, { "section", section.Section } };
            SectionTime.Record(section.Time.TotalSeconds, named);
            SectionBytes.Record(section.Bytes, named);
        }
        if (activity is null)
            return;
        foreach (var (key, value) in tags)
            activity.SetTag(key, value);
        activity.SetTag("bytes", progress.BytesTransferred);
        activity.SetTag("downtime", progress.Downtime?.TotalSeconds);
        if (progress.ErrorDescription is { } error)
            activity.SetStatus(ActivityStatusCode.Error, error);
        activity.Stop();
    }

    internal static void Event(Activity? activity, MigrationStatus status)
        => activity?.AddEvent(new ActivityEvent(status.ToQemuName()));
}
