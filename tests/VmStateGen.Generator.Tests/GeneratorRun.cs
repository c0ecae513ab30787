using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace VmStateGen.Generator.Tests;

/// <summary>Runs the generator over sources in memory.</summary>
internal sealed class GeneratorRun
{
    private static readonly ImmutableArray<MetadataReference> References = FrameworkReferences();

    private GeneratorRun(GeneratorDriver driver, Compilation input, Compilation output)
    {
        Driver = driver;
        Input = input;
        Output = output;
    }

    public GeneratorDriver Driver { get; }

    public Compilation Input { get; }

    public Compilation Output { get; }

    public GeneratorDriverRunResult Result => Driver.GetRunResult().Results.Single().Exception is Exception e ? throw new InvalidOperationException("the generator failed", e) : Driver.GetRunResult();

    /// <summary>Generated texts by hint name.</summary>
    public IReadOnlyDictionary<string, string> Texts => Result.Results.Single().GeneratedSources
        .ToDictionary(source => Path.GetFileNameWithoutExtension(source.HintName), source => source.SourceText.ToString());

    public static GeneratorRun Of(params string[] sources) => Of(LanguageVersion.Latest, NullableContextOptions.Enable, sources);

    public static GeneratorRun Of(LanguageVersion language, NullableContextOptions nullable, params string[] sources)
    {
        var options = new CSharpParseOptions(language);
        CSharpCompilation compilation = Compile(options, nullable, sources);
        GeneratorDriver driver = CSharpGeneratorDriver.Create(
            new[] { new VmStateGenerator().AsSourceGenerator() },
            parseOptions: options,
            driverOptions: new GeneratorDriverOptions(IncrementalGeneratorOutputKind.None, trackIncrementalGeneratorSteps: true));
        return Run(driver, compilation);
    }

    /// <summary>The sources with the namespaces that they all use, not generated for yet.</summary>
    public static CSharpCompilation Compile(CSharpParseOptions options, NullableContextOptions nullable, params string[] sources) => CSharpCompilation.Create(
        "Devices",
        sources.Select((source, i) => CSharpSyntaxTree.ParseText("using System;\nusing VmStateGen;\n" + source, options, path: $"File{i}.cs")),
        References,
        new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: nullable, warningLevel: 9999));

    /// <summary>Runs the same driver over a changed compilation.</summary>
    public GeneratorRun Again(Func<Compilation, Compilation> change) => Run(Driver, change(Input));

    /// <summary>Errors and warnings of the compilation with what was generated.</summary>
    public IEnumerable<Diagnostic> Problems(params string[] except) => Output.GetDiagnostics()
        .Where(problem => problem.Severity >= DiagnosticSeverity.Warning && !except.Contains(problem.Id));

    private static GeneratorRun Run(GeneratorDriver driver, Compilation compilation)
    {
        driver = driver.RunGeneratorsAndUpdateCompilation(compilation, out Compilation output, out _);
        return new GeneratorRun(driver, compilation, output);
    }

    private static ImmutableArray<MetadataReference> FrameworkReferences()
    {
        string[] trusted = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        return trusted.Where(path => Path.GetFileName(path) is string name && (name.StartsWith("System.", StringComparison.Ordinal) || name is "mscorlib.dll" or "netstandard.dll"))
            .Append(typeof(VmState).Assembly.Location)
            .Select(path => (MetadataReference)MetadataReference.CreateFromFile(path))
            .ToImmutableArray();
    }
}
