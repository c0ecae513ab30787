using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace VmStateGen.Generator.Tests;

/// <summary>Generated code compiles without a warning wherever the author's does.</summary>
public class CompilationTests
{
    // The author's own fields are read by nobody but generated code; an unused host handle is the fixture's.
    private static readonly string[] FixtureWarnings = { "CS0169", "CS0414" };

    [Theory]
    [InlineData(LanguageVersion.CSharp12, NullableContextOptions.Enable)]
    [InlineData(LanguageVersion.CSharp12, NullableContextOptions.Disable)]
    [InlineData(LanguageVersion.CSharp13, NullableContextOptions.Enable)]
    [InlineData(LanguageVersion.Latest, NullableContextOptions.Enable)]
    [InlineData(LanguageVersion.Latest, NullableContextOptions.Disable)]
    public void Compiles_without_a_warning(LanguageVersion language, NullableContextOptions nullable)
    {
        string[] sources = (nullable == NullableContextOptions.Enable ? Sources.All : Sources.All.Where(source => source != Sources.References).Select(source => source.Replace("?", ""))).ToArray();

        GeneratorRun run = GeneratorRun.Of(language, nullable, sources);

        Assert.Empty(run.Problems(FixtureWarnings));
        Assert.Equal(nullable == NullableContextOptions.Enable ? 21 : 18, run.Texts.Count);
    }

    [Fact]
    public void Compiles_where_arithmetic_is_checked_and_documentation_is_required()
    {
        GeneratorRun run = GeneratorRun.Of(Sources.All);
        var options = (CSharpCompilationOptions)run.Output.Options;
        Compilation strict = run.Output.WithOptions(options.WithOverflowChecks(true).WithAllowUnsafe(false));

        Assert.DoesNotContain(strict.GetDiagnostics(), problem =>
            problem.Severity >= DiagnosticSeverity.Warning && problem.Location.SourceTree?.FilePath.EndsWith(".g.cs") == true);
    }

    [Fact]
    public void Names_that_differ_in_case_or_nesting_only_give_different_files()
    {
        GeneratorRun run = GeneratorRun.Of("""
            namespace A.B { [VmState] public partial class C { [Field] private int x; } }
            namespace A { public partial class B2 { [VmState] public partial class C { [Field] private int x; } } }
            namespace A { [VmState] public partial class cC { [Field] private int x; } [VmState] public partial class CC { [Field] private int x; } }
            namespace A { [VmState] public partial class C<T> { [Field] private int x; } [VmState] public partial class C_1 { [Field] private int x; } }
            """);

        Assert.Equal(6, run.Texts.Count);
        Assert.Equal(6, run.Texts.Keys.Select(name => name.ToUpperInvariant()).Distinct().Count());
        Assert.Empty(run.Problems());
    }

    [Fact]
    public void A_type_that_is_wrong_generates_nothing_and_reports_nothing()
    {
        GeneratorRun run = GeneratorRun.Of("""
            [VmState] public class NotPartial { [Field] private int x; }
            [VmState] public partial class Unsupported { [Field] private decimal x; }
            [VmState] public partial class Fine { [Field] private int x; }
            """);

        Assert.Single(run.Texts);
        Assert.Empty(run.Result.Diagnostics);
    }
}
