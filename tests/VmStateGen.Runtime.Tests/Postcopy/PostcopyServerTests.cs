using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Postcopy;
using VmStateGen.Runtime.Tests.Channels;

namespace VmStateGen.Runtime.Tests.Postcopy;

/// <summary>A snapshot served to a destination that asks at random, with cuts at every stage: no page twice, none lost, none that was not discarded.</summary>
public sealed class PostcopyServerTests
{
    private const int Page = SnapshotFixture.Page;

    private readonly string folder = ChannelFixture.NewFolder();

    [Theory]
    [InlineData(true, false, 4096)]
    [InlineData(true, true, 4096)]
    [InlineData(false, false, 4096)]
    [InlineData(false, true, 4096)]
    [InlineData(true, false, 65536)]
    [InlineData(true, true, 32768)]
    public void Every_page_arrives_once(bool isMapped, bool preempt, int unit)
    {
        using var snapshot = Snapshot(isMapped, out var contents);
        using var destination = new FakeDestination(Socket, preempt, 1);
        var events = Serve(snapshot, destination, Options(preempt, unit), out var figures);
        Assert.Equal([PostcopyServeState.Connected, PostcopyServeState.Switched], events.Select(one => one.State));
        CheckArrived(destination, contents);
        Assert.Equal(0, figures.PagesLeft);
        Assert.Equal(figures.RequestedPages, figures.Latency.Count == 0 ? 0 : figures.RequestedPages);
        Assert.NotNull(figures.TimeToLoaded);
        Assert.NotNull(figures.TimeToAllSent);

        // LISTEN, the device as it was, PING 3, RUN.
        byte[] device = [4, 0, 0, 0, 5, 3, (byte)'d', (byte)'e', (byte)'v', 0, 0, 0, 0, 0, 0, 0, 1, .. SnapshotFixture.Device, 0x7E, 0, 0, 0, 5];
        Assert.Equal([8, 0, 4, 0, 0, .. device, 8, 0, 2, 0, 4, 0, 0, 0, 3, 8, 0, 5, 0, 0], destination.Package);
    }

