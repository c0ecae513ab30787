using System;
using System.Linq;

namespace VmStateGen.Schema.Tests;

/// <summary>Places in the wire order, compared number by number.</summary>
public class ItemNumberTests
{
    [Fact]
    public void What_was_inserted_stands_between_what_had_shipped()
    {
        string[] ordered = ["000", "002", "003", "003.1", "003.1.1", "003.2", "003.10", "004", "010", "099", "100", "1000"];

        string[] sorted = [.. ordered.Reverse().Select(Number).OrderBy(number => number).Select(number => number.ToString())];

        Assert.Equal(ordered, sorted);
    }

    [Theory]
    [InlineData("3", "003")]
    [InlineData("0003", "003")]
    [InlineData("12345", "12345")]
    [InlineData("003.01", "003.1")]
    public void One_place_has_one_text(string text, string canonical)
    {
        Assert.Equal(canonical, Number(text).ToString());
        Assert.Equal(Number(canonical), Number(text));
        Assert.Equal(Number(canonical).GetHashCode(), Number(text).GetHashCode());
        Assert.Equal(0, Number(canonical).CompareTo(Number(text)));
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("3.")]
    [InlineData(".3")]
    [InlineData("-3")]
    [InlineData("+3")]
    [InlineData(" 3")]
    [InlineData("3x")]
    [InlineData("٣")]
    [InlineData("1234567890")]
    public void Anything_else_is_no_place(string text) => Assert.False(ItemNumber.TryParse(text, out _));

    [Fact]
    public void Without_a_value_it_is_the_first_place()
    {
        Assert.Equal(new ItemNumber(0), default);
        Assert.Equal("000", default(ItemNumber).ToString());
        Assert.Equal(0, default(ItemNumber).CompareTo(Number("000")));
        Assert.True(default(ItemNumber).CompareTo(Number("000.1")) < 0);
    }

    private static ItemNumber Number(string text) =>
        ItemNumber.TryParse(text, out ItemNumber number) ? number : throw new ArgumentException(text);
}
