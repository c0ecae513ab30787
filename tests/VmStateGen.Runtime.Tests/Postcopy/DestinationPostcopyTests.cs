using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Simulated;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Linux;
using VmStateGen.Runtime.Migration;
using VmStateGen.Runtime.Ram;
using VmStateGen.Runtime.Streams.Qemu;
using VmStateGen.Runtime.Tests.Channels;
using VmStateGen.Runtime.Tests.Linux;
using VmStateGen.Runtime.Tests.Migration;

namespace VmStateGen.Runtime.Tests.Postcopy;

/// <summary>
/// A destination whose guest runs before its memory is there, against a source that does what the test says. Always with a collector and with
/// devices that touch guest RAM, and a watchdog in another process.
/// </summary>
public sealed class DestinationPostcopyTests : IDisposable
{
    private static readonly SimulatedOptions Shape = new() { MiB = 4, Cpus = 2, PagesEach = 256, Rate = 50_000 };

    private readonly Watchdog watchdog = new();
    private readonly Collector collector = new();
    private readonly SimulatedVm from = new(Shape);
    private readonly SimulatedVm to = new(Shape);
    private readonly string folder = ChannelFixture.NewFolder();
    private readonly List<MigrationStatus> statuses = [];
    private MigrationDestination? destination;
    private PostcopyPeer? peer;
    private BusyDevices? devices;

    public DestinationPostcopyTests()
    {
        UserFaultAbiTests.SkipWithout(UserFaultFeatures.EventRemove | UserFaultFeatures.ThreadId);
        from.Resume();
        Vms.WaitFor(() => from.Count > 2000);
        from.Pause();
    }

    public void Dispose()
    {
        peer?.Dispose();
        try
        {
            // Of a test that failed in the middle: else its CPUs and devices wait for ever.
            destination?.Abandon();
        }
        catch (InvalidOperationException)
        {
            // It had not begun.
        }
        devices?.Wait();
        to.Dispose();
        from.Dispose();
        collector.Dispose();
        watchdog.Dispose();
    }

    [SkippableTheory]
    [InlineData("pair", false)]
    [InlineData("tcp", false)]
    [InlineData("tcp", true)]
    [InlineData("unix", true)]
    public void The_guest_runs_at_once_and_its_memory_follows(string kind, bool preempt)
    {
        var received = Start(kind, preempt);
        peer!.Begin();
        peer.DiscardUnsent();
        peer.SendPackage();
        Vms.WaitFor(() => to.IsRunning);
        Vms.WaitFor(() => !peer.Requests.IsEmpty);
        using (Devices())
        {
            peer.AnswerRequests();
            Vms.WaitFor(() => to.Count > from.Count + 500);
            peer.SendRest();

            // The source is told at its end, and not before.
            Vms.WaitFor(() => destination!.Progress.Postcopy!.Pages.TimeToResident != null);
            Assert.False(peer.HasSaid(ReturnPathMessage.Shut(0)));
            peer.End();
            Assert.Equal(MigrationStatus.Completed, ChannelFixture.Done(received).Status);
        }
        Assert.Equal([MigrationStatus.Setup, MigrationStatus.Active, MigrationStatus.PostcopyActive, MigrationStatus.Completed], statuses.Distinct());
        foreach (var ping in new uint[] { 1, 2, 3, 4 })
            Assert.True(peer.HasSaid(ReturnPathMessage.Pong(ping)));
        Assert.Equal("SHUT 0", peer.Said.Last().ToString());
        IsWhole();

        var progress = received.Result.Progress;
        var pages = progress.Postcopy!.Pages;
        Assert.Equal((1024, 0L), (pages.Served + pages.Prefetched, pages.Missing));
        Assert.Equal(peer.Requests.Count, pages.Requests);
        Assert.Equal(peer.Requests.Count, peer.Requests.Distinct().Count());
        Assert.Equal(1024, progress.Ram.Normal + progress.Ram.Duplicate);
        Assert.True(progress.Postcopy.TimeToRun < progress.TotalTime && pages.TimeToResident < progress.TotalTime);
        Assert.True(pages.BlockedThreads.Count >= 2);
    }

