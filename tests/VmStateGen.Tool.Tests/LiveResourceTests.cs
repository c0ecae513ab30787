using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using VmStateGen.Runtime.Migration;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Tool.Tests;

/// <summary>Alone in the process: what others take at the time would be counted too.</summary>
[CollectionDefinition(nameof(LiveResourceTests), DisableParallelization = true)]
[Collection(nameof(LiveResourceTests))]
public sealed class LiveResourceTests : FolderTest
{
    private const int Touched = 256 << 20;
    private const long MostMemory = 64 << 20;
    private const string Tmpfs = """d=$1; shift; mount -t tmpfs -o size=2m tmpfs "$d" || exit 77; "$@"; code=$?; echo "left: $(ls "$d")"; exit $code""";

    private string In => $"unix:{PathOf("in")}";

    private string Out => $"unix:{PathOf("out")}";

    /// <summary>From before the command to after it; a destination's own RAM is its guest's.</summary>
    [Fact]
    public async Task A_guest_that_has_touched_its_memory_passes_in_little_more()
    {
        using LiveVm first = LiveVm.Running(Touched);
        long before = ResidentBytes();
        var receive = LiveCli.Start("receive", In, "-o", PathOf("guest"));
        await first.MigrateTo(receive.Address());
        await receive.DoneAsync();
        Assert.InRange(ResidentBytes() - before, long.MinValue, MostMemory);

        using var second = new LiveVm(Touched);
        before = ResidentBytes();
        Task<MigrationResult> received = second.ReceiveAt(Out);
        await LiveCli.Start("send", PathOf("guest"), Out, "--wait", "20").DoneAsync();
        await received;
        Assert.InRange(ResidentBytes() - before - Touched, long.MinValue, MostMemory);
        Assert.True(second.IsRunning && second.Holds(0xA5));

        using var third = new LiveVm(Touched);
        before = ResidentBytes();
        received = third.ReceiveAt(Out);
        var relay = LiveCli.Start("relay", In, Out, "--wait", "20", "--record", PathOf("record"));
        await second.MigrateTo(relay.Address());
        await received;
        await relay.DoneAsync();
        Assert.InRange(ResidentBytes() - before - Touched, long.MinValue, MostMemory);
        Assert.True(third.IsRunning && third.Holds(0xA5));
    }

    /// <summary>A file system of 2 MiB, in a mount namespace of its own.</summary>
    [SkippableFact]
    public async Task A_disk_that_is_full_leaves_the_guest_at_the_source_and_no_file()
    {
        using LiveVm vm = LiveVm.Running(8 << 20);
        using Process receive = OnSmallDisk("receive", In, "-o", Path.Combine(Disk(), "guest"));
        MigrationException e = await Assert.ThrowsAsync<MigrationException>(() => vm.MigrateTo(In));
        (int code, string said) = await EndAsync(receive);
        Assert.Equal((4, MigrationStatus.Failed), (code, e.Status));
        Assert.IsType<MigrationRefusedException>(e.InnerException);
        Assert.Contains("No space left on device", said, StringComparison.Ordinal);
        Assert.Contains("; the source was told, and no file was made", said, StringComparison.Ordinal);
        Assert.EndsWith("left: \n", said, StringComparison.Ordinal);
        Assert.True(vm.IsRunning && vm.Holds(0xA5));
    }

    [SkippableFact]
    public async Task A_disk_that_is_full_stops_a_recording_and_not_the_migration()
    {
        using LiveVm from = LiveVm.Running(8 << 20);
        using var to = new LiveVm(8 << 20);
        Task<MigrationResult> received = to.ReceiveAt(Out);
        using Process relay = OnSmallDisk("relay", In, Out, "--record", Path.Combine(Disk(), "record"));
        await from.MigrateTo(In);
        await received;
        (int code, string said) = await EndAsync(relay);
        Assert.Equal(4, code);
        Assert.Contains("all was passed on, but not recorded", said, StringComparison.Ordinal);
        Assert.EndsWith("left: \n", said, StringComparison.Ordinal);
        Assert.True(to.IsRunning && !from.IsRunning && to.Holds(0xA5));
    }

    private static long ResidentBytes()
    {
        GC.Collect();
        string line = File.ReadLines("/proc/self/status").First(text => text.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10;
    }

    private string Disk() => Directory.CreateDirectory(PathOf("disk")).FullName;

    private Process OnSmallDisk(params string[] args)
    {
        using (Process probe = Unshare(["true"]))
        {
            probe.WaitForExit();
            Skip.If(probe.ExitCode != 0, "A tmpfs in a mount namespace of one's own cannot be had here.");
        }
        return Unshare(["dotnet", typeof(Program).Assembly.Location, .. args]);
    }

    private Process Unshare(string[] command) => Process.Start(new ProcessStartInfo("unshare", ["-rm", "sh", "-c", Tmpfs, "sh", Disk(), .. command])
    {
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;

    private static async Task<(int Code, string Said)> EndAsync(Process process)
    {
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        return (process.ExitCode, await errors + await output);
    }
}
