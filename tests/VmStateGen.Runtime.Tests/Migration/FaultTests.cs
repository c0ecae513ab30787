using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Simulated;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Migration;
using VmStateGen.Runtime.Tests.Channels;
using Xunit.Abstractions;

namespace VmStateGen.Runtime.Tests.Migration;

/// <summary>
/// The link is cut, stalled or lies at every kind of place in a stream of ours. Whatever happens, never do two guests run, and the source's goes
/// on, whole, wherever it was not handed over.
/// </summary>
public sealed class FaultTests(ITestOutputHelper output)
{
    private const int Seed = 6;

    // Migrations that mostly wait for a deadline.
    private const int Waiting = 8;

    // A migration here takes some 20 ms; one that is given up for a noisy machine is a failure as good as any.
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(400);

    private static readonly MigrationSourceOptions SourceOptions =
        Vms.Hasty with { StallTimeout = Patience, SwitchoverTimeout = Patience, HandOverTimeout = Patience };

    private static readonly MigrationDestinationOptions DestinationOptions =
        new() { StallTimeout = Patience, DeliveryTimeout = TimeSpan.FromMilliseconds(200) };

    /// <summary>From the first byte to the last, and close together where devices, EOF and description are.</summary>
    public static IEnumerable<long> Offsets(int count)
    {
        var length = Length.Value;
        var random = new Random(Seed);
        long[] edges = [0, 1, 4, 8, 9, 25, 26, 30, 34, length - 1, length];
        return edges
            .Concat(Enumerable.Range(0, count / 2).Select(_ => random.NextInt64(length)))
            .Concat(Enumerable.Range(0, count / 2).Select(_ => length - random.NextInt64(4000)));
    }

    private static readonly SimulatedOptions Idle = Vms.Small with { Rate = 0 };

    /// <summary>Of a guest that writes nothing, so that every stream is as long.</summary>
    private static readonly Lazy<long> IdleLength = new(() => Measure(Idle));

    private static readonly Lazy<long> Length = new(() => Measure(Vms.Small));

    private static long Measure(SimulatedOptions options)
    {
        using var from = new SimulatedVm(options);
        using var to = new SimulatedVm(options);
        Start(from, options);
        return Vms.Migrate(from.Machine, to.Machine, Vms.Hasty).Sent.Progress.BytesTransferred;
    }

    /// <summary>Until all its pages are written: so many must go in the first round.</summary>
    private static void Start(SimulatedVm vm, SimulatedOptions options)
    {
        vm.Resume();
        Vms.WaitFor(() => options.Rate == 0 || vm.Count >= (ulong)options.PagesEach);
    }

    [Fact]
    public void Link_is_cut_as_the_source_writes()
        => Run(Offsets(120), at => (channel => new FaultyChannel(channel) { CutWriteAt = at }, null));

    [Fact]
    public void Link_is_cut_among_devices_and_in_the_description()
        => Run(Enumerable.Range(0, 400).Select(i => IdleLength.Value - i * 7), at => (channel => new FaultyChannel(channel) { CutWriteAt = at }, null), Idle);

    [Fact]
    public void Link_is_cut_as_the_destination_reads()
        => Run(Offsets(80), at => (null, channel => new FaultyChannel(channel) { CutReadAt = at }));

    [Fact]
    public void Link_stalls_as_the_source_writes()
        => Run(Offsets(100), at => (channel => new FaultyChannel(channel) { StallWriteAt = at }, null), atOnce: Waiting);

    [Fact]
    public void Link_stalls_as_the_destination_reads()
        => Run(Offsets(100), at => (null, channel => new FaultyChannel(channel) { StallReadAt = at }), atOnce: Waiting);

    [Fact]
    public void Return_path_is_cut()
        => Run(Enumerable.Range(0, 26).Select(at => (long)at), at => (channel => new FaultyChannel(channel) { CutReadAt = at }, null));

    [Fact]
    public void Return_path_stalls()
        => Run(Enumerable.Range(0, 24).Select(at => (long)at), at => (channel => new FaultyChannel(channel) { StallReadAt = at }, null), atOnce: Waiting);

    [Fact]
    public void A_bit_is_another()
        => Run(Offsets(400), at => (null, channel => new FaultyChannel(channel) { CorruptReadAt = at }), check: NamesWhere);

    [Fact]
    public void A_bit_of_the_return_path_is_another()
        => Run(Enumerable.Range(0, 24).Select(at => (long)at), at => (channel => new FaultyChannel(channel) { CorruptReadAt = at }, null));

    [Fact]
    public void Reads_and_writes_come_in_pieces()
        => Run([200, 1000, 5000], at => (channel => new FaultyChannel(channel) { AtOnce = (int)at }, channel => new FaultyChannel(channel) { AtOnce = (int)at + 1 }));

    [Fact]
    public void A_source_whose_pause_fails_goes_on()
    {
        using var from = new BareVm { OnPause = () => throw new InvalidOperationException("a device does not stop") };
        using var to = new BareVm();
        from.Resume();
        var ends = Vms.Migrate(from.Machine, to.Machine, Vms.Hasty);
        Assert.Contains("a device does not stop", ends.SourceError.Message, StringComparison.Ordinal);
        Assert.True(from.IsRunning);
    }

    [Fact]
    public async Task A_file_that_cannot_take_it_leaves_the_guest_at_the_source()
    {
        using var from = new SimulatedVm(Vms.Small);
        Start(from, Vms.Small);
        var saving = new MigrationSource(from.Machine, Vms.Hasty).MigrateAsync(new FileAddress("/dev/full"));
        var error = await Assert.ThrowsAsync<MigrationException>(() => saving.WaitAsync(ChannelFixture.Long));
        Assert.Equal(MigrationStatus.Failed, error.Status);
        Assert.Contains("No space left on device", error.Message, StringComparison.Ordinal);
        Assert.True(from.IsRunning);
    }

