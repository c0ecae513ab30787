using System.Linq;
using System.Threading.Tasks;
using Microsoft.CodeAnalysis.CodeFixes;
using VmStateGen.CodeFixes;

namespace VmStateGen.Analyzers.Tests;

/// <summary>VMS305: a suppression is stale exactly if nothing that it covers raises its rule.</summary>
public class StaleSuppressionTests
{
    private const string Old = "[VmState(\"uart\")] public partial class Uart { [Field] private byte lcr; [Field] private ushort divider; }";

    [Theory]
    [InlineData("#pragma warning disable VMS220", "uint", "", "")]
    [InlineData("#pragma warning disable VMS220", "ushort", "", "VMS305")]
    [InlineData("#pragma warning disable VMS220, VMS214", "uint", "", "VMS305")]
    [InlineData("#pragma warning disable VMS110, CS0169", "ushort", "", "")]
    [InlineData("#pragma warning disable", "ushort", "", "")]
    [InlineData("#pragma warning disable VMS220\n#pragma warning restore", "uint", "", "VMS305,VMS220")]
    [InlineData("", "uint", "[System.Diagnostics.CodeAnalysis.SuppressMessage(\"VmState\", \"VMS220:width\")]", "")]
    [InlineData("", "ushort", "[System.Diagnostics.CodeAnalysis.SuppressMessage(\"VmState\", \"VMS220:width\")]", "VMS305")]
    [InlineData("", "uint", "[System.Diagnostics.CodeAnalysis.SuppressMessage(\"VmState\", \"VMS221\")]", "VMS305,VMS220")]
    public async Task Stale(string pragma, string type, string attribute, string ids)
    {
        string source = $"[VmState(\"uart\")] public partial class Uart {{ [Field] private byte lcr;\n{pragma}\n{attribute} [Field] private {type} divider; }}\n";
        Assert.Equal(ids, string.Join(",", (await Releases.AnalyzeAsync(source, Releases.Accepted(Old, source))).Select(diagnostic => diagnostic.Id)));
    }

    /// <summary>With a broken file nothing is compared, so nothing is known to be stale.</summary>
    [Fact]
    public async Task Nothing_is_stale_where_nothing_is_known() => Assert.DoesNotContain(
        await Releases.AnalyzeAsync("#pragma warning disable VMS220\n" + Old, [("VmState.Shipped.txt", "nonsense")]), diagnostic => diagnostic.Id == "VMS305");

    [Theory]
    [InlineData(FixAllScope.Document)]
    [InlineData(FixAllScope.Project)]
    [InlineData(FixAllScope.Solution)]
    public async Task All_are_removed(FixAllScope scope)
    {
        const string source = """
            [VmState("uart")]
            #pragma warning disable VMS220, CS0169, VMS221 // why
            public partial class Uart
            {
                [System.Diagnostics.CodeAnalysis.SuppressMessage("VmState", "VMS220")]
                [Field] private byte lcr;
            #pragma warning disable VMS214
                [System.Diagnostics.CodeAnalysis.SuppressMessage("VmState", "VMS221")] [Field] private ushort divider;
            #pragma warning restore VMS214
            }
            #pragma warning restore VMS220, CS0169, VMS221

            """;
        const string clean = """
            [VmState("uart")]
            #pragma warning disable CS0169 // why
            public partial class Uart
            {
                [Field] private byte lcr;
                [Field] private ushort divider;
            }
            #pragma warning restore CS0169

            """;
        using var project = new Releases([source.ReplaceLineEndings("\n")], Releases.Accepted(Old, Old));
        await project.ApplyAllAsync(new StaleSuppressionFix(), "VMS305", "unsuppress", scope);
        Assert.Equal(clean.ReplaceLineEndings("\n"), await project.SourceAsync());
        Assert.Empty(await project.AnalyzeAsync());
    }

    [Fact]
    public async Task One_is_removed()
    {
        using var project = new Releases(["#pragma warning disable VMS220\n" + Old], Releases.Accepted(Old, Old));
        await project.ApplyAsync((await project.OffersAsync("VMS305")).Single());
        Assert.Equal(Old, await project.SourceAsync());
    }
}