    [Fact]
    public void Zeros_are_not_pushed_but_answered()
    {
        using var snapshot = Snapshot(isMapped: true, out var contents);
        using var destination = new FakeDestination(Socket, false, 2);
        Serve(snapshot, destination, Options(false, Page) with { MaxBandwidth = 8 << 20 }, out var figures);
        CheckArrived(destination, contents);
        var zeros = Enumerable.Range(0, 3000).Where(page => !contents["ram"].AsSpan(page * Page, Page).ContainsAnyExcept((byte)0)).ToArray();
        var received = zeros.Count(page => destination.HasPage("ram", page));
        Assert.InRange(received, 1, zeros.Length - 1);
        Assert.True(figures.RequestedPages > 0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Zeros_that_loading_waits_for_are_served_though_nothing_else_is_left(bool preempt)
    {
        using var snapshot = Snapshot(isMapped: true, out var contents);
        var zeros = Enumerable.Range(0, 3000).First(page => !contents["ram"].AsSpan(page * Page, Page).ContainsAnyExcept((byte)0));
        using var destination = new FakeDestination(Socket, preempt, 8) { NeededByLoading = zeros };
        Serve(snapshot, destination, Options(preempt, Page), out _);
        CheckArrived(destination, contents);
        Assert.True(destination.HasPage("ram", zeros));
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(false, 2)]
    [InlineData(true, 3)]
    [InlineData(true, 4)]
    public void Ten_cuts_in_a_row_are_recovered_from(bool preempt, int seed)
    {
        using var snapshot = Snapshot(isMapped: true, out var contents);
        using var destination = new FakeDestination(Socket, preempt, seed);
        var random = new Random(seed);
        for (var i = 0; i < 10; i++)
            destination.Cuts.Enqueue(random.Next(1, 180));
        var events = Serve(snapshot, destination, Options(preempt, Page), out var figures);
        CheckArrived(destination, contents);
        Assert.Equal(11, destination.Connections);
        Assert.Equal(10, figures.Recoveries);
        Assert.Equal(10, events.Count(one => one.State == PostcopyServeState.Paused));
        Assert.All(events.Where(one => one.State == PostcopyServeState.Paused), one => Assert.Contains("of ram", one.Missing, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Links_that_die_during_recovery_are_recovered_from(bool preempt)
    {
        using var snapshot = Snapshot(isMapped: false, out var contents);
        using var destination = new FakeDestination(Socket, preempt, 5);

        // After 100 records; then at each of the commands of a recovery; then once in the middle again.
        foreach (var cut in (int[])[100, -1, -2, -3, -4, 50, -2])
            destination.Cuts.Enqueue(cut);
        Serve(snapshot, destination, Options(preempt, Page), out var figures);
        CheckArrived(destination, contents);
        Assert.Equal(8, destination.Connections);
        Assert.InRange(figures.Recoveries, 2, 3);
    }

    [Fact]
    public void Another_server_goes_on_where_one_was_killed()
    {
        using var snapshot = Snapshot(isMapped: true, out var contents);
        using var destination = new FakeDestination(Socket, false, 6);
        destination.Cuts.Enqueue(200);
        var taking = ChannelFixture.Run(destination.Run);
        var first = new PostcopyServer(snapshot, Options(false, Page) with { RecoveryTimeout = TimeSpan.Zero });
        Assert.Throws<ChannelException>(() => first.Serve(new UnixAddress(Socket)));
        Assert.Contains("of ram", first.Missing, StringComparison.Ordinal);
        new PostcopyServer(snapshot, Options(false, Page) with { Resume = true }).Serve(new UnixAddress(Socket));
        ChannelFixture.Done(taking);
        CheckArrived(destination, contents);
    }

    [Fact]
    public void Four_guests_are_served_from_one_file_at_once()
    {
        using var snapshot = Snapshot(isMapped: false, out var contents);
        Parallel.For(0, 4, new ParallelOptions { MaxDegreeOfParallelism = 4 }, guest =>
        {
            var socket = Path.Combine(folder, $"s{guest}");
            using var destination = new FakeDestination(socket, guest % 2 == 1, guest);
            var taking = ChannelFixture.Run(destination.Run);
            new PostcopyServer(snapshot, Options(guest % 2 == 1, Page)).Serve(new UnixAddress(socket));
            ChannelFixture.Done(taking);
            CheckArrived(destination, contents);
        });
    }

    [Fact]
    public void A_cancel_ends_it_and_says_what_is_missing()
    {
        using var snapshot = Snapshot(isMapped: true, out _);
        using var destination = new FakeDestination(Socket, false, 7);
        using var stop = new CancellationTokenSource();
        var taking = ChannelFixture.Run(destination.Run);
        var server = new PostcopyServer(snapshot, Options(false, Page) with { MaxBandwidth = 1 << 20 }, told =>
        {
            if (told.State == PostcopyServeState.Switched)
                stop.CancelAfter(50);
        });
        Assert.ThrowsAny<OperationCanceledException>(() => server.Serve(new UnixAddress(Socket), stop.Token));
        Assert.Contains("of ram", server.Missing, StringComparison.Ordinal);
        destination.Dispose();
        ChannelFixture.Fails(taking);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_protocol_is_rehearsed_without_anybody_else(bool preempt)
    {
        using var snapshot = Snapshot(isMapped: true, out _);
        PostcopyServer.WarmUp(snapshot, Options(preempt, Page));
    }

    [Fact]
    public void A_size_for_a_block_that_is_not_there_is_refused()
    {
        using var snapshot = Snapshot(isMapped: true, out _);
        var error = Assert.Throws<ArgumentException>(() => new PostcopyServer(snapshot, new PostcopyServeOptions { UnitSizes = new Dictionary<string, int> { ["pc.ram"] = 2 << 20 } }));
        Assert.Contains("There is no block pc.ram: there are ram, empty, rom.", error.Message, StringComparison.Ordinal);
    }

    private string Socket => Path.Combine(folder, "s");

    private static PostcopyServeOptions Options(bool preempt, int unit) => new()
    {
        Preempt = preempt,
        UnitSizes = unit == Page ? new Dictionary<string, int>() : new Dictionary<string, int> { ["rom"] = unit },
        Connect = new ConnectOptions { Retry = true, Timeout = ChannelFixture.Long },
        RecoveryTimeout = ChannelFixture.Long,
    };

    private PostcopySnapshot Snapshot(bool isMapped, out Dictionary<string, byte[]> contents)
    {
        contents = SnapshotFixture.Contents(11);
        var path = Path.Combine(folder, "file");
        if (isMapped)
            SnapshotFixture.WriteMapped(path, contents);
        else
            SnapshotFixture.WritePlain(path, contents);
        return PostcopySnapshot.Open(path);
    }

    private List<PostcopyServeEvent> Serve(PostcopySnapshot snapshot, FakeDestination destination, PostcopyServeOptions options, out PostcopyFigures figures)
    {
        var events = new List<PostcopyServeEvent>();
        var taking = ChannelFixture.Run(destination.Run);
        var serving = ChannelFixture.Run(() => new PostcopyServer(snapshot, options, told =>
        {
            lock (events)
                events.Add(told);
        }).Serve(new UnixAddress(Socket)));
        figures = ChannelFixture.Done(serving);
        ChannelFixture.Done(taking);
        return events;
    }

    private static void CheckArrived(FakeDestination destination, Dictionary<string, byte[]> contents)
    {
        Assert.Empty(destination.Wrongs);
        foreach (var (name, bytes) in contents)
            Assert.True(bytes.AsSpan().SequenceEqual(destination.MemoryOf(name)), name);
    }
}
