using System;
using System.Diagnostics;
using System.IO;
using System.Security.Cryptography;
using System.Threading.Tasks;
using Simulated;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Migration;
using VmStateGen.Runtime.Ram;
using VmStateGen.Runtime.Tests.Channels;

namespace VmStateGen.Runtime.Tests.Migration;

/// <summary>Source and destination are processes of their own.</summary>
public sealed class TwoProcessTests
{
    /// <summary>RAM of the guests whose journeys are compared.</summary>
    internal const int MiB = 16;

    /// <summary>
    /// A guest goes to and fro between two processes, dirtying its RAM at another rate each time; each process collects garbage all the time.
    /// This one has the RAM of both mapped, and compares it after each journey, when neither guest runs.
    /// </summary>
    [Theory]
    [InlineData("unix", RamBacking.MemoryFile)]
    [InlineData("tcp", RamBacking.File)]
    public async Task Ram_is_the_same_in_both_after_each_of_many_journeys(string kind, RamBacking backing)
    {
        const int Journeys = 50;
        var folder = ChannelFixture.NewFolder();
        var random = new Random(kind.Length);
        using var memory = new GuestMemory();
        using PeerProcess first = new(), second = new();
        var (here, there) = (first, second);
        var ram = NewRam(0);
        here.Tell($"begin {random.Next(1000, 100_000)} {PathOf(ram)}");
        Assert.Equal("ready", await here.Answer());
        for (var i = 1; i <= Journeys; i++)
        {
            here.Tell("run");
            Assert.Equal("running", await here.Answer());
            var uri = kind == "unix" ? $"unix:{Path.Combine(folder, "s")}" : $"tcp:127.0.0.1:{FreePort()}";
            var next = NewRam(i);
            there.Tell($"receive {random.Next(1000, 100_000)} {PathOf(next)} {uri}");
            Assert.Equal("waiting", await there.Answer());
            here.Tell($"send {uri} {random.Next(16, 512) << 20}");
            var (sent, received) = (await here.Answer(), await there.Answer());
            Assert.StartsWith("stopped, whole, ", sent, StringComparison.Ordinal);
            Assert.Equal(sent, received);
            Assert.True(Digest(memory, ram).AsSpan().SequenceEqual(Digest(memory, next)), $"the RAM differs after journey {i}");
            memory.RemoveBlock(ram);
            (here, there, ram) = (there, here, next);
        }

        RamBlock NewRam(int journey)
        {
            var path = backing == RamBacking.File ? Path.Combine(folder, $"{journey}") : null;
            return memory.AddBlock($"{journey}", (long)MiB << 20, new RamBlockOptions { Backing = backing, Path = path, IsShared = true });
        }
    }

    [Fact]
    public async Task A_source_whose_destination_is_killed_goes_on()
    {
        var uri = $"unix:{Path.Combine(ChannelFixture.NewFolder(), "s")}";
        using var incoming = Start(["incoming", uri, "--mib", "16"]);
        await incoming.StandardOutput.ReadLineAsync().WaitAsync(ChannelFixture.Long);
        using var from = new SimulatedVm(new SimulatedOptions { MiB = 16, Rate = 100_000 });
        from.Resume();

        // So slow that it never gets to its end.
        var options = new MigrationSourceOptions { MaxBandwidth = 1 << 20, DowntimeLimit = TimeSpan.Zero };
        var source = new MigrationSource(from.Machine, options);
        var sent = source.MigrateAsync(ChannelAddress.Parse(uri));
        Vms.WaitFor(() => source.Progress.Ram.Transferred > 0 || sent.IsCompleted);
        incoming.Kill();
        var error = await Assert.ThrowsAsync<MigrationException>(() => sent.WaitAsync(ChannelFixture.Long));
        Assert.Equal(MigrationStatus.Failed, error.Status);
        Assert.True(from.IsRunning);
        from.Pause();
        Assert.Null(from.FindDamage());
    }

    [Fact]
    public async Task A_destination_whose_source_is_killed_never_runs()
    {
        var folder = ChannelFixture.NewFolder();
        using var to = new SimulatedVm(new SimulatedOptions { MiB = MiB, PagesEach = 1024 });
        var address = new UnixAddress(Path.Combine(folder, "s"));
        var destination = new MigrationDestination(to.Machine);
        var received = destination.ReceiveAsync(address);
        using (var peer = new PeerProcess())
        {
            peer.Tell($"begin 100000 {Path.Combine(folder, "ram")}");
            Assert.Equal("ready", await peer.Answer());
            peer.Tell("run");
            Assert.Equal("running", await peer.Answer());

            // So slow that it never gets to its end.
            peer.Tell($"send {address} {1 << 20}");
            Vms.WaitFor(() => destination.Progress.BytesTransferred > 100_000 || received.IsCompleted);
        }
        var error = await Assert.ThrowsAsync<MigrationException>(() => received.WaitAsync(ChannelFixture.Long));
        Assert.Equal(MigrationStatus.Failed, error.Status);
        Assert.False(to.IsRunning);
    }

    /// <summary>Under which another process can map it.</summary>
    private static string PathOf(RamBlock ram) => $"/proc/{Environment.ProcessId}/fd/{ram.File!.DangerousGetHandle()}";

    private static byte[] Digest(GuestMemory memory, RamBlock ram) => memory.Access(ram, 0, (int)ram.UsedLength, 0, static (bytes, _) => SHA256.HashData(bytes));

    private static int FreePort()
    {
        using var probe = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        probe.Start();
        return ((System.Net.IPEndPoint)probe.LocalEndpoint).Port;
    }

    private static Process Start(string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(SimulatedVm).Assembly.Location, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return Process.Start(start)!;
    }
}
