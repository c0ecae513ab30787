using System.Linq;

namespace VmStateGen.Schema.Tests;

/// <summary>Where items lie on the wire.</summary>
public class LayoutTests
{
    private static readonly SchemaSet Set = SchemaParser.Parse("""
        Inner @state "inner" version 2 min 1
        Inner#000 "a" u16
        Inner#001 "b" u32 since 2
        Optional @state "optional" version 1 min 1
        Optional#000 "a" u8
        Optional @subsection "optional/x" version 1 min 1 needed Yes
        Optional#001 "x" u64 in "optional/x"
        Deep @state "deep" version 1 min 1
        Deep#000 "o" Optional[2]
        Endless @state "endless" version 1 min 1
        Endless#000 "again" Endless[] count "n" max 2
        Endless#001 "unbounded" list<Inner>
        """);

    [Fact]
    public void Versions_are_split_where_the_items_change_the_newest_first()
    {
        WireItem[] items = [Item("u8"), Item("u8 since 4"), Item("u8 until 2"), Item("u8 since 2 until 5"), Item("u8 when X")];

        Assert.Equal([new(6, 7), new(4, 5), new(3, 3), new(2, 2), new(1, 1)], WireLayout.Versions(items, 1, 7));
        Assert.Equal([new(4, 4), new(3, 3)], WireLayout.Versions(items, 3, 4));
        Assert.Equal([new(0, 0)], WireLayout.Versions([], 0, 0));
    }

    [Theory]
    [InlineData("u8", 0, true)]
    [InlineData("u8 since 2", 1, false)]
    [InlineData("u8 since 2", 2, true)]
    [InlineData("u8 until 2", 2, true)]
    [InlineData("u8 until 2", 3, false)]
    [InlineData("u8 when X", -5, true)]
    public void An_item_is_in_the_versions_that_it_says(string item, int version, bool expected) => Assert.Equal(expected, Item(item).IsInVersion(version));

    [Fact]
    public void Items_are_cut_into_runs_of_at_most_4_KiB_and_single_ones()
    {
        WireItem[] items = [Item("bytes[4000]"), Item("bytes[96]"), Item("u8"), Item("bytes[5000]"), Item("u16"), Item("u8[] count \"n\" max 4"), Item("u32")];

        LayoutStep[] steps = [.. WireLayout.Steps(items, item => (int?)WireLayout.FixedSize(item, Set))];

        Assert.Equal(["run 4096: 0 4000", "run 1: 0", "single bytes[5000]", "run 2: 0", "single u8[]", "run 4: 0"], steps.Select(Text));

        static string Text(LayoutStep step) => step switch
        {
            LayoutStep.Run run => $"run {run.Size}: {string.Join(" ", run.Items.Select(item => item.Offset))}",
            LayoutStep.Single single => $"single {single.Item.Shape}",
            _ => "",
        };
    }

    [Theory]
    [InlineData("bool", 1)]
    [InlineData("timer", 8)]
    [InlineData("guid", 16)]
    [InlineData("u128[2]", 32)]
    [InlineData("u16[3,5]", 30)]
    [InlineData("bytes[7]", 7)]
    [InlineData("pad[7]", 7)]
    [InlineData("bitmap[1]", 8)]
    [InlineData("bitmap[65]", 16)]
    [InlineData("Inner", 6)]
    [InlineData("Inner struct-version 1", 2)]
    [InlineData("Inner[4]", 24)]
    [InlineData("bytes[4] codec C/1", 4)]
    public void A_size_that_never_varies(string item, long size)
    {
        Assert.Equal(size, WireLayout.FixedSize(Item(item), Set));
        Assert.Equal(size, MaxSize(item));
    }

    [Theory]
    [InlineData("string max 10", 14)]
    [InlineData("string", long.MaxValue)]
    [InlineData("u16[] count \"n\" max 4", 8)]
    [InlineData("bytes[] max 9 codec C/1", 9)]
    [InlineData("bytes[] codec C/1", long.MaxValue)]
    [InlineData("bytes[] max 9", 4 + 9)]
    [InlineData("bytes[] count \"n\" max 9", 9)]
    [InlineData("bitmap[] count \"n\" max 100", 16)]
    [InlineData("Inner[3] nulls", 21)]
    [InlineData("Optional", 1 + 6 + 10 + 8)]
    [InlineData("Deep", 2 * 25)]
    [InlineData("list<Inner> max 3", 1 + 3 * 7)]
    [InlineData("tree<u64,Inner> max 2", 5 + 2 * 15)]
    [InlineData("Endless", long.MaxValue)]
    [InlineData("Unknown", long.MaxValue)]
    [InlineData("pad[4] count \"n\" max 3", 12)]
    public void A_size_that_varies_has_a_bound_or_none(string item, long size)
    {
        Assert.Null(WireLayout.FixedSize(Item(item), Set));
        Assert.Equal(size, MaxSize(item));
    }

    [Theory]
    [InlineData("u8[4]", true)]
    [InlineData("u8[4] when X", false)]
    [InlineData("Inner[4]", true)]
    [InlineData("Inner[4] every", false)]
    [InlineData("Optional[4]", false)]
    [InlineData("Deep[4]", false)]
    [InlineData("Endless[4]", false)]
    [InlineData("Unknown[4]", false)]
    public void An_array_is_described_by_its_first_element_if_nothing_in_it_is_conditional(string item, bool expected) =>
        Assert.Equal(expected, WireLayout.IsCompressible(Item(item), Set));

    [Fact]
    public void The_size_of_a_state_depends_on_the_version()
    {
        StateSchema inner = Set.Find("Inner")!;

        Assert.Equal((2L, 6L), (WireLayout.FixedSize(inner, 1, Set), WireLayout.FixedSize(inner, 2, Set)));
        Assert.Equal((2L, 6L), (WireLayout.MaxSize(inner, 1, Set), WireLayout.MaxSize(inner, 2, Set)));
        Assert.Null(WireLayout.FixedSize(Set.Find("Deep")!, 1, Set));
    }

    [Theory]
    [InlineData(ScalarKind.Bool, Expectation.None, "bool")]
    [InlineData(ScalarKind.I16, Expectation.None, "int16")]
    [InlineData(ScalarKind.U64, Expectation.Equal, "int64 equal")]
    [InlineData(ScalarKind.U8, Expectation.Equal, "uint8 equal")]
    [InlineData(ScalarKind.I32, Expectation.NotAbove, "int32 le")]
    [InlineData(ScalarKind.F64, Expectation.None, "float64")]
    public void A_trailer_names_the_type_as_QEMU_does(ScalarKind kind, Expectation expect, string name) => Assert.Equal(name, kind.TrailerName(expect));

    private static long MaxSize(string item) => WireLayout.MaxSize(new StateSchema { Key = "Test", Name = "test", Items = new[] { Item(item) }.ToEquatableArray() }, 1, Set);

    private static WireItem Item(string text) => SchemaParser.Parse($"T @state \"t\" version 9 min 0\nT#000 \"x\" {text}").Find("T")!.Items.Single();
}