    [SkippableFact]
    public void What_came_in_precopy_stays_unless_it_is_discarded()
    {
        var received = Start();
        peer!.Begin();
        peer.Precopy(peer.All.Take(600));
        var ram = from.Memory.Blocks[0];
        peer.Discard(ram, (0x10000, 0x8000), (0x40000, 0x1000));
        peer.Discard(ram, (0, 0));
        peer.DiscardUnsent();
        Assert.Equal(1024 - 600 + 9, peer.Unsent.Count());
        peer.SendPackage();
        Vms.WaitFor(() => to.IsRunning);
        Assert.Equal(1024 - 600 + 9, destination!.Progress.Postcopy!.Pages.Missing);

        // Of what came before nothing is asked for, zeros included.
        peer.AnswerRequests();
        using (Devices())
            Vms.WaitFor(() => to.Count > from.Count + 500);
        Assert.All(peer.Requests, request => Assert.True(request.Offset >= 600 * 4096 || request.Offset is >= 0x10000 and < 0x18000 or 0x40000, $"{request.Offset:x}"));
        peer.SendRest();
        peer.End();
        Assert.Equal(MigrationStatus.Completed, ChannelFixture.Done(received).Status);
        IsWhole();
    }

    [SkippableFact]
    public void A_second_copy_of_a_page_pauses_it_and_is_named()
    {
        var received = Start();
        RunGuest();
        peer!.SendTwice(from.Memory.Blocks[0], 0x300000);
        var paused = WaitUntilPaused();
        Assert.Contains("sim.ram: expected each missing page once, found a second copy of the page at 0x300000", paused, StringComparison.Ordinal);
        Complete(received);
        Assert.Equal(1, received.Result.Progress.Postcopy!.Pauses);
    }

    [SkippableFact]
    public void A_hole_at_the_end_is_named_and_the_source_is_not_told_to_run_again()
    {
        var received = Start();
        RunGuest();

        // The last three are none that the guest asks for.
        foreach (var (block, offset) in peer!.Unsent.SkipLast(3))
            peer.Send(block, offset);
        Assert.Equal(3, peer.Unsent.Count());
        peer.End();
        var error = Failure(received);
        Assert.Equal(MigrationStatus.PostcopyPaused, error.Status);
        Assert.Contains("EOF: expected all missing pages before it, found 3 pages of sim.ram that never came", error.Message, StringComparison.Ordinal);
        Assert.Equal(3, error.Result.Progress.Postcopy!.Missing.Single().Pages);
        Vms.WaitFor(() => peer.HasSaid(ReturnPathMessage.Shut(0)));
        Assert.DoesNotContain(peer.Said, said => said.ToString() == "SHUT 1");

        // The machine is given up, and its threads with it; before, it could not be migrated on.
        Assert.Throws<InvalidOperationException>(() => to.Machine.AddBlocker("x"));
        Assert.Throws<InvalidOperationException>(() => to.Memory.Access(to.Memory.Blocks[0], 0, 1, 0, static (_, _) => 0));
        destination!.Abandon();
        to.Machine.AddBlocker("x").Dispose();
        to.Pause();
    }

