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
    case "serve":
        await ServeStart.RunAsync(Console.Out, args.ElementAtOrDefault(1) ?? "src/VmStateGen.Tool/bin/Release/net10.0/vmstate", args.ElementAtOrDefault(2) ?? "10.0");
        return;
    default:
        BenchmarkSwitcher.FromAssembly(typeof(Ratios).Assembly).Run(args);
        return;
}
