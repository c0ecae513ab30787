using System;
using System.Collections.Immutable;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;
using VmStateGen.Analyzers;
using VmStateGen.Schema;

namespace VmStateGen.Benchmarks;

/// <summary>What comparing with baselines costs a build: 1,000 devices against 5 releases, cold, and again after an edit.</summary>
internal static class CompatibilityCost
{
    private const int Types = 1000;
    private const int Fields = 20;
    private const int Releases = 5;

    public static void Run(TextWriter output)
    {
        var options = new CSharpParseOptions(LanguageVersion.Latest);
        CSharpCompilation compilation = CSharpCompilation.Create(
            "Many",
            Enumerable.Range(0, Types).Select(i => CSharpSyntaxTree.ParseText(Source(i, ""), options, path: $"Type{i}.cs")),
            ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Append(typeof(VmState).Assembly.Location).Distinct()
                .Select(path => MetadataReference.CreateFromFile(path)),
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary));
        string text = SchemaWriter.Write(CurrentSchema.Build(compilation, CancellationToken.None).Schemas);
        ImmutableArray<AdditionalText> files = [.. Enumerable.Range(1, Releases).Select(release => (AdditionalText)new Baseline(
            release == Releases ? BaselineSet.ShippedName : BaselineSet.NameOf($"1.{release}"), $"{SchemaWriter.Header}\n#release 1.{release}\n{text}"))];
        // The compiler is warm by the time analyzers run; our own code is not.
        compilation.GetDiagnostics();

        long start = Stopwatch.GetTimestamp();
        CurrentSchema current = CurrentSchema.Build(compilation, CancellationToken.None);
        TimeSpan parsed = Stopwatch.GetElapsedTime(start);
        BaselineSet read = BaselineFiles.Load(files, CancellationToken.None);
        TimeSpan loaded = Stopwatch.GetElapsedTime(start) - parsed;
        int differences = read.Check(current.Schemas).Findings.Count;
        output.WriteLine($"types {parsed.TotalSeconds:F2} s, files {loaded.TotalSeconds:F2} s, engine {(Stopwatch.GetElapsedTime(start) - parsed - loaded).TotalSeconds:F2} s, {differences} differences");
        Measure("cold", compilation);
        Measure("again", compilation);
        SyntaxTree tree = compilation.SyntaxTrees[0];
        Measure("after a field was added to one type", compilation.ReplaceSyntaxTree(tree, tree.WithChangedText(SourceText.From(Source(0, "[Field] private ulong added;")))));

        void Measure(string what, CSharpCompilation measured)
        {
            TimeSpan without = Time(measured, ImmutableArray<AdditionalText>.Empty, out _);
            TimeSpan with = Time(measured, files, out int found);
            output.WriteLine($"{what}: {Types} devices of {Fields} fields, {Releases} baselines: {with.TotalSeconds:F2} s, {(with - without).TotalSeconds:F2} s of it by baselines ({found} found)");
        }
    }

    private static TimeSpan Time(CSharpCompilation compilation, ImmutableArray<AdditionalText> files, out int found)
    {
        // A compilation of its own: symbols that are bound already would cost nothing.
        Compilation fresh = compilation.Clone();
        fresh.GetDiagnostics();
        long start = Stopwatch.GetTimestamp();
        found = fresh.WithAnalyzers([new CompatibilityAnalyzer()], new AnalyzerOptions(files)).GetAnalyzerDiagnosticsAsync().GetAwaiter().GetResult()
            .Count(diagnostic => diagnostic.Id != "VMS303");
        return Stopwatch.GetElapsedTime(start);
    }

    private static string Source(int type, string more)
    {
        string[] types = ["byte", "ushort", "uint", "ulong", "bool"];
        var text = new StringBuilder($"using VmStateGen; namespace Many{type % 20} {{ [VmState(\"type{type}\", Version = 2)] public partial class Type{type} {{ ");
        for (int i = 0; i < Fields; i++)
            text.Append($"[Field{(i == Fields - 1 ? "(Version = 2, Default = 0)" : "")}] private {(i == Fields - 1 ? "uint" : types[i % types.Length])} field{i}; ");
        return text.Append(more).Append(" } }").ToString();
    }

    private sealed class Baseline(string path, string content) : AdditionalText
    {
        private readonly SourceText text = SourceText.From(content, Encoding.UTF8);

        public override string Path => path;

        public override SourceText GetText(CancellationToken cancellationToken = default) => text;
    }
}
