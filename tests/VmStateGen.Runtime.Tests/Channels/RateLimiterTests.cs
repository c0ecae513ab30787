using System;
using VmStateGen.Runtime.Channels;

namespace VmStateGen.Runtime.Tests.Channels;

public sealed class RateLimiterTests
{
    private readonly FakeClock clock = new();

    [Fact]
    public void A_window_takes_a_tenth_of_a_second_s_bytes()
    {
        var limiter = new RateLimiter(1000, clock);
        limiter.Account(99);
        Assert.Equal(TimeSpan.Zero, limiter.Delay());
        limiter.Account(1);
        clock.Advance(30);
        Assert.Equal(TimeSpan.FromMilliseconds(70), limiter.Delay());
        clock.Advance(70);
        Assert.Equal(TimeSpan.Zero, limiter.Delay());
    }

    [Fact]
    public void What_is_too_much_is_paid_by_the_windows_that_follow()
    {
        var limiter = new RateLimiter(1000, clock);
        limiter.Account(350);
        for (int window = 0; window < 3; window++)
        {
            Assert.Equal(TimeSpan.FromMilliseconds(100), limiter.Delay());
            clock.Advance(100);
        }
        Assert.Equal(TimeSpan.Zero, limiter.Delay());
    }

    [Fact]
    public void What_is_not_used_is_not_saved_up()
    {
        var limiter = new RateLimiter(1000, clock);
        clock.Advance(10_000);
        limiter.Account(100);
        Assert.NotEqual(TimeSpan.Zero, limiter.Delay());
    }

    [Fact]
    public void A_new_limit_holds_at_once()
    {
        var limiter = new RateLimiter(1000, clock);
        limiter.Account(1_000_000);
        limiter.BytesPerSecond = 0;
        Assert.Equal(TimeSpan.Zero, limiter.Delay());
        limiter.BytesPerSecond = 10;
        limiter.Account(5);
        Assert.NotEqual(TimeSpan.Zero, limiter.Delay());
    }

    [Fact]
    public void The_rate_holds_whatever_the_size_of_the_writes()
    {
        var random = new Random(3);
        foreach (long rate in new long[] { 7, 1000, 123_456_789, 1L << 40 })
        {
            var limiter = new RateLimiter(rate, clock);
            long start = clock.Milliseconds, sent = 0;
            for (int i = 0; i < 1000; i++)
            {
                while (limiter.Delay() is var delay && delay > TimeSpan.Zero)
                {
                    Assert.True(delay <= RateLimiter.Window);
                    clock.Advance((long)Math.Ceiling(delay.TotalMilliseconds));
                }
                long bytes = random.NextInt64(1 + rate / 2);
                limiter.Account(bytes);
                sent += bytes;
            }
            // The last write is not paid yet, and a window's share is never less than a byte.
            double seconds = (clock.Milliseconds - start) / 1000.0;
            Assert.True(sent - rate / 2 <= (seconds + 0.1) * Math.Max(rate, 10), $"{sent} bytes in {seconds} s at {rate}");
        }
    }

    private sealed class FakeClock : TimeProvider
    {
        public long Milliseconds { get; private set; } = 12345;

        public override long TimestampFrequency => 1000;

        public void Advance(long milliseconds) => Milliseconds += milliseconds;

        public override long GetTimestamp() => Milliseconds;
    }
}
