using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using VmStateGen.Generator;

namespace VmStateGen.Benchmarks;

/// <summary>What the generator costs a build: 1,000 types of 50 fields, cold, and again after an edit.</summary>
internal static class GeneratorCost
{
    private const int Types = 1000;
    private const int Fields = 50;

    public static void Run(TextWriter output)
    {
        var options = new CSharpParseOptions(LanguageVersion.Latest);
        CSharpCompilation compilation = CSharpCompilation.Create(
            "Many",
            Enumerable.Range(0, Types).Select(i => CSharpSyntaxTree.ParseText(Source(i, ""), options, path: $"Type{i}.cs")),
            ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Append(typeof(VmState).Assembly.Location).Distinct()
                .Select(path => MetadataReference.CreateFromFile(path)),
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary));
        // A compiler has bound its references before it runs a generator.
        compilation.GetTypeByMetadataName("VmStateGen.VmStateAttribute");
        GeneratorDriver driver = CSharpGeneratorDriver.Create([new VmStateGenerator().AsSourceGenerator()], parseOptions: options);

        TimeSpan before = Environment.CpuUsage.TotalTime;
        (driver, TimeSpan cold) = Timed(() => driver.RunGenerators(compilation));
        TimeSpan processor = Environment.CpuUsage.TotalTime - before;
        int generated = driver.GetRunResult().Results.Single().GeneratedSources.Length;
        output.WriteLine($"cold: {generated} of {Types} types of {Fields} fields in {cold.TotalSeconds:F2} s ({processor.TotalSeconds:F2} s of both processors, the JIT's included)");

        (driver, TimeSpan unrelated) = Timed(() => driver.RunGenerators(compilation.AddSyntaxTrees(CSharpSyntaxTree.ParseText("class Unrelated;", options))));
        output.WriteLine($"after an unrelated edit: {unrelated.TotalMilliseconds:F0} ms");

        SyntaxTree tree = compilation.SyntaxTrees[0];
        (_, TimeSpan edit) = Timed(() => driver.RunGenerators(compilation.ReplaceSyntaxTree(
            tree, tree.WithChangedText(Microsoft.CodeAnalysis.Text.SourceText.From(Source(0, "[Field] private ulong added;"))))));
        output.WriteLine($"after a field was added to one type: {edit.TotalMilliseconds:F0} ms");
    }

    private static (GeneratorDriver Driver, TimeSpan Elapsed) Timed(Func<GeneratorDriver> run)
    {
        long start = Stopwatch.GetTimestamp();
        GeneratorDriver driver = run();
        return (driver, Stopwatch.GetElapsedTime(start));
    }

    private static string Source(int type, string more)
    {
        string[] types = ["byte", "ushort", "uint", "ulong", "bool"];
        var text = new StringBuilder($"using VmStateGen; namespace Many{type % 20} {{ [VmState(\"type{type}\", Version = 2)] public partial class Type{type} {{ ");
        for (int i = 0; i < Fields; i++)
            text.Append($"[Field{(i == Fields - 1 ? "(Version = 2, Default = 0)" : "")}] private {(i == Fields - 1 ? "uint" : types[i % types.Length])} field{i}; ");
        return text.Append(more).Append(" } }").ToString();
    }
}
