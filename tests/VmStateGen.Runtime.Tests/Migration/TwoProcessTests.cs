using System;
using System.Diagnostics;
using System.IO;
using System.Threading.Tasks;
using Simulated;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Migration;
using VmStateGen.Runtime.Tests.Channels;

namespace VmStateGen.Runtime.Tests.Migration;

/// <summary>Source and destination are processes of their own (samples/SimulatedMachine), and this one compares the RAM of both.</summary>
public sealed class TwoProcessTests
{
    [Theory]
    [InlineData("unix")]
    [InlineData("tcp")]
    public async Task Ram_is_the_same_in_both(string kind)
    {
        const int Journeys = 5;
        var folder = ChannelFixture.NewFolder();
        var random = new Random(kind.Length);
        for (var i = 0; i < Journeys; i++)
        {
            var (first, second) = (Path.Combine(folder, $"{i}a"), Path.Combine(folder, $"{i}b"));
            var uri = kind == "unix" ? $"unix:{Path.Combine(folder, "s")}" : $"tcp:127.0.0.1:{FreePort()}";
            string[] shape = ["--mib", "32", "--pages", "1024", "--rate", $"{random.Next(1000, 100_000)}", "--collect"];
            using var incoming = Start(["incoming", uri, "--memory", second, "--stay-stopped", .. shape]);
            Assert.StartsWith("waiting", await incoming.StandardOutput.ReadLineAsync().WaitAsync(ChannelFixture.Long), StringComparison.Ordinal);
            using var source = Start(["migrate", uri, "--memory", first, "--seconds", "0.3", .. shape]);
            var (sent, received) = (await End(source), await End(incoming));

            // Both end with their devices' state and what they think of their memory; neither guest runs.
            Assert.Contains("memory: whole", sent, StringComparison.Ordinal);
            Assert.Contains("memory: whole", received, StringComparison.Ordinal);
            Assert.Equal(sent[sent.IndexOf("state:", StringComparison.Ordinal)..], received[received.IndexOf("state:", StringComparison.Ordinal)..]);
            Assert.True(AreEqual(await File.ReadAllBytesAsync(first), await File.ReadAllBytesAsync(second)), "the RAM differs");
            File.Delete(first);
            File.Delete(second);
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

    private static bool AreEqual(byte[] first, byte[] second) => first.AsSpan().SequenceEqual(second);

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

    private static async Task<string> End(Process process)
    {
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(ChannelFixture.Long);
        Assert.True(process.ExitCode == 0, $"ended with {process.ExitCode}: {await errors}{await output}");
        return await output;
    }
}
