using System;
using System.Linq;
using FsCheck;
using FsCheck.Fluent;

namespace VmStateGen.Schema.Tests;

/// <summary>What is written is read as it was, in any order of lines.</summary>
public class RoundTripTests
{
    [Fact]
    public void Every_schema_is_read_as_it_was_written() => Prop.ForAll(Schemas.Sets, set =>
    {
        SchemaSet read = SchemaParser.Parse(SchemaWriter.Write(set));
        AssertSame(set, read);
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public void The_text_of_what_was_read_is_the_same_text() => Prop.ForAll(Schemas.Sets, set =>
    {
        string text = SchemaWriter.Write(set);
        return SchemaWriter.Write(SchemaParser.Parse(text)) == text;
    }).QuickCheckThrowOnFailure();

    /// <summary>Items have ordinals; subsections have none, their order is no matter of compatibility.</summary>
    [Fact]
    public void The_order_of_lines_identical_duplicates_blank_lines_and_comments_do_not_matter() => Prop.ForAll(Schemas.Sets, ArbMap.Default.ArbFor<int>(), (set, seed) =>
    {
        string[] lines = SchemaWriter.Write(set).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string[] shuffled = [SchemaWriter.Header, .. lines, .. lines.Where((_, i) => i % 3 == 0), "", "# a comment", "  "];
        new Random(seed).Shuffle(shuffled);

        AssertSame(set, SchemaParser.Parse(string.Join(seed % 2 == 0 ? "\n" : "\r\n", shuffled)));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Random_text_is_read_or_is_a_SchemaException_with_a_place() => Prop.ForAll<string?[]>(words =>
    {
        string text = "Acme.A @section \"a\" version 1 min 1\nAcme.A#000 " + string.Join(" ", words).Replace('\r', '\n');
        try
        {
            SchemaParser.Parse(text);
        }
        catch (SchemaException e)
        {
            Assert.InRange(e.Line, 1, text.Split('\n').Length);
            Assert.InRange(e.Column, 1, text.Length + 1);
        }
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_line_cut_short_is_read_or_is_a_SchemaException() => Prop.ForAll(Schemas.Sets, ArbMap.Default.ArbFor<int>(), (set, place) =>
    {
        string text = SchemaWriter.Write(set);
        string cut = text[..(int)((uint)place % (text.Length + 1))];
        try
        {
            SchemaParser.Parse(cut);
        }
        catch (SchemaException)
        {
        }
    }).QuickCheckThrowOnFailure();

    private static void AssertSame(SchemaSet expected, SchemaSet actual)
    {
        Assert.Equal(expected.States.Select(Sorted).OrderBy(state => state.Key), actual.States.Select(Sorted).OrderBy(state => state.Key));
        Assert.Equal(expected.Enums, actual.Enums);
    }

    private static StateSchema Sorted(StateSchema state) => state with
    {
        Subsections = state.Subsections.OrderBy(subsection => subsection.Name, StringComparer.Ordinal).ToEquatableArray(),
        RemovedSubsections = state.RemovedSubsections.OrderBy(subsection => subsection.Name, StringComparer.Ordinal).ToEquatableArray(),
    };
}
