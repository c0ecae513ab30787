using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace VmStateGen.Generator.Tests;

/// <summary>Generated code compiles without a warning wherever the author's does.</summary>
public class CompilationTests
{
    // The author's own fields are read by nobody but generated code; an unused host handle is the fixture's.
    private static readonly string[] FixtureWarnings = { "CS0169", "CS0414" };

    /// <summary>Versions that the compiler under test does not know are left out: 4.8 ends with 12.</summary>
    public static TheoryData<string, NullableContextOptions> Languages()
    {
        var data = new TheoryData<string, NullableContextOptions>();
        foreach (string version in new[] { "12", "13", "14", "latest", "preview" }.Where(version => LanguageVersionFacts.TryParse(version, out _)))
        {
            data.Add(version, NullableContextOptions.Enable);
            data.Add(version, NullableContextOptions.Disable);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Languages))]
    public void Compiles_without_a_warning(string version, NullableContextOptions nullable)
    {
        Assert.True(LanguageVersionFacts.TryParse(version, out LanguageVersion language));
        string[] sources = (nullable == NullableContextOptions.Enable ? Sources.All : Sources.All.Where(source => source != Sources.References).Select(source => source.Replace("?", ""))).ToArray();

        GeneratorRun run = GeneratorRun.Of(language, nullable, sources);

        Assert.Empty(run.Problems(FixtureWarnings));
        Assert.Equal(nullable == NullableContextOptions.Enable ? 26 : 23, run.Texts.Count);
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
    public void A_state_that_cannot_be_made_without_its_required_members_is_not_made()
    {
        GeneratorRun run = GeneratorRun.Of("""
            [VmState] public abstract partial class Base { [Field] private int x; public required int Size { get; init; } }
            [VmState] public partial class Derived : Base { [Field] private int y; }
            [VmState] public partial class User { [Field] private Derived? derived; [Subsection(Needed = nameof(Yes))] private Derived? other; private bool Yes() => true; }
            """);

        Assert.Empty(run.Problems("CS0649"));
        Assert.DoesNotContain("new global::Derived()", string.Concat(run.Texts.Values));
    }

    [Fact]
    public void Constants_of_every_kind_are_defaults_and_those_that_do_not_fit_generate_nothing()
    {
        GeneratorRun run = GeneratorRun.Of("""
            public enum Signed : sbyte { Minus = -1 }
            [VmState(Version = 2)] public partial class Fine
            {
                [Field(Version = 2, Default = Signed.Minus)] private Signed a;
                [Field(Version = 2, Default = '"')] private ushort b;
                [Field(Version = 2, Default = '\n')] private ushort c;
                [Field(Version = 2, Default = -1)] private Int128 d;
                [Field(Version = 2, Default = 1e300)] private double e;
                [Field(Version = 2, Default = 200, As = WireType.U8)] private int f;
                [Field(Version = 2, Default = long.MinValue)] private long g;
            }
            [VmState(Version = 2)] public partial class TooLarge { [Field(Version = 2, Default = 300)] private byte a; }
            [VmState(Version = 2)] public partial class Negative { [Field(Version = 2, Default = -1)] private uint a; }
            [VmState(Version = 2)] public partial class Text { [Field(Version = 2, Default = "1")] private uint a; }
            [VmState(Version = 2)] public partial class Flag { [Field(Version = 2, Default = 1)] private bool a; }
            [VmState(Version = 2)] public partial class Timer { [Field(Version = 2, Default = 1)] private VmTimer a; }
            """);

        string text = Assert.Single(run.Texts).Value;
        Assert.Empty(run.Problems(FixtureWarnings));
        Assert.Contains("Fine#001 \"b\" u16 since 2 default 34\n", text);
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
