using System;

namespace VmStateGen.Runtime.Migration;

/// <summary>The arithmetic of when to stop the guest (qemu-migration.md §7). Functions; no clock, no I/O.</summary>
internal static class Convergence
{
    /// <summary>Bytes that can be moved within the downtime limit; 0 as long as no bandwidth is known.</summary>
    public static long Threshold(double bytesPerSecond, TimeSpan downtimeLimit)
        => (long)Math.Min(bytesPerSecond * downtimeLimit.TotalSeconds, 1L << 62);

    /// <summary>Whether it is worth while to ask the tracker: what is known to be left fits.</summary>
    public static bool ShouldQuery(in PendingData estimate, long threshold) => estimate.Total <= threshold || estimate.Precopy == 0;

    /// <summary>
    /// Whether to stop the guest, after the tracker was asked. What can only be moved once it is stopped does not get less by waiting, so if
    /// that is all there is, it is time, whatever the limit.
    /// </summary>
    /// <param name="exact">What is left.</param>
    /// <param name="threshold">What fits.</param>
    /// <param name="rounds">How often the tracker was asked.</param>
    /// <param name="maxRounds">0: no bound.</param>
    public static bool ShouldSwitch(in PendingData exact, long threshold, int rounds, int maxRounds)
        => exact.Total <= threshold || exact.Precopy == 0 || maxRounds > 0 && rounds >= maxRounds;

    /// <summary>How long the guest would stand still; nothing as long as no bandwidth is known.</summary>
    public static TimeSpan? ExpectedDowntime(long pendingBytes, double bytesPerSecond)
        => bytesPerSecond > 0 ? TimeSpan.FromSeconds(Math.Min(pendingBytes / bytesPerSecond, 1e9)) : null;
}

/// <summary>Measures bandwidth in windows of 100 ms, QEMU's BUFFER_DELAY (qemu-migration.md §7).</summary>
internal sealed class BandwidthMeter
{
    private static readonly TimeSpan Window = TimeSpan.FromMilliseconds(100);

    private TimeSpan since;
    private long bytesThen;
    private long pagesThen;

    /// <summary>Of the last full window; 0 before the first is.</summary>
    public double BytesPerSecond { get; private set; }

    /// <summary>Of the last full window.</summary>
    public double PagesPerSecond { get; private set; }

    /// <summary>Starts with a window at this moment.</summary>
    public void Start(TimeSpan now, long bytes, long pages) => (since, bytesThen, pagesThen) = (now, bytes, pages);

    /// <summary>Takes in how it is now.</summary>
    /// <returns>Whether a window has ended.</returns>
    public bool Update(TimeSpan now, long bytes, long pages)
    {
        var elapsed = now - since;
        if (elapsed < Window)
            return false;
        BytesPerSecond = (bytes - bytesThen) / elapsed.TotalSeconds;
        PagesPerSecond = (pages - pagesThen) / elapsed.TotalSeconds;
        Start(now, bytes, pages);
        return true;
    }
}