    [SkippableFact]
    public void Pages_that_a_source_may_leave_out_are_zeros()
    {
        var received = Start(options: new PostcopyOptions { MayLeaveOutZeroPages = true });
        RunGuest();
        foreach (var (block, offset) in peer!.Unsent.Where(page => !from.Memory.IsZero(page.Block, page.Offset, 4096)))
            peer.Send(block, offset);
        Assert.NotEmpty(peer.Unsent);
        peer.End();
        Assert.Equal(MigrationStatus.Completed, ChannelFixture.Done(received).Status);
        Assert.Equal("SHUT 0", peer.Said.Last().ToString());
        IsWhole();
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_source_that_is_killed_and_comes_back_ten_times_also_during_recovery(bool preempt)
    {
        const int Kills = 10;
        var received = Start("unix", preempt);
        RunGuest();
        var pauses = 0;
        using (Devices())
        {
            for (var kill = 0; kill < Kills; kill++)
            {
                peer!.SendRest(seed: kill, atMost: 60);
                peer.Cut();
                Assert.Contains(" pages of sim.ram. The guest runs until it touches one", WaitUntilPaused(), StringComparison.Ordinal);
                pauses++;

                // Twice in the middle of a recovery: right after the connection, and between bitmaps and resume.
                for (var until = kill % 3; until < 2; until++)
                {
                    peer.Return(destination!.Recover(Address($"r{kill}.{until}")), preempt, until);
                    Vms.WaitFor(() => destination.Progress.Status != MigrationStatus.PostcopyPaused);
                    peer.Cut();
                    WaitUntilPaused();
                    pauses++;
                }
                peer.Return(destination!.Recover(Address($"r{kill}")), preempt);
                Vms.WaitFor(() => destination.Progress.Status == MigrationStatus.PostcopyActive);
                Assert.Null(destination.Progress.ErrorDescription);
                peer.AnswerRequests();
            }
            peer!.SendRest();
            peer.End();
            Assert.Equal(MigrationStatus.Completed, ChannelFixture.Done(received).Status);
        }
        Assert.Equal(pauses, received.Result.Progress.Postcopy!.Pauses);
        IsWhole();
    }

    [SkippableFact]
    public void Open_requests_are_said_again_after_a_recovery_and_no_others()
    {
        var received = Start("unix");
        RunGuest(answering: false);
        Vms.WaitFor(() => peer!.Requests.Count == 2);
        var open = peer!.Requests.ToHashSet();
        peer.Cut();
        WaitUntilPaused();
        peer.Return(destination!.Recover(Address("r")));
        Vms.WaitFor(() => peer.Requests.Count >= 2);
        Assert.Equal(open, peer.Requests.ToHashSet());
        peer.AnswerRequests();
        peer.SendRest();
        peer.End();
        Assert.Equal(MigrationStatus.Completed, ChannelFixture.Done(received).Status);
        IsWhole();
    }

    [SkippableFact]
    public void A_source_that_never_comes_back_is_reported()
    {
        var received = Start(options: new PostcopyOptions { RecoveryTimeout = TimeSpan.FromMilliseconds(300) });
        RunGuest();
        peer!.SendRest(atMost: 100);
        peer.Cut();
        var missing = peer.Unsent.Count();
        var error = Failure(received);
        Assert.Equal(MigrationStatus.PostcopyPaused, error.Status);
        Assert.IsType<TimeoutException>(error.InnerException);
        Assert.Contains("no source has come back within 0.3 s", error.Message, StringComparison.Ordinal);
        Assert.Equal("sim.ram", error.Result.Progress.Postcopy!.Missing.Single().Block.Name);
        Assert.Contains($"Missing are {error.Result.Progress.Postcopy.Missing.Single()}", error.Message, StringComparison.Ordinal);
        Assert.InRange(error.Result.Progress.Postcopy.Missing.Single().Pages, missing, 1024);
        destination!.Abandon();
        to.Pause();
    }

    [SkippableFact]
    public void A_source_that_comes_back_and_says_nothing_is_one_that_is_lost()
    {
        var received = Start("unix", options: new PostcopyOptions { HandshakeTimeout = TimeSpan.FromMilliseconds(200) });
        RunGuest();
        peer!.Cut();
        WaitUntilPaused();

        // Nobody comes to the first address; to the second somebody does.
        destination!.Recover(Address("nobody"));
        peer.Return(destination.Recover(Address("r1")), until: 0);
        Vms.WaitFor(() => statuses.Contains(MigrationStatus.PostcopyRecover));
        Vms.WaitFor(() => destination.Progress is { Status: MigrationStatus.PostcopyPaused, Postcopy.Pauses: 2 });
        peer.Cut();
        Complete(received);
    }

    [SkippableFact]
    public void A_dead_link_can_be_given_up()
    {
        var received = Start();
        Assert.Throws<InvalidOperationException>(() => destination!.Recover(Address("r")));
        RunGuest();
        destination!.PausePostcopy();
        Assert.Contains("it was told to pause", WaitUntilPaused(), StringComparison.Ordinal);
        peer!.Cut();
        Complete(received);
    }

    [SkippableFact]
    public void Device_state_that_cannot_be_loaded_leaves_the_guest_with_the_source()
    {
        var received = Start();
        peer!.Begin();
        peer.DiscardUnsent();
        peer.SendPackage(static package =>
        {
            package[^19] ^= 0xFF; // the footer of the last device
            return package;
        });
        var error = Failure(received);
        Assert.Equal(MigrationStatus.Failed, error.Status);
        Assert.Contains("package › ", error.Message, StringComparison.Ordinal);
        Vms.WaitFor(() => peer.HasSaid(ReturnPathMessage.Shut(1)));
        Assert.False(to.IsRunning);
        to.Memory.RegisterFaults(to.Memory.Blocks[0], 0, 4096).Dispose();
        Assert.Equal(1, to.Memory.Access(to.Memory.Blocks[0], 0, 1, 0, static (bytes, _) => bytes.Length));
    }

    [SkippableTheory]
    [InlineData("comes", true)]
    [InlineData("comes after a break", true)]
    [InlineData("never comes", false)]
    [InlineData("is left out", false)]
    public void A_device_that_waits_for_memory_while_it_is_loaded_is_served_or_let_go(string page, bool isServed)
    {
        from.Machine.Register(new MemoryDevice(from.Memory));
        to.Machine.Register(new MemoryDevice(to.Memory));
        var received = Start(options: new PostcopyOptions { RecoveryTimeout = page == "never comes" ? TimeSpan.FromMilliseconds(200) : ChannelFixture.Long });
        peer!.Begin();
        peer.DiscardUnsent();
        peer.SendPackage();

        // PONG 4 comes before PONG 3: the channel is read while the package is loaded.
        Vms.WaitFor(() => peer.HasSaid(ReturnPathMessage.Pong(4)) && peer.Requests.Count == 1);
        Assert.False(peer.HasSaid(ReturnPathMessage.Pong(3)));
        Assert.False(to.IsRunning);
        if (isServed)
        {
            if (page != "comes")
            {
                peer.Cut();
                WaitUntilPaused();
                peer.Return(destination!.Recover(Address("r")));
            }
            peer.AnswerRequests();
            peer.SendRest();
            peer.End();
            Assert.Equal(MigrationStatus.Completed, ChannelFixture.Done(received).Status);
            IsWhole();
            return;
        }

        // The guest has not run here: it is the source's.
        if (page == "never comes")
            peer.Cut();
        else
            peer.End();
        var error = Failure(received);
        Assert.Equal(MigrationStatus.Failed, error.Status);
        Assert.False(to.IsRunning);
        if (page == "is left out")
            Vms.WaitFor(() => peer.HasSaid(ReturnPathMessage.Shut(1)));
    }

    [SkippableFact]
    public async Task Cancel_is_in_time_until_the_guest_runs()
    {
        using var cancel = new CancellationTokenSource();
        var received = Start(token: cancel.Token);
        RunGuest();
        cancel.Cancel();
        peer!.SendRest();
        peer.End();
        Assert.Equal(MigrationStatus.Completed, (await received).Status);

        using var other = new SimulatedVm(Shape);
        using var early = new CancellationTokenSource();
        var (first, second) = ChannelFixture.Connect("pair");
        using var silent = new PostcopyPeer(from.Machine, first);
        var cancelled = new MigrationDestination(other.Machine, new MigrationDestinationOptions { Postcopy = PostcopyOptions.Default }).ReceiveAsync(second, null, early.Token);
        silent.Begin();
        silent.DiscardUnsent();
        early.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.WaitAsync(ChannelFixture.Long));
        Assert.False(other.IsRunning);
    }

