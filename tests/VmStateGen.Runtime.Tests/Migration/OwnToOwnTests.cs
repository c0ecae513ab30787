using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Simulated;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Migration;
using VmStateGen.Runtime.Ram;
using VmStateGen.Runtime.Streams.Qemu;
using VmStateGen.Runtime.Tests.Channels;

[assembly: VmStateGen.RemovedSection("old-card", typeof(VmStateGen.Runtime.Tests.Migration.OldCard))]

namespace VmStateGen.Runtime.Tests.Migration;

/// <summary>A machine of ours moves to another one of ours, in one process.</summary>
public sealed class OwnToOwnTests
{
    [Theory]
    [InlineData("unix", null)]
    [InlineData("unix", false)]
    [InlineData("tcp", true)]
    [InlineData("tcp", false)]
    public void A_running_guest_goes_on_at_the_other_end(string kind, bool? returnPath)
    {
        using var from = new SimulatedVm();
        using var to = new SimulatedVm();
        from.Resume();
        Thread.Sleep(100);
        var ends = Vms.Migrate(from.Machine, to.Machine, new MigrationSourceOptions { ReturnPath = returnPath }, kind: kind);
        Assert.Equal((MigrationStatus.Completed, MigrationStatus.Completed), (ends.Sent.Status, ends.Received.Status));
        Assert.True(to.IsRunning);
        Assert.False(from.IsRunning);
        Assert.Null(from.FindDamage());
        Vms.WaitFor(() => to.Count > from.Count);
        to.Pause();
        Assert.Null(to.FindDamage());

        var progress = ends.Sent.Progress;
        Assert.Equal(64 << 20, progress.Ram.Total);
        Assert.Equal(0, progress.Ram.Remaining);
        Assert.True(progress.Ram.DirtySyncCount >= 2, $"{progress.Ram.DirtySyncCount} dirty syncs");
        Assert.Equal(progress.Ram.Transferred, progress.Ram.PrecopyBytes + progress.Ram.DowntimeBytes);
        Assert.Equal(progress.BytesTransferred, ends.Received.Progress.BytesTransferred);
        Assert.True(progress.Downtime > TimeSpan.Zero);
        string[] sections = ["ram", "sim-cpu", "sim-cpu#1", "timer-card", "0000:00:01.0/console"];
        Assert.Equal(sections, ends.Sent.Sections.Select(section => section.Section));
        Assert.Equal(sections, ends.Received.Sections.Select(section => section.Section));
        Assert.Equal([8, 8], ends.Sent.Sections.Skip(1).Take(2).Select(section => section.Bytes));
    }

    [Fact]
    public void A_paused_guest_moves_too_and_is_never_started_at_the_source()
    {
        using var from = new SimulatedVm(Vms.Small);
        using var to = new SimulatedVm(Vms.Small);
        from.Resume();
        Vms.WaitFor(() => from.Count > 200);
        from.Pause();
        var ends = Vms.Migrate(from.Machine, to.Machine, destinationOptions: new MigrationDestinationOptions { ShouldStart = () => false });
        Assert.Equal(MigrationStatus.Completed, ends.Sent.Status);
        Assert.Null(ends.Sent.Progress.Downtime);
        Assert.False(to.IsRunning);
        Assert.Equal(from.DeviceState, to.DeviceState);
        Assert.Null(to.FindDamage());
    }

    [Fact]
    public void Memory_that_nobody_has_touched_is_neither_read_nor_written()
    {
        using var from = new BareVm();
        using var to = new BareVm();
        var a = from.Memory.AddBlock("a", 64 << 20, new RamBlockOptions { UseTransparentHugePages = false });
        var b = to.Memory.AddBlock("a", 64 << 20, new RamBlockOptions { UseTransparentHugePages = false });
        from.Memory.Write(a, 5 << 20, [1, 2, 3]);
        from.Memory.Write(a, 6 << 20, [0]);
        to.Memory.Write(b, 9 << 20, [9]); // what is there goes
        Vms.Migrate(from.Machine, to.Machine).Complete();
        Assert.Equal(2, from.Memory.FindTouched(a).Count());
        Assert.Equal(2, to.Memory.FindTouched(b).Count());
        Assert.True(to.Memory.IsZero(b, 9 << 20, 4096));
        var bytes = new byte[3];
        to.Memory.Read(b, 5 << 20, bytes);
        Assert.Equal([1, 2, 3], bytes);
    }

