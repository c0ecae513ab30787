using System;
using System.Globalization;
using System.Linq;
using BenchmarkDotNet.Running;
using VmStateGen.Benchmarks;

switch (args.FirstOrDefault())
{
    case "ratios":
        Ratios.Run(Console.Out);
        return;
    case "generator":
        GeneratorCost.Run(Console.Out);
        return;
    case "compatibility":
        CompatibilityCost.Run(Console.Out);
        return;
    case "ram":
        RamKernels.Run(Console.Out);
        return;
    case "migration":
        await MigrationCost.Throughput(Console.Out, args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 2048, args.Length > 2 ? args[2] : "unix");
        return;
    case "migration-destination":
        await MigrationCost.Receive(args[1], long.Parse(args[2], CultureInfo.InvariantCulture));
        return;
    case "downtime":
        Downtimes.Run(Console.Out, args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 100);
        return;
    case "histories":
        HistoryRecorder.Run(Console.Out, args.ElementAtOrDefault(1) ?? "tests/VmStateGen.Runtime.Tests/Migration/Histories");
        return;
    case "xbzrle":
        await XbzrleConvergence.RunAsync(Console.Out, "10.0");
        return;
    case "gap":
        await SwitchoverGap.RunAsync(
            Console.Out, "10.0", Number(1, 11), Number(2, 200) * 1_000_000L, Number(3, 100));
        return;
    case "gap-source":
        await SwitchoverGap.SourceAsync(args[1], args[2], args[3], long.Parse(args[4], CultureInfo.InvariantCulture), Number(5, 0));
        return;
    case "gap-destination":
        await SwitchoverGap.DestinationAsync(args[1], args[2], args[3]);
        return;
    case "faults":
        FaultLatency.Run(Console.Out);
        return;
    case "faults-ours":
        Console.WriteLine(FaultLatency.Touch().ToString(CultureInfo.InvariantCulture));
        return;
    case "serve":
        await ServeStart.RunAsync(Console.Out, args.ElementAtOrDefault(1) ?? "src/VmStateGen.Tool/bin/Release/net10.0/vmstate", args.ElementAtOrDefault(2) ?? "10.0");
        return;
    case "postcopy-latency":
        await PostcopyLatency.RunAsync(
            Console.Out, args.ElementAtOrDefault(1) ?? "src/VmStateGen.Tool/bin/Release/net10.0/vmstate", args.ElementAtOrDefault(2) ?? "10.0", args.Length > 3 ? int.Parse(args[3], CultureInfo.InvariantCulture) : 7);
        return;
    default:
        BenchmarkSwitcher.FromAssembly(typeof(Ratios).Assembly).Run(args);
        return;
}

int Number(int index, int otherwise) => args.Length > index ? int.Parse(args[index], CultureInfo.InvariantCulture) : otherwise;
