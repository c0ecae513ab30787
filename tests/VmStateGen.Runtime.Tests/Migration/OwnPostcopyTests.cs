using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Simulated;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Migration;
using VmStateGen.Runtime.Tests.Channels;
using VmStateGen.Runtime.Tests.Postcopy;

namespace VmStateGen.Runtime.Tests.Migration;

/// <summary>A guest of ours goes to a machine of ours by postcopy, with the garbage collector at work, and not a page is wrong.</summary>
public sealed class OwnPostcopyTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly SimulatedOptions Busy = new() { MiB = 32, Cpus = 2, PagesEach = 2048, Rate = 40_000 };

    [Theory]
    [InlineData(PostcopyStart.AtOnce, false)]
    [InlineData(PostcopyStart.AtOnce, true)]
    [InlineData(PostcopyStart.Unconverged, false)]
    [InlineData(PostcopyStart.Unconverged, true)]
    public async Task No_page_is_wrong(PostcopyStart start, bool preempt)
    {
        using var journey = new Journey(start, preempt);
        var (sent, received) = await journey.End();
        Assert.Equal((MigrationStatus.Completed, MigrationStatus.Completed), (sent.Status, received.Status));
        Assert.False(journey.From.IsRunning);
        Assert.True(journey.To.IsRunning);
        Thread.Sleep(50);
        journey.To.Pause();
        Assert.Null(journey.To.FindDamage());
    }

    /// <summary>Pages that are written in every round are sent last in precopy: postcopy must not forget them.</summary>
    [Fact]
    public async Task Pages_that_keep_changing_come_too()
    {
        using var journey = new Journey(PostcopyStart.OnRequest, preempt: false, bandwidth: 20 << 20);
        Vms.WaitFor(() => journey.Source.Progress.Ram.DirtySyncCount >= 4);
        journey.Source.StartPostcopy();
        var (sent, _) = await journey.End();
        Assert.NotNull(sent.Progress.PostcopySource);
        journey.To.Pause();
        Assert.Null(journey.To.FindDamage());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_link_that_is_lost_five_times_is_recovered(bool preempt)
    {
        using var journey = new Journey(PostcopyStart.AtOnce, preempt, backgroundBandwidth: 4 << 20);
        for (var i = 0; i < 5; i++)
        {
            Vms.WaitFor(() => journey.Destination.Progress.Status == MigrationStatus.PostcopyActive && journey.To.IsRunning);
            Thread.Sleep(20);
            journey.Destination.PausePostcopy();
            Vms.WaitFor(() => journey.Source.Progress.Status == MigrationStatus.PostcopyPaused && journey.Destination.Progress.Status == MigrationStatus.PostcopyPaused);
            var address = ChannelAddress.Parse($"unix:{Path.Combine(ChannelFixture.NewFolder(), "again")}");
            journey.Destination.Recover(address);
            journey.Source.Recover(address);
        }
        var (sent, received) = await journey.End();
        Assert.Equal((MigrationStatus.Completed, MigrationStatus.Completed), (sent.Status, received.Status));
        Assert.Equal(5, received.Progress.Postcopy!.Pauses);
        journey.To.Pause();
        Assert.Null(journey.To.FindDamage());
    }

    private sealed class Journey : IDisposable
    {
        private readonly Task<MigrationResult> sent;
        private readonly Task<MigrationResult> received;
        private readonly Watchdog watchdog = new();
        private readonly Collector collector = new();

        public Journey(PostcopyStart start, bool preempt, long bandwidth = 0, long backgroundBandwidth = 0)
        {
            From.Resume();
            Thread.Sleep(100);
            var address = ChannelAddress.Parse($"unix:{Path.Combine(ChannelFixture.NewFolder(), "s")}");
            Destination = new MigrationDestination(To.Machine, new MigrationDestinationOptions { Postcopy = new PostcopyOptions { Preempt = preempt, RecoveryTimeout = Patience } });
            received = Destination.ReceiveAsync(address);
            Source = new MigrationSource(From.Machine, new MigrationSourceOptions
            {
                MaxBandwidth = bandwidth,
                DowntimeLimit = start == PostcopyStart.AtOnce ? TimeSpan.FromMilliseconds(300) : TimeSpan.Zero,
                Postcopy = new PostcopySourceOptions { Start = start, Preempt = preempt, MaxBandwidth = backgroundBandwidth, RecoveryTimeout = Patience },
            });
            sent = Source.MigrateAsync(address);
        }

        public SimulatedVm From { get; } = new(Busy);

        public SimulatedVm To { get; } = new(Busy);

        public MigrationSource Source { get; }

        public MigrationDestination Destination { get; }

        public async Task<(MigrationResult Sent, MigrationResult Received)> End() => (await sent.WaitAsync(ChannelFixture.Long), await received.WaitAsync(ChannelFixture.Long));

        public void Dispose()
        {
            // A guest that waits for a page that does not come any more could not be stopped.
            Vms.Wait(new Ends(sent, received));
            if (received.IsFaulted && To.IsRunning)
                Destination.Abandon();
            From.Dispose();
            To.Dispose();
            collector.Dispose();
            watchdog.Dispose();
        }
    }
}