    [Fact]
    public void What_is_written_after_the_first_round_comes_even_where_nothing_was_before()
    {
        using var from = new BareVm();
        using var to = new BareVm();
        var a = from.Memory.AddBlock("a", 16 << 20);
        var b = to.Memory.AddBlock("a", 16 << 20);
        from.Resume();
        from.OnPause = () => from.Memory.Write(a, 7 << 20, [7]);
        var ends = Vms.Migrate(from.Machine, to.Machine);
        Assert.Equal(MigrationStatus.Completed, ends.Sent.Status);
        Assert.False(to.Memory.IsZero(b, 7 << 20, 4096));
    }

    [Fact]
    public void What_fits_into_a_downtime_goes_before_the_guest_is_stopped()
    {
        using var from = new BareVm();
        using var to = new BareVm();
        foreach (var vm in new[] { from, to })
            vm.Memory.AddBlock("ram", 8 << 20);
        from.Memory.Fill(from.Memory.Blocks[0], 0, 8 << 20, 1);
        from.Resume();
        long left = -1;
        from.OnPause = () => left = from.Machine.Ram.Traffic.Remaining;
        var ends = Vms.Migrate(from.Machine, to.Machine, new MigrationSourceOptions { MaxBandwidth = 8 << 20, DowntimeLimit = TimeSpan.FromSeconds(1) });
        ends.Complete();
        Assert.Equal(SwitchReason.Fits, ends.Sent.Progress.SwitchReason);
        Assert.Equal(0, left);
    }

    [Fact]
    public async Task The_stream_is_one_that_the_reader_of_files_takes()
    {
        using var from = new SimulatedVm(Vms.Small);
        from.Resume();
        Vms.WaitFor(() => from.Count > 200);
        var path = Path.Combine(ChannelFixture.NewFolder(), "vm.mig");
        await new MigrationSource(from.Machine).MigrateAsync(new FileAddress(path));
        using var file = File.OpenRead(path);
        var reader = new QemuStreamReader(file, new QemuStreamReaderOptions { GuessBounds = false });
        while (reader.Read())
        {
        }
        Assert.Equal("simulated-1.0", reader.Configuration!.MachineType);
        Assert.Equal(["sim-cpu", "timer-card", "0000:00:01.0/console"], reader.Description!.Devices.Select(device => device.Name));
        Assert.Equal(QemuElementKind.Trailer, reader.Current.Kind);

        // And it loads.
        using var to = new SimulatedVm(Vms.Small);
        var result = await new MigrationDestination(to.Machine, new MigrationDestinationOptions { ShouldStart = () => false }).ReceiveAsync(new FileAddress(path));
        Assert.Equal(MigrationStatus.Completed, result.Status);
        Assert.Equal(from.DeviceState, to.DeviceState);
        Assert.Null(to.FindDamage());
    }

