using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Migration;
using VmStateGen.Runtime.Ram;
using VmStateGen.Runtime.Tests.Channels;
using VmStateGen.Runtime.Tests.Migration;

namespace VmStateGen.Runtime.Tests.Postcopy;

/// <summary>A machine of ours goes over by postcopy, before, in the middle of, and instead of precopy, to a destination that asks at random and cuts.</summary>
public sealed class SourcePostcopyTests : IDisposable
{
    private const int Page = 4096;
    private const int Pages = 3000;

    private readonly string socket = Path.Combine(ChannelFixture.NewFolder(), "s");
    private readonly BareVm vm = new(SnapshotFixture.Machine);
    private readonly RamBlock ram;
    private readonly RamBlock rom;

    public SourcePostcopyTests()
    {
        ram = vm.Memory.AddBlock("ram", Pages * Page);
        rom = vm.Memory.AddBlock("rom", 64 * Page);

        // Pages with contents, pages that were written with zeros, and pages that nobody has touched.
        for (var page = 0; page < Pages; page++)
        {
            if (page % 3 < 2)
                vm.Memory.Fill(ram, page * Page, Page, (byte)(page % 3 == 0 ? page : 0));
        }
        vm.Memory.Fill(rom, 0, 64 * Page, 7);
        vm.Resume();
    }

    public void Dispose() => vm.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void At_once_all_that_was_touched_is_missing(bool preempt)
    {
        using var destination = new FakeDestination(socket, preempt, 1);
        var result = Migrate(destination, new PostcopySourceOptions { Start = PostcopyStart.AtOnce, Preempt = preempt });
        CheckArrived(destination);
        Assert.Equal((MigrationStatus.Completed, 0L), (result.Status, result.Progress.Ram.Normal));
        Assert.Equal(0, result.Progress.PostcopySource!.PagesLeft);
        Assert.False(vm.IsRunning);
        Assert.NotNull(result.Progress.Downtime);
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(false, 2)]
    [InlineData(true, 3)]
    public void On_request_what_precopy_has_sent_and_nobody_has_written_since_stays(bool preempt, int seed)
    {
        using var destination = new FakeDestination(socket, preempt, seed);
        using var guest = new Writer(vm, ram, seed);
        var result = Migrate(destination, new PostcopySourceOptions { Preempt = preempt }, slow: true, onProgress: (source, progress) =>
        {
            if (progress.BytesTransferred > 1 << 20 && progress.Status == MigrationStatus.Active)
                source.StartPostcopy();
        });
        CheckArrived(destination);
        Assert.NotNull(result.Progress.PostcopySource);
        Assert.True(result.Progress.Ram.Normal > 0);
    }

    [Fact]
    public void A_guest_that_dirties_faster_than_the_link_goes_over_after_its_rounds()
    {
        using var destination = new FakeDestination(socket, false, 4);
        using var guest = new Writer(vm, ram, 4);
        var result = Migrate(destination, new PostcopySourceOptions { Start = PostcopyStart.Unconverged, Rounds = 2 }, slow: true, downtimeLimit: TimeSpan.Zero);
        CheckArrived(destination);
        Assert.NotNull(result.Progress.PostcopySource);
        Assert.True(result.Progress.Ram.DirtySyncCount >= 2);
    }

