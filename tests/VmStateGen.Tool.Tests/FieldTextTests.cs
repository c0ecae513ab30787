using System;
using VmStateGen.Tool.Diffing;
using VmStateGen.Tool.Inspection;
using VmStateGen.Tool.Scaffolding;

namespace VmStateGen.Tool.Tests;

public sealed class FieldTextTests
{
    [Theory]
    [InlineData("uint8", "07", "7")]
    [InlineData("uint32", "deadbeef", "3735928559 (0xdeadbeef)")]
    [InlineData("int32", "fffffffe", "-2")]
    [InlineData("uint32 equal", "00000010", "16 (0x10)")]
    [InlineData("bool", "01", "true")]
    [InlineData("bool", "02", "02")]
    [InlineData("timer", "ffffffffffffffff", "not armed")]
    [InlineData("timer", "000000003b9aca01", "1.000000001 s")]
    [InlineData("buffer", "72756e6e696e6700", "72756e6e 696e6700 \"running\"")]
    [InlineData("pci irq state", "00000000000000000000000000000000", "16 bytes of 00")]
    [InlineData("uint64", "30", "30")]
    public void Values_are_printed_by_their_type(string type, string hex, string expected)
        => Assert.Equal(expected, FieldText.Of(type, Convert.FromHexString(hex)));

    [Fact]
    public void Long_values_that_differ_print_differently()
    {
        byte[] one = new byte[1000];
        one[0] = 1;
        byte[] two = (byte[])one.Clone();
        two[999] = 1;
        Assert.NotEqual(FieldText.Of("buffer", one), FieldText.Of("buffer", two));
    }

    [Theory]
    [InlineData("timer/*", "timer/cpu_clock_offset", true)]
    [InlineData("*/config[0]", "0000:00:03.0/e1000/parent_obj/config[0]", true)]
    [InlineData("*/config[0]", "x/config0", false)]
    [InlineData("ti?er/*", "timer/a", true)]
    [InlineData("timer", "timer/a", false)]
    [InlineData("**a**", "bab", true)]
    public void Patterns_match_whole_paths(string pattern, string text, bool expected)
        => Assert.Equal(expected, IgnorePatterns.Matches(pattern, text));

    [Theory]
    [InlineData("pit channel", "PitChannel")]
    [InlineData("PCIDevice", "PCIDevice")]
    [InlineData("IDE bus", "IdeBus")]
    [InlineData("16550A", "State16550a")]
    [InlineData("field", "FieldState")]
    [InlineData("e1000/mit_state", "E1000MitState")]
    [InlineData("", "State")]
    public void Class_names_are_csharp(string wireName, string expected)
        => Assert.Equal(expected, Identifiers.Class(wireName, new System.Collections.Generic.HashSet<string>()));

    [Theory]
    [InlineData("env.cr[0]", "envCr0")]
    [InlineData("rxbuf_size", "rxbufSize")]
    [InlineData("lock", "lockValue")]
    [InlineData("8bit", "n8bit")]
    [InlineData("IRR", "irr")]
    public void Member_names_are_csharp(string wireName, string expected)
        => Assert.Equal(expected, Identifiers.Member(wireName, new System.Collections.Generic.HashSet<string>()));
}
