using System;
using System.Diagnostics;
using System.Threading;

namespace VmStateGen.Qemu.Tests;

/// <summary>
/// For the time of a test that holds guest RAM by userfaultfd, or could: garbage is collected all the time, and another process ends this one if it
/// hangs, for once the collector waits for a page nobody inside can.
/// </summary>
internal sealed class Watchdog : IDisposable
{
    private readonly Process process;
    private readonly Thread collector;
    private volatile bool isDone;

    public Watchdog(TimeSpan limit)
    {
        process = Process.Start("sh", ["-c", $"sleep {(int)limit.TotalSeconds}; echo 'a test of postcopy hangs' >&2; kill -9 {Environment.ProcessId}"]);
        collector = new Thread(Collect) { IsBackground = true };
        collector.Start();
    }

    public void Dispose()
    {
        isDone = true;
        collector.Join();
        process.Kill(entireProcessTree: true);
        process.WaitForExit();
        process.Dispose();
    }

    private void Collect()
    {
        while (!isDone)
        {
            GC.Collect();
            Thread.Sleep(1);
        }
    }
}
