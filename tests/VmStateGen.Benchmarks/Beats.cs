using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using System.Threading;

namespace VmStateGen.Benchmarks;

/// <summary>
/// The beats of one guest in one process, each with the time at which it came, by this process's clock: the one clock that goes on while a guest
/// is moved, and the same for the beats of both ends.
/// </summary>
internal sealed class Beats : IDisposable
{
    private readonly Socket connection;
    private readonly Thread reader;
    private readonly List<long> times = [];

    private Beats(Socket connection)
    {
        this.connection = connection;
        reader = new Thread(Read) { IsBackground = true, Name = "beats" };
        reader.Start();
    }

    /// <summary>How many there were.</summary>
    public int Count
    {
        get
        {
            lock (times)
                return times.Count;
        }
    }

    /// <summary>Listens; a file that is there from before is removed.</summary>
    public static Socket Listen(string path)
    {
        File.Delete(path);
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        return listener;
    }

    /// <summary>The beats of who connects next.</summary>
    public static Beats Accept(Socket listener) => new(listener.Accept());

    /// <summary>Waits until there are so many.</summary>
    /// <exception cref="TimeoutException">They have not come within a minute.</exception>
    public void WaitFor(int count)
    {
        if (!SpinWait.SpinUntil(() => Count >= count || !reader.IsAlive, TimeSpan.FromMinutes(1)) || Count < count)
            throw new TimeoutException($"The guest has sent {Count} beats instead of {count}.");
    }

    /// <summary>The longest time without a beat, from a second before the guest was last seen here to a second after it was first seen there.</summary>
    public static TimeSpan LongestGap(Beats here, Beats there)
    {
        long[] from = here.Snapshot(), to = there.Snapshot();
        long[] around = [.. from.Where(time => time >= from[^1] - Stopwatch.Frequency), .. to.Where(time => time <= to[0] + Stopwatch.Frequency)];
        return around.Zip(around.Skip(1), Stopwatch.GetElapsedTime).Max();
    }

    /// <summary>From the last beat here to the first there.</summary>
    public static TimeSpan Gap(Beats here, Beats there) => Stopwatch.GetElapsedTime(here.Snapshot()[^1], there.Snapshot()[0]);

    public void Dispose()
    {
        connection.Dispose();
        reader.Join();
    }

    private long[] Snapshot()
    {
        lock (times)
            return [.. times];
    }

    private void Read()
    {
        var bytes = new byte[256];
        try
        {
            while (connection.Receive(bytes) is > 0 and var count)
            {
                long now = Stopwatch.GetTimestamp();
                // The firmware writes there too.
                if (bytes.AsSpan(0, count).ContainsAnyExcept(DirtyingLoad.Beat))
                    continue;
                lock (times)
                    times.Add(now);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The guest has ended.
        }
    }
}
