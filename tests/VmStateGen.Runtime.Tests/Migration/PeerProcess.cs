using System;
using System.Diagnostics;
using System.Globalization;
using System.Threading;
using System.Threading.Tasks;
using Simulated;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Migration;
using VmStateGen.Runtime.Tests.Channels;

namespace VmStateGen.Runtime.Tests.Migration;

/// <summary>
/// One end of migrations in a process of its own that lives for many of them, with the collector running all the time: this assembly, started
/// as a program, which does what lines of its standard input tell it. The other half of the class is the test's hand on it.
/// </summary>
internal sealed class PeerProcess : IDisposable
{
    private readonly Process process;

    public PeerProcess()
    {
        var start = new ProcessStartInfo("dotnet", [typeof(PeerProcess).Assembly.Location])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        process = Process.Start(start)!;
    }

    /// <summary>As a program; xunit does not come here.</summary>
    public static int Main()
    {
        new Thread(Collect) { IsBackground = true }.Start();
        SimulatedVm? vm = null;
        try
        {
            while (Console.ReadLine()?.Split(' ') is [var verb, .. var words])
            {
                switch (verb)
                {
                    case "begin":
                    case "receive":
                        vm?.Dispose();
                        vm = new SimulatedVm(new SimulatedOptions
                        {
                            MiB = TwoProcessTests.MiB,
                            PagesEach = 1024,
                            Rate = int.Parse(words[0], CultureInfo.InvariantCulture),
                            MemoryFile = words[1],
                        });
                        Console.WriteLine(verb == "begin" ? "ready" : Receive(vm, ChannelAddress.Parse(words[2])));
                        break;
                    case "run":
                        vm!.Resume();
                        Console.WriteLine("running");
                        break;
                    case "send":
                        var options = new MigrationSourceOptions { MaxBandwidth = long.Parse(words[1], CultureInfo.InvariantCulture), MaxRounds = 20 };
                        new MigrationSource(vm!.Machine, options).MigrateAsync(ChannelAddress.Parse(words[0])).GetAwaiter().GetResult();
                        Console.WriteLine(State(vm));
                        break;
                }
            }
            return 0;
        }
        catch (Exception e)
        {
            Console.Error.WriteLine(e);
            return 1;
        }
    }

    /// <summary>Tells it something. It answers with a line.</summary>
    public void Tell(string line)
    {
        process.StandardInput.WriteLine(line);
        process.StandardInput.Flush();
    }

    /// <summary>Its next line.</summary>
    public async Task<string> Answer()
    {
        var line = await process.StandardOutput.ReadLineAsync().WaitAsync(ChannelFixture.Long);
        Assert.True(line != null, $"it has ended: {(line is null ? await process.StandardError.ReadToEndAsync() : "")}");
        return line!;
    }

    public void Dispose()
    {
        process.Kill();
        process.Dispose();
    }

    private static string Receive(SimulatedVm vm, ChannelAddress address)
    {
        var coming = new MigrationDestination(vm.Machine, new MigrationDestinationOptions { ShouldStart = static () => false }).ReceiveAsync(address);
        Console.WriteLine("waiting");
        coming.GetAwaiter().GetResult();
        return State(vm);
    }

    private static string State(SimulatedVm vm) => $"{(vm.IsRunning ? "runs" : "stopped")}, {vm.FindDamage() ?? "whole"}, {vm.DeviceState}";

    private static void Collect()
    {
        while (true)
        {
            GC.Collect();
            Thread.Sleep(1); // without a pause it starves those who wait for the end of a collection
        }
    }
}
