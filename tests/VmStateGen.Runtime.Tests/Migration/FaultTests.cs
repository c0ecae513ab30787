using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
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
        => Run(Offsets(16), at => (channel => new FaultyChannel(channel) { StallWriteAt = at }, null));

    [Fact]
    public void Link_stalls_as_the_destination_reads()
        => Run(Offsets(16), at => (null, channel => new FaultyChannel(channel) { StallReadAt = at }));

    [Fact]
    public void Return_path_is_cut()
        => Run(Enumerable.Range(0, 26).Select(at => (long)at), at => (channel => new FaultyChannel(channel) { CutReadAt = at }, null));

    [Fact]
    public void Return_path_stalls()
        => Run([0, 7, 8, 9, 15, 16, 17, 23], at => (channel => new FaultyChannel(channel) { StallReadAt = at }, null));

    [Fact]
    public void A_bit_is_another()
        => Run(Offsets(120), at => (null, channel => new FaultyChannel(channel) { CorruptReadAt = at }));

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

    private void Run(IEnumerable<long> offsets, Func<long, (Func<Channel, Channel>? Source, Func<Channel, Channel>? Destination)> fault, SimulatedOptions? options = null)
    {
        var outcomes = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (var at in offsets)
        {
            var (source, destination) = fault(at);
            var outcome = RunOne(at, source, destination, options ?? Vms.Small);
            outcomes[outcome] = outcomes.GetValueOrDefault(outcome) + 1;
        }
        output.WriteLine(string.Join("; ", outcomes.Select(pair => $"{pair.Key}: {pair.Value}")));
    }

    private static string RunOne(long at, Func<Channel, Channel>? sourceChannel, Func<Channel, Channel>? destinationChannel, SimulatedOptions options)
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

    private static string Describe(System.Threading.Tasks.Task<MigrationResult> end)
        => end.IsCompletedSuccessfully ? "completed" : end.Exception?.InnerException?.Message ?? "cancelled";
}
