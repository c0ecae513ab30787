using System;
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
    case "faults":
        FaultLatency.Run(Console.Out);
        return;
    case "faults-ours":
        Console.WriteLine(FaultLatency.Touch().ToString(System.Globalization.CultureInfo.InvariantCulture));
        return;
    default:
        BenchmarkSwitcher.FromAssembly(typeof(Ratios).Assembly).Run(args);
        return;
}
