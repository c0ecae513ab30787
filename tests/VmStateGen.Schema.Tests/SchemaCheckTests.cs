using System.Linq;

namespace VmStateGen.Schema.Tests;

/// <summary>Rules 3, 6 and 28: what one schema shows by itself.</summary>
public sealed class SchemaCheckTests
{
    private const string Nic = "Acme.Nic @section \"nic\" version 3 min 2 priority default\n";
    private const string Fifo = "Acme.Fifo @state \"fifo\" version 2 min 1\n";

    [Theory]
    [InlineData(Nic + "Acme.Nic#000 \"a\" u8 since 3\nAcme.Nic#001 \"b\" u8 until 2\nAcme.Nic @subsection \"nic/x\" version 1 min 1 needed N\n" + Fifo, "")]
    // 3: one name, two sections; nested state may share it; a removed section keeps its own.
    [InlineData(Nic + "Acme.Nic2 @section \"nic\" version 1 min 1 priority default\n", "3 Error Acme.Nic2")]
    [InlineData(Nic + "Acme.Nic2 @state \"nic\" version 1 min 1\n", "")]
    [InlineData(Nic + "Acme.Old @state \"old\" version 1 min 1\nAcme.Old @removed-section \"nic\"\n", "3 Error Acme.Nic")]
    // 6: versions that contradict each other, and conditions that say nothing.
    [InlineData("Acme.Nic @section \"nic\" version 1 min 2 priority default\n", "6 Error Acme.Nic")]
    [InlineData(Nic + "Acme.Nic @subsection \"nic/x\" version 1 min 2 needed N\n", "6 Error Acme.Nic:nic/x")]
    [InlineData(Nic + "Acme.Nic#000 \"a\" u8 since 4\n", "6 Error Acme.Nic/a")]
    [InlineData(Nic + "Acme.Nic#000 \"a\" u8 since 2\n", "6 Info Acme.Nic/a")]
    [InlineData(Nic + "Acme.Nic#000 \"a\" u8 until 1\n", "6 Info Acme.Nic/a")]
    [InlineData(Nic + "Acme.Nic#000 \"a\" u8 when Is\n", "")]
    [InlineData(Nic + "Acme.Nic @subsection \"nic/x\" version 1 min 1 needed N\nAcme.Nic#000 \"a\" u8 since 2 in \"nic/x\"\n", "6 Error Acme.Nic:nic/x/a")]
    [InlineData(Nic + Fifo + "Acme.Nic#000 \"q\" Acme.Fifo struct-version 3\n", "6 Error Acme.Nic/q")]
    [InlineData(Nic + Fifo + "Acme.Nic#000 \"q\" Acme.Fifo struct-version 0\n", "6 Error Acme.Nic/q")]
    [InlineData(Nic + Fifo + "Acme.Nic#000 \"q\" Acme.Fifo struct-version 1\n", "")]
    [InlineData(Nic + Fifo + "Acme.Nic#000 \"q\" list<Acme.Fifo> max 4 element-version 1\n", "6 Error Acme.Nic/q")]
    [InlineData(Nic + Fifo + "Acme.Nic#000 \"q\" tree<u64,Acme.Fifo> max 4 element-version 1\n", "6 Error Acme.Nic/q")]
    [InlineData(Nic + Fifo + "Acme.Nic#000 \"q\" list<Acme.Fifo> max 4 element-version 2\n", "")]
    // 28: a load finds the subsections of a section by its name as their prefix.
    [InlineData(Nic + "Acme.Nic @subsection \"x\" version 1 min 1 needed N\n", "28 Error Acme.Nic:x/x")]
    [InlineData(Nic + "Acme.Nic @subsection \"nic\" version 1 min 1 needed N\n", "28 Error Acme.Nic:nic/nic")]
    [InlineData(Nic + Fifo + "Acme.Nic @removed-subsection \"x\" Acme.Fifo\n", "28 Error Acme.Nic:x/x")]
    [InlineData(Nic + Fifo + "Acme.Nic @subsection \"nic/x\" version 1 min 1 needed N\nAcme.Nic @removed-subsection \"nic/x\" Acme.Fifo\n", "28 Error Acme.Nic:nic/x/nic/x")]
    public void Says_what_is_wrong(string text, string expected) =>
        Assert.Equal(expected, string.Join("; ", SchemaChecks.Check(SchemaParser.Parse(text)).Select(finding =>
            $"{(int)finding.Rule} {finding.Verdict} {finding.Type}{(finding.Subsection is null ? "" : ":" + finding.Subsection)}{(finding.Path.Length == 0 ? "" : "/" + finding.Path)}")));

    [Fact]
    public void A_condition_that_says_nothing_can_go() =>
        Assert.Equal(new SuggestedFix(FixKind.RemoveCondition, "Version"), SchemaChecks.Check(SchemaParser.Parse(Nic + "Acme.Nic#000 \"a\" u8 since 2\n")).Single().Fixes.Single());
}
