using System;
using System.Collections.Generic;

namespace VmStateGen.Runtime.Migration;

/// <summary>Measures bandwidth as the average of the last half second of sending. Time in which nothing is sent is not told to it, so it does not count.</summary>
/// <remarks>A function of what it is told: no clock.</remarks>
internal sealed class BandwidthMeter
{
    /// <summary>QEMU's BUFFER_DELAY (qemu-migration.md §7).</summary>
    private static readonly TimeSpan Window = TimeSpan.FromMilliseconds(100);

    // A window that is not full says nothing yet, unless there is no other: then from here on.
    private static readonly TimeSpan LeastToSay = TimeSpan.FromMilliseconds(10);

    private const int Windows = 5;

    private readonly Queue<Sample> samples = new();
    private Sample sum;
    private Sample current;
    private TimeSpan lastUpdate;
    private long lastBytes;
    private long lastPages;

    private readonly record struct Sample(TimeSpan Time, long Bytes, long Pages)
    {
        public static Sample operator +(Sample a, Sample b) => new(a.Time + b.Time, a.Bytes + b.Bytes, a.Pages + b.Pages);

        public static Sample operator -(Sample a, Sample b) => new(a.Time - b.Time, a.Bytes - b.Bytes, a.Pages - b.Pages);
    }

    /// <summary>0 as long as nothing is known.</summary>
    public double BytesPerSecond => Rate(static sample => sample.Bytes);

    /// <summary>0 as long as nothing is known.</summary>
    public double PagesPerSecond => Rate(static sample => sample.Pages);

    /// <summary>Takes in what was sent in a stretch of time that had no pause.</summary>
    /// <returns>Whether a window has ended.</returns>
    public bool Add(TimeSpan time, long bytes, long pages)
    {
        current += new Sample(time, bytes, pages);
        if (current.Time < Window)
            return false;
        samples.Enqueue(current);
        sum += current;
        if (samples.Count > Windows)
            sum -= samples.Dequeue();
        current = default;
        return true;
    }

    /// <summary>For whoever cannot tell pauses: takes in how much it is in all at a moment.</summary>
    /// <returns>Whether a window has ended.</returns>
    public bool Update(TimeSpan now, long bytes, long pages)
    {
        if (now - lastUpdate < Window)
            return false;
        var isOver = Add(now - lastUpdate, bytes - lastBytes, pages - lastPages);
        (lastUpdate, lastBytes, lastPages) = (now, bytes, pages);
        return isOver;
    }

    private double Rate(Func<Sample, long> of)
    {
        var known = samples.Count > 0 ? sum : current;
        return known.Time >= LeastToSay ? of(known) / known.Time.TotalSeconds : 0;
    }
}
