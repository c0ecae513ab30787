using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;

namespace VmStateGen.Analyzers.Tests;

/// <summary>Each fix makes its diagnostic go, leaves code that compiles, and does to many what it does to one.</summary>
public class CodeFixTests
{
    public static TheoryData<FixCase> Cases => new(FixCases.All);

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task One(FixCase test)
    {
        string fixedText = await Verifier.FixAsync(Fixes.For(test.Id), test.Id, test.Key, test.Before);
        Assert.Equal(test.After, fixedText);
        if (!test.LeavesOthers)
            await AssertCleanAsync(test.Id, fixedText);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task All_of_a_document(FixCase test)
    {
        string both = $"namespace A\n{{\n{test.Before}}}\n\nnamespace B\n{{\n{test.Before}}}\n";
        IReadOnlyList<string> texts = await Verifier.FixAllAsync(Fixes.For(test.Id), test.Id, test.Key, FixAllScope.Document, both);
        await AssertCleanAsync(test.Id, texts[0]);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task All_of_a_project(FixCase test)
    {
        string[] sources = { "namespace A;\n" + test.Before, "namespace B;\n" + test.Before };
        foreach (FixAllScope scope in new[] { FixAllScope.Project, FixAllScope.Solution })
        {
            IReadOnlyList<string> texts = await Verifier.FixAllAsync(Fixes.For(test.Id), test.Id, test.Key, scope, sources);
            if (!test.LeavesOthers)
                Assert.Equal(new[] { "namespace A;\n" + test.After, "namespace B;\n" + test.After }, texts);
            await AssertCleanAsync(test.Id, texts.ToArray());
        }
    }

    /// <summary>The fix of a page's bad example leaves nothing at all to report.</summary>
    [Theory]
    [MemberData(nameof(RulePageTests.Ids), MemberType = typeof(RulePageTests))]
    public async Task Example_of_the_page(string id)
    {
        string bad = RulePage.Read(id).Bad;
        if (Fixes.All.FirstOrDefault(fix => fix.FixableDiagnosticIds.Contains(id)) is not CodeFixProvider fix)
            return;
        IReadOnlyList<(string Key, string Title)> offers = await Verifier.OffersAsync(fix, id, bad);
        foreach ((string key, _) in offers)
            await AssertCleanAsync(null, await Verifier.FixAsync(fix, id, key, bad));
        // The one exception: a static predicate is there, and what to do with it is not for a fix to judge.
        Assert.Equal(id == "VMS130", offers.Count == 0);
    }

    [Theory]
    [InlineData("VMS110", "private byte[] fifo = Make(); private static byte[] Make() => new byte[3];", "ignore")]
    [InlineData("VMS110", "private readonly byte id = 3;", "ignore")]
    [InlineData("VMS110", "private decimal price;", "ignore")]
    [InlineData("VMS110", "private string text = \"\";", "ignore")]
    [InlineData("VMS110", "public byte Id { get; init; }", "ignore")]
    [InlineData("VMS110", "public event Action? Changed;", "ignore")]
    [InlineData("VMS110", "private byte lcr;", "field,ignore")]
    [InlineData("VMS110", "private Inner inner = new(); [VmState] public partial class Inner;", "field,ignore")]
    [InlineData("VMS112", "[Field] public byte Lcr => 3;", "")]
    [InlineData("VMS114", "[Field(Element = 1, Length = 2)] private byte[] fifo = new byte[4];", "")]
    [InlineData("VMS114", "[Field] private byte[] fifo = Make(); private static byte[] Make() => new byte[3];", "")]
    [InlineData("VMS120", "[Field(Version = -1)] private byte lcr;", "")]
    [InlineData("VMS130", "[Field(When = nameof(HasFifo))] private byte lcr; private int HasFifo() => 3;", "")]
    [InlineData("VMS130", "[Field(When = \"has fifo\")] private byte lcr;", "")]
    [InlineData("VMS130", "[Field(CountFrom = nameof(count), Max = 3)] private byte[] fifo = new byte[3];", "")]
    public async Task Offers_only_what_ends_the_diagnostic(string id, string members, string keys)
    {
        IReadOnlyList<(string Key, string Title)> offers = await Verifier.OffersAsync(Fixes.For(id), id, $"[VmState] public partial class Uart {{ {members} }}");
        Assert.Equal(keys, string.Join(",", offers.Select(offer => offer.Key)));
    }

    /// <summary>The name that a created member would have may be taken.</summary>
    [Fact]
    public async Task Created_members_get_a_free_name()
    {
        string fixedText = await Verifier.FixAsync(Fixes.For("VMS144"), "VMS144", "Absent", """
            [VmState("uart")]
            [Subsection("uart/fifo", Needed = nameof(FifoAbsent))]
            public partial class Uart
            {
                [Field(Subsection = "uart/fifo")] private byte fcr;
                private bool FifoAbsent() => fcr != 0;
            }
            """);
        Assert.Contains("Absent = nameof(FifoAbsent2)", fixedText, StringComparison.Ordinal);
        await AssertCleanAsync("VMS144", fixedText);
    }

    /// <summary>What a fix writes binds in a file without usings too.</summary>
    [Fact]
    public async Task Attributes_are_qualified_where_they_must_be()
    {
        string fixedText = await Verifier.FixAsync(Fixes.For("VMS110"), "VMS110", "field", """
            namespace Acme { [VmState] public partial class Uart { private byte lcr; } internal class FieldAttribute : Attribute; }
            """);
        Assert.Contains("[VmStateGen.Field] private byte lcr;", fixedText, StringComparison.Ordinal);
        await AssertCleanAsync(null, fixedText);
    }

    private static async Task AssertCleanAsync(string? id, params string[] sources)
    {
        Compilation compilation = Verifier.Compile(sources);
        Assert.Empty(Verifier.CompilerErrors(compilation));
        IReadOnlyList<Diagnostic> left = await Verifier.AnalyzeAsync(compilation);
        Assert.DoesNotContain(left, diagnostic => id is null || diagnostic.Id == id);
        if (left.Count == 0)
            Assert.Empty(Verifier.GeneratedErrors(compilation));
    }
}
