using System;
using System.Threading;
using Simulated;
using VmStateGen.Runtime.Migration;
using Xunit.Abstractions;

namespace VmStateGen.Runtime.Tests.Migration;

public sealed class LoopTests(ITestOutputHelper output)
{
    /// <summary>One guest travels: each destination is the next source. A lost page of any journey would be found at its end.</summary>
    [Theory]
    [InlineData("unix")]
    [InlineData("tcp")]
    public void A_guest_travels_with_the_collector_at_its_heels(string kind)
    {
        const int Journeys = 50;
        var random = new Random(kind.Length);
        var isOver = false;
        var collector = new Thread(() =>
        {
            while (!Volatile.Read(ref isOver))
            {
                GC.Collect();
                Thread.Sleep(1); // without a pause it starves those who wait for the end of a collection
            }
        });
        collector.Start();
        var longest = TimeSpan.Zero;
        try
        {
            SimulatedOptions Options() => new() { MiB = 16, Cpus = 2, PagesEach = 512, Rate = random.Next(1000, 200_000) };
            var here = new SimulatedVm(Options());
            here.Resume();
            for (var i = 0; i < Journeys; i++)
            {
                var there = new SimulatedVm(Options());
                var ends = Vms.Migrate(here.Machine, there.Machine, new MigrationSourceOptions { MaxBandwidth = 0, MaxRounds = 20 }, kind: kind);
                Assert.Equal(MigrationStatus.Completed, ends.Sent.Status);
                longest = ends.Sent.Progress.Downtime > longest ? ends.Sent.Progress.Downtime.Value : longest;
                Assert.Null(here.FindDamage());
                here.Dispose();
                here = there;
            }
            here.Pause();
            Assert.Null(here.FindDamage());
            here.Dispose();
        }
        finally
        {
            Volatile.Write(ref isOver, true);
            collector.Join();
        }
        output.WriteLine($"longest downtime {longest.TotalMilliseconds:0.0} ms");
    }
}