    /// <summary>Begins to receive, and has the source connect.</summary>
    private Task<MigrationResult> Start(string kind = "pair", bool preempt = false, PostcopyOptions? options = null, CancellationToken token = default)
    {
        destination = new MigrationDestination(to.Machine, new MigrationDestinationOptions { Postcopy = (options ?? PostcopyOptions.Default) with { Preempt = preempt } });
        var watch = new Watch(progress =>
        {
            lock (statuses)
                statuses.Add(progress.Status);
        });
        if (kind == "pair")
        {
            var (near, far) = ChannelFixture.Connect(kind);
            peer = new PostcopyPeer(from.Machine, near);
            return destination.ReceiveAsync(far, watch, token);
        }
        ChannelAddress address = kind == "tcp" ? new TcpAddress("127.0.0.1", FreePort()) : Address("s");
        var received = destination.ReceiveAsync(address, watch, token);
        var connect = new ConnectOptions { Timeout = ChannelFixture.Long };
        peer = new PostcopyPeer(from.Machine, ChannelConnector.Connect(address, connect));
        if (preempt)
            peer.Preempt = ChannelConnector.Connect(address, connect);
        return received;
    }

    /// <summary>As far as a guest that runs and waits for its pages.</summary>
    private void RunGuest(bool answering = true)
    {
        peer!.Begin();
        peer.DiscardUnsent();
        peer.SendPackage();
        Vms.WaitFor(() => to.IsRunning);
        if (answering)
            peer.AnswerRequests();
    }