    [Fact]
    public void Shared_blocks_stay_where_they_are()
    {
        var features = new MigrationFeatures { IgnoreShared = true };
        var path = Path.Combine(ChannelFixture.NewFolder(), "ram");
        using var from = new BareVm();
        using var to = new BareVm();
        foreach (var vm in new[] { from, to })
        {
            vm.Memory.MapBlock(0x1000, vm.Memory.AddBlock("shared", 1 << 20, new RamBlockOptions { Backing = RamBacking.File, Path = path, IsShared = true }));
            vm.Memory.AddBlock("own", 1 << 20);
        }
        from.Memory.Write(from.Memory.FindBlock("shared")!, 0, [1]);
        from.Memory.Write(from.Memory.FindBlock("own")!, 0, [2]);
        var ends = Vms.Migrate(from.Machine, to.Machine, new MigrationSourceOptions { Features = features }, new MigrationDestinationOptions { Features = features });
        var progress = ends.Sent.Progress.Ram;
        Assert.Equal((2 << 20, 1L, 255L), (progress.Total, progress.Normal, progress.Duplicate));
        Assert.False(to.Memory.IsZero(to.Memory.FindBlock("own")!, 0, 4096));

        // One side alone is refused, by name.
        using var third = new BareVm();
        third.Memory.AddBlock("own", 1 << 20);
        ends = Vms.Migrate(from.Machine, third.Machine, new MigrationSourceOptions { Features = features });
        Assert.Contains("expected capabilities: none, found x-ignore-shared", ends.DestinationError.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_block_that_can_grow_has_the_length_of_the_source()
    {
        using var from = new BareVm();
        using var to = new BareVm();
        from.Memory.AddBlock("tables", 0x20000);
        to.Memory.AddBlock("tables", 0x10000, new RamBlockOptions { MaxLength = 0x40000 });
        Vms.Migrate(from.Machine, to.Machine).Complete();
        Assert.Equal(0x20000, to.Memory.FindBlock("tables")!.UsedLength);
    }

    [Theory]
    [InlineData("type", "expected machine type bare-1, found bare-2")]
    [InlineData("block", "other: expected a block that this machine has, found another")]
    [InlineData("missing", "mine: expected all blocks of this machine, found not this one")]
    [InlineData("length", "expected 0x100000 bytes, found 0x200000")]
    [InlineData("section", "expected a section that this machine has, found dev, instance 0")]
    [InlineData("version", "expected version 1 at most, found version 2")]
    [InlineData("pages", "expected pages of 4096 bytes (2^12), found pages of 16384")]
    public void Another_machine_is_refused_and_the_guest_goes_on_at_the_source(string difference, string expected)
    {
        using var from = new BareVm(difference == "type" ? "bare-2" : "bare-1", difference == "pages" ? 16384 : 4096);
        using var to = new BareVm();
        from.Memory.AddBlock("ram", difference == "length" ? 2 << 20 : 1 << 20);
        to.Memory.AddBlock("ram", 1 << 20);
        if (difference == "block")
            from.Memory.AddBlock("other", 1 << 20);
        if (difference == "missing")
            to.Memory.AddBlock("mine", 1 << 20);
        if (difference is "section" or "version")
            from.Machine.Register(new RawDevice("dev", difference == "version" ? 2 : 1));
        if (difference == "version")
            to.Machine.Register(new RawDevice("dev"));
        from.Resume();
        var ends = Vms.Migrate(from.Machine, to.Machine, Vms.Hasty);
        Assert.Contains(expected, ends.DestinationError.Message, StringComparison.Ordinal);
        Assert.Equal((MigrationStatus.Failed, MigrationStatus.Failed), (ends.SourceError.Status, ends.DestinationError.Status));
        Assert.True(from.IsRunning);
        Assert.False(to.IsRunning);

        // Before the return path is open, all that the source can know is that the link is gone.
        if (difference is not ("type" or "pages"))
            Assert.IsType<MigrationRefusedException>(ends.SourceError.InnerException);
    }

    [Fact]
    public void A_removed_section_is_read_and_thrown_away()
    {
        using var from = new BareVm();
        using var to = new BareVm();
        from.Machine.Register(new RawDevice("gone") { Data = [1, 2, 3] }, new RegistrationOptions { Path = "0:1" });
        from.Machine.Register(new RawDevice("last") { Data = [4] });
        var last = new RawDevice("last") { Data = new byte[1] };
        to.Machine.AcceptRemovedSection("gone", () => new RawDevice("gone") { Data = new byte[3] });
        to.Machine.Register(last);
        Vms.Migrate(from.Machine, to.Machine).Complete();
        Assert.Equal([4], last.Data);
    }

    [Fact]
    public void An_assembly_names_the_sections_that_it_has_no_more()
    {
        using var from = new BareVm();
        using var to = new BareVm();
        from.Machine.Register(new RawDevice("old-card") { Data = [1, 2, 3, 4] });
        to.Machine.AcceptRemovedSections(typeof(OldCard).Assembly);
        Vms.Migrate(from.Machine, to.Machine).Complete();

        using var other = new BareVm();
        Assert.Contains("a section that this machine has", Vms.Migrate(from.Machine, other.Machine, Vms.Hasty).DestinationError.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_section_that_is_not_needed_is_not_sent()
    {
        using var from = new BareVm();
        using var to = new BareVm();
        from.Machine.Register(new RawDevice("idle") { IsNeeded = false });
        var ends = Vms.Migrate(from.Machine, to.Machine);
        Assert.Empty(ends.Sent.Sections);
        Assert.Equal(MigrationStatus.Completed, ends.Received.Status);
    }

    [Fact]
    public void Rounds_have_an_end_where_one_is_set()
    {
        using var from = new SimulatedVm(Vms.Small with { Rate = 200_000 });
        using var to = new SimulatedVm(Vms.Small);
        from.Resume();
        var ends = Vms.Migrate(from.Machine, to.Machine, new MigrationSourceOptions { MaxRounds = 5, DowntimeLimit = TimeSpan.Zero, MaxBandwidth = 4 << 20 });
        Assert.InRange(ends.Sent.Progress.Ram.DirtySyncCount, 2, 6);
        to.Pause();
        Assert.Null(to.FindDamage());
    }

    [Fact]
    public void Bandwidth_is_limited_while_the_guest_runs()
    {
        using var from = new BareVm();
        using var to = new BareVm();
        var block = from.Memory.AddBlock("a", 4 << 20);
        to.Memory.AddBlock("a", 4 << 20);
        from.Memory.Fill(block, 0, 4 << 20, 1);
        from.Resume();
        var ends = Vms.Migrate(from.Machine, to.Machine, new MigrationSourceOptions { MaxBandwidth = 8 << 20, DowntimeLimit = TimeSpan.Zero });
        Assert.InRange(ends.Sent.Progress.TotalTime.TotalSeconds, 0.3, 30);
    }

    [Fact]
    public async Task Before_the_switchover_the_source_waits_to_be_told()
    {
        using var from = new SimulatedVm(Vms.Small);
        using var to = new SimulatedVm(Vms.Small);
        from.Resume();
        var (first, second) = ChannelFixture.Connect("pair");
        var source = new MigrationSource(from.Machine, Vms.Hasty with { PauseBeforeSwitchover = true });
        Assert.Throws<InvalidOperationException>(source.Continue);
        var received = new MigrationDestination(to.Machine).ReceiveAsync(second);
        var seen = new ConcurrentQueue<MigrationStatus>();
        var sent = source.MigrateAsync(first, new Listener(progress => seen.Enqueue(progress.Status)));
        Vms.WaitFor(() => source.Progress.Status == MigrationStatus.PreSwitchover);
        Assert.False(from.IsRunning);
        Assert.False(to.IsRunning);
        source.Continue();
        await sent;
        await received;
        Assert.Equal(
            [MigrationStatus.Setup, MigrationStatus.Active, MigrationStatus.PreSwitchover, MigrationStatus.Device, MigrationStatus.Completed],
            seen.Distinct());
    }

    [Theory]
    [InlineData(MigrationStage.SourceSetup)]
    [InlineData(MigrationStage.SourceSwitchover)]
    [InlineData(MigrationStage.DestinationSetup)]
    [InlineData(MigrationStage.DestinationLoaded)]
    public void Whoever_refuses_leaves_the_guest_at_the_source(MigrationStage stage)
    {
        using var from = new SimulatedVm(Vms.Small);
        using var to = new SimulatedVm(Vms.Small);
        var seen = new List<MigrationStage>();
        foreach (var vm in new[] { from, to })
        {
            vm.Machine.AddNotifier(notice =>
            {
                lock (seen)
                    seen.Add(notice.Stage);
                if (notice.Stage == stage)
                    throw new InvalidOperationException("not now");
            });
        }
        from.Resume();
        var ends = Vms.Migrate(from.Machine, to.Machine, Vms.Hasty);
        var refused = stage < MigrationStage.DestinationSetup ? ends.SourceError : ends.DestinationError;
        Assert.Contains($"refused at {stage}: not now", refused.Message, StringComparison.Ordinal);
        Assert.True(from.IsRunning);
        Assert.False(to.IsRunning);
        Assert.Contains(MigrationStage.SourceFailed, seen);
        Assert.Contains(MigrationStage.DestinationFailed, seen);
        Assert.DoesNotContain(MigrationStage.SourceCompleted, seen);
    }

    [Theory]
    [InlineData(MigrationStatus.Setup)]
    [InlineData(MigrationStatus.Active)]
    [InlineData(MigrationStatus.PreSwitchover)]
    [InlineData(MigrationStatus.Device)]
    public void A_cancel_in_time_leaves_the_guest_at_the_source(MigrationStatus when)
    {
        using var from = new SimulatedVm(Vms.Small);
        using var to = new SimulatedVm(Vms.Small);
        from.Resume();
        var (first, second) = ChannelFixture.Connect("pair");
        var options = Vms.Hasty with { PauseBeforeSwitchover = when == MigrationStatus.PreSwitchover };
        if (when == MigrationStatus.Active)
            options = options with { MaxBandwidth = 100_000, DowntimeLimit = TimeSpan.Zero };
        var source = new MigrationSource(from.Machine, options);
        var isCancelled = false;
        var received = new MigrationDestination(to.Machine).ReceiveAsync(second);
        var sent = source.MigrateAsync(first, new Listener(progress =>
        {
            if (progress.Status == when && !isCancelled)
                isCancelled = source.Cancel();
        }));
        var ends = Vms.Wait(new Ends(sent, received));
        Assert.True(sent.IsCanceled, $"{sent.Status} {sent.Exception}");
        Assert.True(ends.Destination.IsFaulted);
        Assert.Equal(MigrationStatus.Cancelled, source.Progress.Status);
        Assert.True(from.IsRunning);
        Assert.False(to.IsRunning);

        // And it can be tried again.
        using var other = new SimulatedVm(Vms.Small);
        Assert.Equal(MigrationStatus.Completed, Vms.Migrate(from.Machine, other.Machine).Sent.Status);
        other.Pause();
        Assert.Null(other.FindDamage());
        Assert.False(source.Cancel());
    }

    [Fact]
    public async Task A_source_that_finds_nobody_says_so()
    {
        using var from = new SimulatedVm(Vms.Small);
        from.Resume();
        var address = new UnixAddress(Path.Combine(ChannelFixture.NewFolder(), "nobody"));
        var error = await Assert.ThrowsAsync<MigrationException>(() => new MigrationSource(from.Machine).MigrateAsync(address));
        Assert.Contains("there is no such socket", error.Message, StringComparison.Ordinal);
        Assert.True(from.IsRunning);
    }

    [Fact]
    public async Task A_destination_that_waits_can_be_told_to_give_up()
    {
        using var to = new SimulatedVm(Vms.Small);
        using var stop = new CancellationTokenSource();
        var received = new MigrationDestination(to.Machine).ReceiveAsync(new TcpAddress("127.0.0.1", 0), token: stop.Token);
        stop.CancelAfter(50);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => received.WaitAsync(ChannelFixture.Long));
    }

    private sealed class Listener(Action<MigrationProgress> action) : IProgress<MigrationProgress>
    {
        public void Report(MigrationProgress value) => action(value);
    }
}
