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
    default:
        BenchmarkSwitcher.FromAssembly(typeof(Ratios).Assembly).Run(args);
        return;
}