    private string WaitUntilPaused()
    {
        Vms.WaitFor(() => destination!.Progress.Status == MigrationStatus.PostcopyPaused);
        return destination!.Progress.ErrorDescription!;
    }

    /// <summary>From a pause to the end.</summary>
    private void Complete(Task<MigrationResult> received)
    {
        peer!.Cut();
        peer.Return(destination!.Recover(Address("last")));
        peer.AnswerRequests();
        peer.SendRest();
        peer.End();
        Assert.Equal(MigrationStatus.Completed, ChannelFixture.Done(received).Status);
        IsWhole();
    }

    private void IsWhole()
    {
        Vms.WaitFor(() => to.Count > from.Count);
        to.Pause();
        Assert.Null(to.FindDamage());

        // Beyond what the CPUs write, both sides are the same.
        var (mine, theirs) = (new byte[4096], new byte[4096]);
        for (var offset = 2L * Shape.PagesEach * 4096; offset < from.Memory.Blocks[0].UsedLength; offset += 4096)
        {
            from.Memory.Read(from.Memory.Blocks[0], offset, mine);
            to.Memory.Read(to.Memory.Blocks[0], offset, theirs);
            Assert.True(mine.AsSpan().SequenceEqual(theirs), $"0x{offset:x}");
        }
        Assert.Equal(1, to.Memory.Access(to.Memory.Blocks[0], 0, 1, 0, static (bytes, _) => bytes.Length));
    }

    internal static MigrationException Failure(Task<MigrationResult> received)
    {
        Assert.True(((IAsyncResult)received).AsyncWaitHandle.WaitOne(ChannelFixture.Long), "it hangs");
        return Assert.IsType<MigrationException>(received.Exception!.InnerException);
    }

    private UnixAddress Address(string name) => new(Path.Combine(folder, name));

    private static int FreePort()
    {
        using var probe = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        probe.Start();
        return ((System.Net.IPEndPoint)probe.LocalEndpoint).Port;
    }

    /// <summary>Two that read and write guest RAM: memory that the CPUs do not use is written with what is there.</summary>
    private BusyDevices Devices() => devices = new(to.Memory, to.Memory.Blocks[0], 2 * Shape.PagesEach);

    private sealed class Watch(Action<MigrationProgress> told) : IProgress<MigrationProgress>
    {
        public void Report(MigrationProgress value) => told(value);
    }

    private sealed class BusyDevices : IDisposable
    {
        private readonly Thread[] threads;
        private volatile bool isDone;

        public BusyDevices(GuestMemory memory, RamBlock ram, int firstPage)
        {
            threads = [.. Enumerable.Range(0, 2).Select(seed => new Thread(() =>
            {
                var random = new Random(seed);
                var word = new byte[8];
                while (!isDone)
                {
                    var offset = random.NextInt64(firstPage, ram.UsedLength / 4096) * 4096 + 8 * seed;
                    memory.Read(ram, offset, word);
                    memory.Write(ram, offset, word);
                    memory.Read(ram, random.NextInt64(ram.UsedLength / 8) * 8, word);
                    Thread.Sleep(1);
                }
            })
            {
                IsBackground = true,
            })];
            foreach (var thread in threads)
                thread.Start();
        }

        /// <summary>No more, and nobody waits for a page yet: of a test that has failed, one may until the destination is abandoned.</summary>
        public void Dispose() => isDone = true;

        public void Wait()
        {
            foreach (var thread in threads)
                thread.Join();
        }
    }

    /// <summary>A device that reads guest RAM when it is loaded, as those with rings there do.</summary>
    private sealed class MemoryDevice(GuestMemory memory) : IVmState
    {
        private readonly RawDevice state = new("ring") { Data = new byte[4] };

        public VmStateType StateType => state.StateType;

        public ReadOnlySpan<byte> Schema => default;

        public bool IsNeeded => true;

        public void Save(ref VmStateWriter writer, int version) => state.Save(ref writer, version);

        public void Load(ref VmStateReader reader, int version)
        {
            state.Load(ref reader, version);
            memory.Read(memory.Blocks[0], 0x200000, new byte[16]);
        }

        public void Describe(ref VmDescriptionWriter writer, int version) => throw new NotSupportedException();
    }
}