    [Fact]
    public void Precopy_that_comes_to_its_end_needs_none()
    {
        using var destination = new FakeDestination(socket, false, 5);
        var result = Migrate(destination, new PostcopySourceOptions());
        Assert.Empty(destination.Wrongs);
        Assert.Empty(destination.Package);
        Assert.Null(result.Progress.PostcopySource);
        CheckArrived(destination);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Ten_cuts_in_a_row_are_recovered_from_those_during_recovery_too(bool preempt)
    {
        using var destination = new FakeDestination(socket, preempt, 6);
        foreach (var cut in (int[])[20, 40, -1, 30, -2, -3, 50, 10, 60, 20])
            destination.Cuts.Enqueue(cut);
        var paused = 0;
        var result = Migrate(destination, new PostcopySourceOptions { Start = PostcopyStart.AtOnce, Preempt = preempt }, onProgress: (source, progress) =>
        {
            if (progress.Status != MigrationStatus.PostcopyPaused)
                return;
            paused++;

            // Told in the middle of becoming paused: recovered from another thread, when it is.
            _ = Task.Run(() => Retry(() => source.Recover(new UnixAddress(socket))));
        });
        CheckArrived(destination);
        Assert.Equal((11, 10), (destination.Connections, paused));
        Assert.Equal(MigrationStatus.Completed, result.Status);
    }

    /// <summary>A page of zeros is 9 bytes. Were each taken for a page, nearly all would be asked for before they could go unasked.</summary>
    [Fact]
    public void The_limit_is_one_of_bytes_on_the_wire()
    {
        vm.Memory.Fill(ram, 0, Pages * Page, 0);
        vm.Memory.Fill(rom, 0, 64 * Page, 0);
        using var destination = new FakeDestination(socket, false, 9);
        var result = Migrate(destination, new PostcopySourceOptions { Start = PostcopyStart.AtOnce, MaxBandwidth = 64 << 10 });
        CheckArrived(destination);
        var figures = result.Progress.PostcopySource!;
        Assert.True(figures.PushedPages > figures.RequestedPages, $"{figures}");
    }

    [Fact]
    public async Task A_link_that_nobody_recovers_leaves_the_guest_stopped_and_says_what_is_missing()
    {
        using var destination = new FakeDestination(socket, false, 7);
        destination.Cuts.Enqueue(100);
        var taking = ChannelFixture.Run(destination.Run);
        var source = new MigrationSource(vm.Machine, Options(new PostcopySourceOptions { Start = PostcopyStart.AtOnce, RecoveryTimeout = TimeSpan.FromMilliseconds(50) }));
        var error = await Assert.ThrowsAsync<MigrationException>(() => source.MigrateAsync(new UnixAddress(socket)).WaitAsync(ChannelFixture.Long));
        Assert.Equal(MigrationStatus.HandedOverUnknown, error.Status);
        Assert.Contains("pages of ram", error.Message, StringComparison.Ordinal);
        Assert.False(vm.IsRunning);
        destination.Dispose();
        ChannelFixture.Fails(taking);
    }

    [Fact]
    public async Task A_link_that_is_lost_before_the_package_leaves_the_guest_here()
    {
        using var destination = new FakeDestination(socket, false, 8);
        destination.Cuts.Enqueue(100);
        var taking = ChannelFixture.Run(destination.Run);
        var source = new MigrationSource(vm.Machine, Options(new PostcopySourceOptions()));
        var error = await Assert.ThrowsAsync<MigrationException>(() => source.MigrateAsync(new UnixAddress(socket)).WaitAsync(ChannelFixture.Long));
        Assert.Equal(MigrationStatus.Failed, error.Status);
        Assert.True(vm.IsRunning);
        destination.Dispose();
        ChannelFixture.Fails(taking);
    }

    [Fact]
    public void What_was_not_allowed_or_does_not_wait_is_refused()
    {
        var source = new MigrationSource(vm.Machine);
        Assert.Throws<InvalidOperationException>(source.StartPostcopy);
        Assert.Throws<InvalidOperationException>(() => source.Recover(new UnixAddress(socket)));
    }

    private static void Retry(Action action)
    {
        var end = DateTime.UtcNow + ChannelFixture.Long;
        while (true)
        {
            try
            {
                action();
                return;
            }
            catch (InvalidOperationException) when (DateTime.UtcNow < end)
            {
                Thread.Sleep(1);
            }
        }
    }

    private static MigrationSourceOptions Options(PostcopySourceOptions postcopy) => new()
    {
        Postcopy = postcopy,
        MaxBandwidth = 0,
        Connect = new ConnectOptions { Retry = true, Timeout = ChannelFixture.Long },
    };

    private MigrationResult Migrate(
        FakeDestination destination, PostcopySourceOptions postcopy, bool slow = false, TimeSpan? downtimeLimit = null, Action<MigrationSource, MigrationProgress>? onProgress = null)
    {
        var taking = ChannelFixture.Run(destination.Run);
        var options = Options(postcopy) with { MaxBandwidth = slow ? 8 << 20 : 0 };
        var source = new MigrationSource(vm.Machine, downtimeLimit is { } limit ? options with { DowntimeLimit = limit } : options);
        var task = source.MigrateAsync(new UnixAddress(socket), new Listener(progress => onProgress?.Invoke(source, progress)));
        var result = ChannelFixture.Done(task);
        ChannelFixture.Done(taking);
        return result;
    }

    private void CheckArrived(FakeDestination destination)
    {
        Assert.Empty(destination.Wrongs);
        foreach (var block in (RamBlock[])[ram, rom])
        {
            var here = new byte[block.UsedLength];
            vm.Memory.Read(block, 0, here);
            Assert.True(here.AsSpan().SequenceEqual(destination.MemoryOf(block.Name)), block.Name);
        }
    }

    private sealed class Listener(Action<MigrationProgress> told) : IProgress<MigrationProgress>
    {
        public void Report(MigrationProgress value) => told(value);
    }

    /// <summary>A guest that writes pages at random as long as it runs.</summary>
    private sealed class Writer : IDisposable
    {
        private readonly Thread thread;
        private readonly ManualResetEventSlim stopped = new();
        private volatile bool isOver;

        public Writer(BareVm vm, RamBlock ram, int seed)
        {
            vm.OnPause = () =>
            {
                isOver = true;
                stopped.Wait();
            };
            thread = new Thread(() =>
            {
                var random = new Random(seed);
                while (!isOver)
                {
                    for (var i = 0; i < 20; i++)
                        vm.Memory.Write(ram, random.Next(Pages) * (long)Page + random.Next(Page / 8) * 8, BitConverter.GetBytes(random.NextInt64()));
                    Thread.Sleep(1);
                }
                stopped.Set();
            });
            thread.Start();
        }

        public void Dispose()
        {
            isOver = true;
            thread.Join();
        }
    }
}
