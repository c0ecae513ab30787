using System;
using System.IO;
using System.Threading.Tasks;
using Simulated;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Migration;
using VmStateGen.Runtime.Postcopy;
using VmStateGen.Runtime.Ram;
using VmStateGen.Runtime.Streams.Qemu;
using VmStateGen.Runtime.Tests.Channels;
using VmStateGen.Runtime.Tests.Linux;
using VmStateGen.Runtime.Tests.Migration;

namespace VmStateGen.Runtime.Tests.Postcopy;

/// <summary>A guest whose memory is in a snapshot file.</summary>
public sealed class SnapshotPageSourceTests
{
    private const int Page = 4096;

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Memory_comes_from_the_file_as_it_is_touched(bool isPrefetching)
    {
        UserFaultAbiTests.SkipWithout(VmStateGen.Runtime.Linux.UserFaultFeatures.None);
        using var watchdog = new Watchdog();
        using var collector = new Collector();
        using var from = new SimulatedVm(Vms.Small);
        from.Resume();
        Vms.WaitFor(() => from.Count > 500);
        var path = Path.Combine(ChannelFixture.NewFolder(), "vm.mig");
        await new MigrationSource(from.Machine).MigrateAsync(new FileAddress(path));
        using var file = File.OpenRead(path);
        using var image = RamImage.Read(file, new QemuStreamReaderOptions { GuessBounds = false })!;

        using var memory = new GuestMemory();
        var ram = memory.AddBlock("sim.ram", Vms.Small.MiB << 20);
        using var source = new SnapshotPageSource(image);
        using var pager = new Pager(memory, [ram], source);
        pager.Start();
        source.Serve(pager, isPrefetching);
        var (mine, theirs) = (new byte[Page], new byte[Page]);
        for (var offset = ram.UsedLength - Page; offset >= 0; offset -= 2 * Page)
        {
            memory.Read(ram, offset, mine);
            from.Memory.Read(from.Memory.Blocks[0], offset, theirs);
            Assert.True(mine.AsSpan().SequenceEqual(theirs), $"0x{offset:x}");
        }
        var statistics = pager.Statistics;
        if (isPrefetching)
        {
            Assert.True(pager.WaitUntilResident(ChannelFixture.Long));
            Assert.True(pager.Statistics.Prefetched > 0);
        }
        else
        {
            Assert.Equal((ram.UsedLength / Page / 2, 0L), (statistics.Requests, statistics.Prefetched));
        }
        Assert.Null(pager.Failure);
    }

    [SkippableFact]
    public async Task A_file_without_the_block_is_named()
    {
        UserFaultAbiTests.SkipWithout(VmStateGen.Runtime.Linux.UserFaultFeatures.None);
        using var watchdog = new Watchdog();
        using var from = new SimulatedVm(Vms.Small);
        var path = Path.Combine(ChannelFixture.NewFolder(), "vm.mig");
        await new MigrationSource(from.Machine).MigrateAsync(new FileAddress(path));
        using var file = File.OpenRead(path);
        using var image = RamImage.Read(file, new QemuStreamReaderOptions { GuessBounds = false })!;
        using var memory = new GuestMemory();
        var ram = memory.AddBlock("pc.ram", 1 << 20);
        using var source = new SnapshotPageSource(image);
        using var pager = new Pager(memory, [ram], source);
        pager.Start();
        source.Serve(pager);
        Vms.WaitFor(() => pager.Failure != null);
        Assert.Contains("expected pc.ram of 0x100000 bytes in the snapshot", pager.Failure!.Message, StringComparison.Ordinal);
    }
}
