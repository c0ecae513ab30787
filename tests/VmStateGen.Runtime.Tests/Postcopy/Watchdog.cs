using System;
using System.Diagnostics;
using System.IO;
using System.Threading;

namespace VmStateGen.Runtime.Tests.Postcopy;

/// <summary>
/// Ends this process if it hangs, from another one: nobody inside can once the collector waits for a thread that waits for a page.
/// </summary>
internal sealed class Watchdog : IDisposable
{
    private readonly Process process;

    public Watchdog(int seconds = 180)
        => process = Process.Start("sh", ["-c", $"sleep {seconds}; echo 'a test of userfaultfd hangs' >&2; kill -9 {Environment.ProcessId}"]);

    public void Dispose()
    {
        process.Kill(entireProcessTree: true);
        process.WaitForExit();
        process.Dispose();
    }
}

/// <summary>Collects garbage all the time, as the rule for guest RAM is only worth something if that is harmless.</summary>
internal sealed class Collector : IDisposable
{
    private readonly Thread thread;
    private volatile bool isDone;
    private int collections;

    public Collector()
    {
        thread = new Thread(() =>
        {
            while (!isDone)
            {
                GC.Collect();
                Interlocked.Increment(ref collections);

                // Collections without a pause starve the threads that wait for the end of one: they wake in the next.
                Thread.Sleep(1);
            }
        })
        {
            IsBackground = true,
        };
        thread.Start();
    }

    public int Collections => Volatile.Read(ref collections);

    /// <summary>Returns after a whole collection that began after the call.</summary>
    public void WaitForAnother()
    {
        var before = Collections;
        while (Collections < before + 2)
            Thread.Yield();
    }

    public void Dispose()
    {
        isDone = true;
        thread.Join();
    }
}

/// <summary>Pages of 2 MiB, made from free memory when they are asked for.</summary>
internal static class HugePages
{
    private const string Limit = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_overcommit_hugepages";

    public const int Size = 2 << 20;

    /// <summary>Where this process may say so, the host allows some beyond those reserved.</summary>
    public static void Allow()
    {
        try
        {
            if (int.Parse(File.ReadAllText(Limit), System.Globalization.CultureInfo.InvariantCulture) < 64)
                File.WriteAllText(Limit, "64");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The test says what is missing.
        }
    }
}