    [Theory]
    [InlineData(MigrationStatus.Setup)]
    [InlineData(MigrationStatus.Active)]
    public void A_destination_that_is_cancelled_leaves_the_guest_at_the_source(MigrationStatus when)
    {
        using var from = new SimulatedVm(Vms.Small);
        using var to = new SimulatedVm(Vms.Small);
        Start(from, Vms.Small);
        var (first, second) = ChannelFixture.Connect("pair");
        using var stop = new CancellationTokenSource();
        var destination = new MigrationDestination(to.Machine);
        var received = destination.ReceiveAsync(second, new Told(progress =>
        {
            if (progress.Status == when)
                stop.Cancel();
        }), stop.Token);
        var sent = new MigrationSource(from.Machine, Vms.Hasty with { MaxBandwidth = 100_000, DowntimeLimit = TimeSpan.Zero }).MigrateAsync(first);
        var ends = Vms.Wait(new Ends(sent, received));
        Assert.True(ends.Destination.IsCanceled, $"{received.Status} {received.Exception}");
        Assert.Equal(MigrationStatus.Cancelled, destination.Progress.Status);
        Assert.Equal(MigrationStatus.Failed, ends.SourceError.Status);
        Assert.True(from.IsRunning);
        Assert.False(to.IsRunning);
    }

    [Fact]
    public void A_device_that_cannot_be_saved_leaves_the_guest_at_the_source()
    {
        using var from = new BareVm();
        using var to = new BareVm();
        from.Machine.Register(new RawDevice("odd") { Data = null! });
        to.Machine.Register(new RawDevice("odd"));
        from.Resume();
        var ends = Vms.Migrate(from.Machine, to.Machine, Vms.Hasty);
        Assert.Equal(MigrationStatus.Failed, ends.SourceError.Status);
        Assert.True(from.IsRunning);
    }

    /// <summary>What is refused is refused with its offset; where that is the data of a section or of a block, with its name.</summary>
    private static void NamesWhere(Ends ends, string what)
    {
        if (ends.Destination.IsCompletedSuccessfully)
            return;
        var reason = ends.DestinationError.InnerException;
        Assert.True(reason is VmStateException { Offset: >= 0 } or ChannelException or OperationCanceledException, $"{what}: {reason}");
    }

    private void Run(
        IEnumerable<long> offsets,
        Func<long, (Func<Channel, Channel>? Source, Func<Channel, Channel>? Destination)> fault,
        SimulatedOptions? options = null,
        int atOnce = 1,
        Action<Ends, string>? check = null)
    {
        var outcomes = new SortedDictionary<string, int>(StringComparer.Ordinal);
        Parallel.ForEach(offsets, new ParallelOptions { MaxDegreeOfParallelism = atOnce }, at =>
        {
            var (source, destination) = fault(at);
            var outcome = RunOne(at, source, destination, options ?? Vms.Small, check);
            lock (outcomes)
                outcomes[outcome] = outcomes.GetValueOrDefault(outcome) + 1;
        });
        output.WriteLine(string.Join("; ", outcomes.Select(pair => $"{pair.Key}: {pair.Value}")));
    }

    private static string RunOne(long at, Func<Channel, Channel>? sourceChannel, Func<Channel, Channel>? destinationChannel, SimulatedOptions options, Action<Ends, string>? check)
    {
        using var from = new SimulatedVm(options);
        using var to = new SimulatedVm(options);
        Start(from, options);

        // Looks all the time, for a moment of two would be enough to ruin a disk.
        var wereBoth = false;
        var isOver = false;
        var watch = new Thread(() =>
        {
            while (!Volatile.Read(ref isOver))
            {
                wereBoth |= from.IsRunning && to.IsRunning;
                Thread.Sleep(1);
            }
        });
        watch.Start();
        var ends = Vms.Migrate(from.Machine, to.Machine, SourceOptions, DestinationOptions, sourceChannel: sourceChannel, destinationChannel: destinationChannel);
        wereBoth |= from.IsRunning && to.IsRunning;
        Volatile.Write(ref isOver, true);
        watch.Join();
        var what = $"at {at}: source {Describe(ends.Source)}, destination {Describe(ends.Destination)}";
        Assert.False(wereBoth, $"two guests ran, {what}");
        check?.Invoke(ends, what);

        var outcome = ends.Source.IsCompletedSuccessfully ? MigrationStatus.Completed : ends.SourceError.Status;
        switch (outcome)
        {
            case MigrationStatus.Completed:
                Assert.True(to.IsRunning && ends.Destination.IsCompletedSuccessfully, what);
                break;
            case MigrationStatus.HandedOverUnknown:
                Assert.False(from.IsRunning, what);
                break;
            default:
                Assert.Equal(MigrationStatus.Failed, outcome);
                Assert.True(from.IsRunning, what);
                Assert.False(to.IsRunning, what);
                var count = from.Count;
                Vms.WaitFor(() => from.Count > count || options.Rate == 0);
                from.Pause();
                Assert.Null(from.FindDamage());
                break;
        }
        if (to.IsRunning && sourceChannel is null == (destinationChannel is null))
        {
            to.Pause();
            Assert.Null(to.FindDamage());
        }
        return $"{outcome.ToQemuName()}/{(ends.Destination.IsCompletedSuccessfully ? "completed" : "failed")}";
    }

    private sealed class Told(Action<MigrationProgress> action) : IProgress<MigrationProgress>
    {
        public void Report(MigrationProgress value) => action(value);
    }

    private static string Describe(Task<MigrationResult> end)
        => end.IsCompletedSuccessfully ? "completed" : end.Exception?.InnerException?.Message ?? "cancelled";
}
