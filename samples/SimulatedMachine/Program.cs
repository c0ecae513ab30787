using System;
using System.Globalization;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Simulated;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Migration;

const string Usage = """
    SimulatedMachine run
    SimulatedMachine migrate URI      runs, then migrates to URI
    SimulatedMachine incoming URI     waits at URI for a migration, runs what comes, and checks its memory

      --mib N         guest RAM (64)                --cpus N     vCPU threads (2)
      --pages N       pages each CPU writes (2048)  --rate N     pages a second each CPU writes (20000)
      --seconds N     how long to run (1)           --memory F   a file that is the RAM
      --bandwidth N   MiB a second for the migration, 0 for no limit (128)
      --stay-stopped  do not start what comes in    --collect    collect garbage all the time
    URI: tcp:HOST:PORT, unix:PATH, file:PATH, exec:COMMAND, fd:N
    """;

var options = new SimulatedOptions();
var seconds = 1.0;
var migration = MigrationSourceOptions.Default;
var isStaying = false;
var isCollecting = false;
string? command = null, uri = null;
try
{
    for (var i = 0; i < args.Length; i++)
    {
        int Number() => int.Parse(args[++i], CultureInfo.InvariantCulture);
        switch (args[i])
        {
            case "--mib": options = options with { MiB = Number() }; break;
            case "--cpus": options = options with { Cpus = Number() }; break;
            case "--pages": options = options with { PagesEach = Number() }; break;
            case "--rate": options = options with { Rate = Number() }; break;
            case "--memory": options = options with { MemoryFile = args[++i] }; break;
            case "--seconds": seconds = double.Parse(args[++i], CultureInfo.InvariantCulture); break;
            case "--bandwidth": migration = migration with { MaxBandwidth = (long)Number() << 20 }; break;
            case "--stay-stopped": isStaying = true; break;
            case "--collect": isCollecting = true; break;
            default:
                if (command is null)
                    command = args[i];
                else
                    uri = args[i];
                break;
        }
    }
}
catch (Exception e) when (e is FormatException or IndexOutOfRangeException or OverflowException)
{
    command = null;
}
if (command is not ("run" or "migrate" or "incoming") || command == "run" != uri is null || !(uri is null || ChannelAddress.TryParse(uri, out _)))
{
    Console.Error.WriteLine(Usage);
    return 2;
}

if (isCollecting)
    new Thread(Collect) { IsBackground = true }.Start();
using var vm = new SimulatedVm(options);
try
{
    if (command == "incoming")
    {
        var destination = new MigrationDestination(vm.Machine, new MigrationDestinationOptions { ShouldStart = () => !isStaying });
        var coming = destination.ReceiveAsync(ChannelAddress.Parse(uri!));
        Console.WriteLine($"waiting at {uri}");
        Report(await coming);
        if (isStaying)
            return Check();
    }
    else
    {
        vm.Resume();
    }
    var before = vm.Count;
    await Task.Delay(TimeSpan.FromSeconds(seconds));
    Console.WriteLine($"the guest wrote {vm.Count - before} pages in {seconds} s");
    if (command == "migrate")
    {
        Report(await new MigrationSource(vm.Machine, migration).MigrateAsync(ChannelAddress.Parse(uri!)));
        return Check();
    }
    vm.Pause();
    return Check();
}
catch (MigrationException e)
{
    Console.Error.WriteLine(e.Message);
    return 4;
}
catch (IOException e)
{
    Console.Error.WriteLine(e.Message);
    return 3;
}

int Check()
{
    var damage = vm.FindDamage();
    Console.WriteLine($"state: {vm.DeviceState}");
    Console.WriteLine(damage is null ? "memory: whole" : $"memory: {damage}");
    return damage is null ? 0 : 1;
}

static void Report(MigrationResult result)
{
    var progress = result.Progress;
    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{progress.Status.ToQemuName()}: {progress.BytesTransferred} bytes, {progress.Ram.Normal} pages, {progress.Ram.Duplicate} of zeros, {progress.Ram.DirtySyncCount} rounds, {progress.TotalTime.TotalMilliseconds:0} ms, downtime {progress.Downtime?.TotalMilliseconds:0.0} ms"));
}

static void Collect()
{
    while (true)
    {
        GC.Collect();
        Thread.Sleep(1); // a collector that never pauses starves those who wait for it
    }
}
