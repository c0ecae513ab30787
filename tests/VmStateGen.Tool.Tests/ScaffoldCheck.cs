using System;
using System.Buffers;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.Loader;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using VmStateGen.Generator;
using VmStateGen.Tool.Commands;
using VmStateGen.Tool.Inspection;
using VmStateGen.Tool.Scaffolding;

namespace VmStateGen.Tool.Tests;

/// <summary>Compiles what a scaffold has written, together with what the generator makes of it, and holds it to the section's bytes.</summary>
internal static class ScaffoldCheck
{
    private static readonly ImmutableArray<MetadataReference> References =
        [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetFileName(path) is string name && (name.StartsWith("System.", StringComparison.Ordinal) || name is "mscorlib.dll" or "netstandard.dll"))
            .Append(typeof(VmState).Assembly.Location)
            .Select(path => (MetadataReference)MetadataReference.CreateFromFile(path))];

    /// <summary>Scaffolds every section of a stream into a namespace of its own, compiles all at once, and tries each.</summary>
    /// <returns>A line for each section whose trailer the annotations cannot regenerate.</returns>
    public static IReadOnlyList<string> CheckAll(StreamReport report)
    {
        Assert.Empty(report.Problems);
        List<(SectionData Data, ScaffoldedClass Class, string Space)> sections = report.Parts
            .Select(part => part.Data).OfType<SectionData>().Where(data => data.Description != null)
            .Select((data, i) => (data, ScaffoldCommand.Scaffold(data, $"Section{i}", report.Source, null), $"Section{i}")).ToList();
        Assembly assembly = Compile(sections.Select(section => section.Class.Source).ToArray());
        var unlike = new List<string>();
        foreach ((SectionData data, ScaffoldedClass scaffolded, string space) in sections)
        {
            var device = (IVmState)Activator.CreateInstance(assembly.GetType($"{space}.{scaffolded.ClassName}", throwOnError: true)!)!;
            if (!RoundTrip(device, data, scaffolded, report.Dialect!.Value))
                unlike.Add(data.Section.ToString());
        }
        return unlike;
    }

    /// <summary>Loads the section's bytes, saves them again, and describes them.</summary>
    /// <returns>Whether the class describes itself as the trailer does.</returns>
    public static bool RoundTrip(IVmState device, SectionData data, ScaffoldedClass scaffolded, VmDescriptionDialect dialect)
    {
        VmState.Load(device, data.Bytes, (int)data.Section.Version);
        var saved = new ArrayBufferWriter<byte>();
        VmState.Save(device, saved);
        Assert.True(saved.WrittenSpan.SequenceEqual(data.Bytes), $"{data.Section} comes out as other bytes\n{scaffolded.Source}");

        var text = new ArrayBufferWriter<byte>();
        var writer = new VmDescriptionWriter(text, dialect);
        writer.Device(data.Section.Name, data.Section.InstanceId, device);
        string described = Encoding.UTF8.GetString(text.WrittenSpan);
        string expected = Encoding.UTF8.GetString(data.Description!.Json.Span);
        if (scaffolded.DescribesAlike)
            Assert.Equal(expected, described);
        return described == expected;
    }

    /// <summary>Compiles sources with the generator; a warning is an error.</summary>
    public static Assembly Compile(params string[] sources)
    {
        var options = new CSharpParseOptions(LanguageVersion.Latest);
        CSharpCompilation compilation = CSharpCompilation.Create(
            "Scaffolded",
            sources.Select((source, i) => CSharpSyntaxTree.ParseText(source, options, path: $"Section{i}.cs", encoding: Encoding.UTF8)),
            References,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable, warningLevel: 9999));
        CSharpGeneratorDriver.Create([new VmStateGenerator().AsSourceGenerator()], parseOptions: options)
            .RunGeneratorsAndUpdateCompilation(compilation, out Compilation output, out ImmutableArray<Diagnostic> reported);
        Diagnostic[] problems = [.. output.GetDiagnostics().Concat(reported).Where(problem => problem.Severity >= DiagnosticSeverity.Warning)];
        Assert.True(problems.Length == 0, string.Join('\n', problems.Take(10).Select(problem => Explain(problem, sources))));
        using var image = new MemoryStream();
        Assert.True(output.Emit(image).Success);
        image.Position = 0;
        return new AssemblyLoadContext(null, isCollectible: true).LoadFromStream(image);
    }

    private static string Explain(Diagnostic problem, string[] sources)
    {
        FileLinePositionSpan place = problem.Location.GetLineSpan();
        string? source = sources.Where((_, i) => place.Path == $"Section{i}.cs").FirstOrDefault();
        return $"{problem}\n{source?.Split('\n')[place.StartLinePosition.Line]}";
    }
}
