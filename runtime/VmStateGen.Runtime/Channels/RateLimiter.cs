using System;
using System.Threading;

namespace VmStateGen.Runtime.Channels;

/// <summary>
/// Limits bandwidth as QEMU does: in windows of 100 ms a number of bytes may pass, and whoever has sent them waits for the next window.
/// Unlike QEMU's, what a large write sends too much is taken from the windows that follow, so that the rate holds whatever the size of
/// the writes. What a window leaves unused is not saved up. Any number of threads may share one.
/// </summary>
/// <remarks>A function of the clock that it is given: it never waits itself.</remarks>
public sealed class RateLimiter
{
    /// <summary>QEMU's BUFFER_DELAY.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromMilliseconds(100);

    private const long WindowsPerSecond = 10;

    private readonly TimeProvider clock;
    private readonly object gate = new();
    private long bytesPerSecond;
    private long used;
    private long windowStart;

    /// <summary>A limiter whose first window starts now.</summary>
    /// <param name="bytesPerSecond">0: no limit.</param>
    /// <param name="clock">Nothing: the system's.</param>
    public RateLimiter(long bytesPerSecond, TimeProvider? clock = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytesPerSecond);
        this.bytesPerSecond = bytesPerSecond;
        this.clock = clock ?? TimeProvider.System;
        windowStart = this.clock.GetTimestamp();
    }

    /// <summary>The limit, 0 for none. A new one holds from now on, for those too who wait: they ask again at least once a window.</summary>
    public long BytesPerSecond
    {
        get => Interlocked.Read(ref bytesPerSecond);
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            lock (gate)
            {
                // What was sent too much under the old limit is no debt under the new one.
                used = Math.Min(used, PerWindow(value));
                Interlocked.Exchange(ref bytesPerSecond, value);
            }
        }
    }

    /// <summary>Counts what was sent.</summary>
    public void Account(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        if (BytesPerSecond == 0)
            return;
        lock (gate)
        {
            Roll();
            used = Math.Min(used + bytes, long.MaxValue / 4);
        }
    }

    /// <summary>
    /// How long to wait before more is sent: zero, or what is left of the window. Ask again after it: the limit may be another, and a
    /// debt may need several windows.
    /// </summary>
    public TimeSpan Delay()
    {
        if (BytesPerSecond == 0)
            return TimeSpan.Zero;
        lock (gate)
        {
            Roll();
            if (bytesPerSecond == 0 || used < PerWindow(bytesPerSecond))
                return TimeSpan.Zero;
            TimeSpan left = Window - clock.GetElapsedTime(windowStart);
            return left > TimeSpan.Zero ? left : TimeSpan.FromTicks(1);
        }
    }

    private static long PerWindow(long bytesPerSecond) => bytesPerSecond == 0 ? long.MaxValue / 4 : Math.Max(1, bytesPerSecond / WindowsPerSecond);

    private void Roll()
    {
        long now = clock.GetTimestamp();
        long length = clock.TimestampFrequency / WindowsPerSecond;
        long windows = (now - windowStart) / length;
        if (windows <= 0)
            return;
        windowStart += windows * length;
        long paid = PerWindow(bytesPerSecond);
        used = windows > used / paid ? 0 : used - windows * paid;
    }
}
