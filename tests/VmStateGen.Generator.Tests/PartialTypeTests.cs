using System.Linq;

namespace VmStateGen.Generator.Tests;

/// <summary>Types spread over several declarations and files.</summary>
public class PartialTypeTests
{
    private const string First = """
        namespace Acme;
        [VmState("spread")]
        public partial class Spread
        {
            [Field(Order = 2)] private byte second;
            [Field(Order = 4)] private byte fourth;
        }
        """;

    private const string Second = """
        namespace Acme;
        public partial class Spread
        {
            [Field(Order = 3)] private byte third;
            [Field(Order = 1)] private byte first;
            [AfterLoad] private void Rebuild() { }
        }
        """;

    [Fact]
    public void Order_makes_one_wire_order_of_several_files()
    {
        GeneratorRun run = GeneratorRun.Of(First, Second);

        Assert.Empty(run.Problems());
        string[] lines = Assert.Single(run.Texts).Value.Split('\n');
        Assert.Equal(
            ["Acme.Spread#000 \"first\" u8", "Acme.Spread#001 \"second\" u8", "Acme.Spread#002 \"third\" u8", "Acme.Spread#003 \"fourth\" u8"],
            lines.Where(line => line.StartsWith("Acme.Spread#")).Take(4));
    }

    [Fact]
    public void The_order_of_the_files_does_not_matter() =>
        Assert.Equal(GeneratorRun.Of(First, Second).Texts, GeneratorRun.Of(Second, First).Texts);

    [Fact]
    public void Without_Order_nothing_is_generated_for_it()
    {
        GeneratorRun run = GeneratorRun.Of(
            "[VmState(\"a\")] public partial class A { [Field] private byte x; }",
            "public partial class A { [Field] private byte y; }",
            "[VmState(\"b\")] public partial class B { [Field] private byte x; }");

        Assert.StartsWith("B-", Assert.Single(run.Texts).Key);
    }

    [Fact]
    public void A_declaration_without_state_needs_no_Order() => Assert.Single(GeneratorRun.Of(
        "[VmState(\"a\")] public partial class A { [Field] private byte x; }",
        "public partial class A { private int Twice() => 2 * x; }").Texts);

    [Fact]
    public void The_attribute_on_two_declarations_is_the_compilers_error_and_takes_no_code_away()
    {
        GeneratorRun run = GeneratorRun.Of(
            "[VmState(\"a\")] public partial class A { [Field] private byte x; }",
            "[VmState(\"a\")] public partial class A { }",
            "[VmState(\"b\")] public partial class B { [Field] private byte x; }");

        Assert.Equal(2, run.Texts.Count);
        Assert.Equal("CS0579", Assert.Single(run.Problems()).Id);
    }

    [Fact]
    public void An_edit_of_a_declaration_without_the_attribute_is_seen()
    {
        GeneratorRun second = GeneratorRun.Of(First, Second).Again(compilation =>
        {
            Microsoft.CodeAnalysis.SyntaxTree tree = compilation.SyntaxTrees.Single(tree => tree.FilePath == "File1.cs");
            return compilation.ReplaceSyntaxTree(tree, tree.WithChangedText(Microsoft.CodeAnalysis.Text.SourceText.From(tree.ToString().Replace("byte third", "uint third"))));
        });

        Assert.Contains("Acme.Spread#002 \"third\" u32", Assert.Single(second.Texts).Value);
    }
}
