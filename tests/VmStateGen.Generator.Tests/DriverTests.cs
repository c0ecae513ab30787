using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace VmStateGen.Generator.Tests;

/// <summary>How the generator behaves in an editor: cancelled, over half-typed code, over other assemblies, for hours.</summary>
public class DriverTests
{
    [Fact]
    public void A_cancelled_run_ends()
    {
        using var cancel = new CancellationTokenSource();
        cancel.Cancel();
        GeneratorDriver driver = Driver();

        Assert.ThrowsAny<OperationCanceledException>(() => driver.RunGenerators(Compilation(Sources.All), cancel.Token));
    }

    [Fact]
    public void Parsing_a_type_asks_whether_it_was_cancelled()
    {
        Compilation compilation = Compilation(Sources.Scalars);
        INamedTypeSymbol type = compilation.GetTypeByMetadataName("Acme.Scalars")!;

        Assert.Throws<OperationCanceledException>(() => Parsing.TypeParser.Parse(type, compilation, new NoSink(), new CancellationToken(canceled: true)));
    }

    [Fact]
    public void An_old_compilation_can_be_collected()
    {
        (GeneratorDriver driver, WeakReference old) = RunTwice();

        for (int i = 0; i < 10 && old.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.False(old.IsAlive);
        GC.KeepAlive(driver);
    }

    [Theory]
    [InlineData("[VmState(")]
    [InlineData("[VmState(\"a\", Version = )] public partial class A { [Field] private int x; }")]
    [InlineData("[VmState(\"a\", Version = \"2\")] public partial class A { [Field] private int x; }")]
    [InlineData("[VmState(null)] public partial class A { [Field] private Missing x; [Field(Codec = typeof(Missing))] private int y; }")]
    [InlineData("[VmState(\"a\")] public partial class A { [Field(Length = )] private int[] x; [Field(When = nameof())] private int y; }")]
    [InlineData("[VmState(\"a\")] public partial class A { [Field private int x; [Subsection] private A a; [RemovedSubsection] }")]
    [InlineData("[VmState(\"a\")] public partial class A : A { [Field] private int x; }")]
    [InlineData("[VmState(\"a\")] public partial struct A { [Field] private B b; } [VmState] public partial struct B { [Field] private A a; }")]
    [InlineData("[VmState(\"a\")] public partial class { [Field] private int x; }")]
    [InlineData("[VmState(\"a\")] public partial class A { [Field(Codec = null, Via = null, Subsection = null, When = null)] private int x; }")]
    [InlineData("[VmState(\"a\")] [Removed(null, -1)] [Subsection(null)] [RemovedSubsection(null, null)] public partial class A { [Field] private int x; }")]
    [InlineData("[VmState(\"\")] public partial enum A { }")]
    [InlineData("[System.Runtime.CompilerServices.InlineArray(-1)] struct X { int a; } [VmState] public partial class A { [Field] private X x; }")]
    [InlineData("[System.Runtime.CompilerServices.InlineArray(2)] struct X { } [VmState] public partial class A { [Field] private X x; }")]
    public void Code_that_is_still_being_typed_fails_nothing(string source)
    {
        GeneratorRun run = GeneratorRun.Of(source, "[VmState(\"fine\")] public partial class Fine { [Field] private int x; }");

        Assert.Contains(run.Texts, text => text.Key.StartsWith("Fine-"));
        Assert.Empty(run.Result.Diagnostics);
    }

    [Fact]
    public void A_schema_of_another_assembly_that_cannot_be_read_takes_away_only_what_nests_it()
    {
        MetadataReference library = Emitted(Compilation("namespace Library; [VmState, VmStateSchema(\"Library.Part @newer thing\")] public partial struct Part { }"));
        Compilation compilation = Compilation(
            "[VmState(\"user\")] public partial class User { [Field] private Library.Part part; }",
            "[VmState(\"fine\")] public partial class Fine { [Field] private int x; }").AddReferences(library);

        GeneratorDriverRunResult result = Driver().RunGenerators(compilation).GetRunResult();

        Assert.Null(result.Results.Single().Exception);
        Assert.StartsWith("Fine-", Assert.Single(result.Results.Single().GeneratedSources).HintName);
    }

    [Fact]
    public void State_of_another_assembly_is_known_by_the_schema_that_it_carries()
    {
        GeneratorRun library = GeneratorRun.Of("namespace Library; [VmState(Version = 2)] public partial struct Part { [Field] private ushort x; [Field(Version = 2)] private uint y; }");
        Compilation compilation = Compilation("[VmState(\"user\")] public partial class User { [Field] private Library.Part part; [Field] private byte last; }")
            .WithAssemblyName("User").AddReferences(Emitted(library.Output));

        GeneratorDriver driver = Driver().RunGeneratorsAndUpdateCompilation(compilation, out Compilation output, out _);

        Assert.DoesNotContain(output.GetDiagnostics(), problem => problem.Severity >= DiagnosticSeverity.Warning);
        Assert.Contains("new global::VmStateGen.VmStateType(\"user\", 1, 1, 7L)", driver.GetRunResult().Results.Single().GeneratedSources.Single().SourceText.ToString());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (GeneratorDriver Driver, WeakReference Old) RunTwice()
    {
        CSharpCompilation first = Compilation(Sources.All);
        GeneratorDriver driver = Driver().RunGenerators(first);
        SyntaxTree tree = first.SyntaxTrees[0];
        Compilation second = first.ReplaceSyntaxTree(tree, tree.WithChangedText(Microsoft.CodeAnalysis.Text.SourceText.From(tree.ToString().Replace("private bool enabled", "private byte enabled"))));
        driver = driver.RunGenerators(second);
        return (driver, new WeakReference(first));
    }

    private static GeneratorDriver Driver() => CSharpGeneratorDriver.Create(new VmStateGenerator());

    private static CSharpCompilation Compilation(params string[] sources) =>
        GeneratorRun.Compile(new CSharpParseOptions(), NullableContextOptions.Enable, sources);

    private static MetadataReference Emitted(Compilation compilation)
    {
        var image = new MemoryStream();
        IEnumerable<Diagnostic> problems = compilation.WithAssemblyName("Library").Emit(image).Diagnostics;
        Assert.DoesNotContain(problems, problem => problem.Severity == DiagnosticSeverity.Error);
        return MetadataReference.CreateFromImage(image.ToArray());
    }

    private sealed class NoSink : Parsing.ProblemSink
    {
        public override bool WantsLocations => false;

        public override void Report(Parsing.DefinitionRule rule, Location? location, params string[] arguments)
        {
        }
    }
}
