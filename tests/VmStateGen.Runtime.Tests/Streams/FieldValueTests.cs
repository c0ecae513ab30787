using System;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Tests.Streams;

public sealed class FieldValueTests
{
    [Theory]
    [InlineData("bool", "00", "false")]
    [InlineData("bool", "01", "true")]
    [InlineData("bool", "02", "0x02")]
    [InlineData("int8", "80", "-128")]
    [InlineData("uint8", "ff", "255")]
    [InlineData("uint8 equal", "ff", "255")]
    [InlineData("int16", "fffe", "-2")]
    [InlineData("uint16", "fffe", "65534")]
    [InlineData("uint16 equal", "0102", "258")]
    [InlineData("int32", "80000000", "-2147483648")]
    [InlineData("int32 le", "00000002", "2")]
    [InlineData("int32 equal", "ffffffff", "-1")]
    [InlineData("uint32", "80000000", "2147483648")]
    [InlineData("uint32 equal", "00000007", "7")]
    [InlineData("int64", "8000000000000000", "-9223372036854775808")]
    [InlineData("uint64", "ffffffffffffffff", "18446744073709551615")]
    [InlineData("int64 equal", "ffffffffffffffff", "18446744073709551615")]
    [InlineData("uint64", "30", "30")]
    [InlineData("timer", "ffffffffffffffff", "none")]
    [InlineData("timer", "00000000000003e8", "1000")]
    [InlineData("CPU_Double_U", "3ff8000000000000", "1.5")]
    [InlineData("float64", "8000000000000000", "-0")]
    [InlineData("float64", "7ff0000000000000", "0x7ff0000000000000")]
    [InlineData("float64", "7ff8000000000001", "0x7ff8000000000001")]
    [InlineData("buffer", "00ab", "00ab")]
    [InlineData("bitmap", "0000000000000001", "0000000000000001")]
    [InlineData("pci config", "8680", "8680")]
    [InlineData("uint32", "0102", "0102")]
    [InlineData("nullptr", "30", "30")]
    [InlineData("buffer", "", "")]
    public void A_value_is_printed_and_read_back(string type, string bytes, string text)
    {
        var value = Convert.FromHexString(bytes);
        Assert.Equal(text, FieldValue.Format(type, value));
        Assert.Equal(value, FieldValue.Parse(type, value.Length, text));
    }

    [Theory]
    [InlineData("int8", 1, "0x80", "80")]
    [InlineData("int8", 1, "-1", "ff")]
    [InlineData("int16", 2, "0x7fff", "7fff")]
    [InlineData("uint32", 4, "0xDEADBEEF", "deadbeef")]
    [InlineData("int64", 8, "0xffffffffffffffff", "ffffffffffffffff")]
    [InlineData("bool", 1, "1", "01")]
    [InlineData("timer", 8, "0xffffffffffffffff", "ffffffffffffffff")]
    [InlineData("float64", 8, "1e3", "408f400000000000")]
    [InlineData("buffer", 2, "0xABCD", "abcd")]
    public void Other_ways_to_write_a_value(string type, int size, string text, string bytes)
    {
        Assert.Equal(Convert.FromHexString(bytes), FieldValue.Parse(type, size, text));
    }

    [Theory]
    [InlineData("uint8", 1, "256", "expected uint8, 0 to 255, found \"256\"")]
    [InlineData("uint8", 1, "-1", "expected uint8, 0 to 255, found \"-1\"")]
    [InlineData("int8", 1, "128", "expected int8, -128 to 127, found \"128\"")]
    [InlineData("int8", 1, "0x100", "expected int8, -128 to 127, found \"0x100\"")]
    [InlineData("int64", 8, "9223372036854775808", "expected int64, -9223372036854775808 to 9223372036854775807, found \"9223372036854775808\"")]
    [InlineData("uint64", 8, "18446744073709551616", "expected uint64, 0 to 18446744073709551615, found \"18446744073709551616\"")]
    [InlineData("timer", 8, "never", "expected timer, 0 to 18446744073709551615 or none, found \"never\"")]
    [InlineData("bool", 1, "yes", "expected true or false, found \"yes\"")]
    [InlineData("uint32", 4, " 1", "expected uint32, 0 to 4294967295, found \" 1\"")]
    [InlineData("uint32", 4, "", "expected uint32, 0 to 4294967295, found \"\"")]
    [InlineData("uint32", 4, "0x", "expected uint32, 0 to 4294967295, found \"0x\"")]
    [InlineData("float64", 8, "1e999", "expected float64, a decimal number or 16 hex digits after 0x, found \"1e999\"")]
    [InlineData("buffer", 2, "abc", "expected buffer, 4 hex digits, found \"abc\"")]
    [InlineData("buffer", 2, "abcg", "expected buffer, 4 hex digits, found \"abcg\"")]
    public void What_does_not_fit_is_refused(string type, int size, string text, string problem)
    {
        Assert.False(FieldValue.TryParse(type, size, text, out _, out var found));
        Assert.Equal(problem, found);
        Assert.Equal(problem, Assert.Throws<VmStateException>(() => FieldValue.Parse(type, size, text)).Message);
    }

    [Fact]
    public void Whatever_the_bytes_the_text_gives_them_back()
    {
        string[] types = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "int64 equal", "int32 le", "timer", "CPU_Double_U", "float64", "buffer", "new type"];
        var random = new Random(3);
        for (var i = 0; i < 20_000; i++)
        {
            var type = types[random.Next(types.Length)];
            var value = new byte[1 << random.Next(4)];
            random.NextBytes(value);
            var text = FieldValue.Format(type, value);
            Assert.True(FieldValue.TryParse(type, value.Length, text, out var back, out var problem), $"{type} {text}: {problem}");
            Assert.Equal(value, back);
        }
    }
}
