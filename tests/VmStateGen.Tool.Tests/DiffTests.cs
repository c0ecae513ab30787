using System;
using System.Linq;
using System.Text.Json;
using VmStateGen.Runtime.Tests.Streams;

namespace VmStateGen.Tool.Tests;

public sealed class DiffTests : FolderTest
{
    [Fact]
    public void A_stream_is_the_same_as_itself()
    {
        string path = Write("a.mig", ToolStream.Make());
        (int code, string output, string errors) = Cli.Run("diff", path, path);
        Assert.Equal((0, "no difference\n", ""), (code, output, errors));
        Assert.True(Cli.Json("diff", path, path, "--json").GetProperty("same").GetBoolean());
    }

    [Fact]
    public void A_field_and_a_page_that_differ_are_named_and_nothing_else()
    {
        byte[] stream = ToolStream.Make();
        byte[] changed = (byte[])stream.Clone();
        changed[stream.AsSpan().IndexOf(new byte[] { 0xDE, 0xAD, 0xBE, 0xEF })] = 0xDF;
        changed[stream.AsSpan().IndexOf((byte)0x5A) + 100] = 0;

        string a = Write("a.mig", stream);
        string b = Write("b.mig", changed);
        JsonElement diff = Cli.Json("diff", a, b, "--json", "--pages");

        JsonElement section = diff.GetProperty("sections").EnumerateArray().Single();
        Assert.Equal("dev", section.GetProperty("section").GetString());
        JsonElement field = section.GetProperty("fields").EnumerateArray().Single();
        Assert.Equal("a", field.GetProperty("path").GetString());
        Assert.Equal("3752705775 (0xdfadbeef)", field.GetProperty("b").GetString());
        JsonElement range = diff.GetProperty("ram").EnumerateArray().Single().GetProperty("ranges").EnumerateArray().Single();
        Assert.Equal((2 * 4096, 4096), (range.GetProperty("offset").GetInt64(), range.GetProperty("length").GetInt64()));

        (int code, string output, _) = Cli.Run("diff", a, b, "--pages");
        Assert.Equal(1, code);
        Assert.Contains("pc.ram 0x2000–0x3000 (1 page)", output, StringComparison.Ordinal);
        Assert.Contains("1 fields, 0 sections and 1 pages differ", output, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_ignored_is_no_difference()
    {
        byte[] stream = ToolStream.Make();
        byte[] changed = (byte[])stream.Clone();
        changed[stream.AsSpan().IndexOf(new byte[] { 0xDE, 0xAD, 0xBE, 0xEF })] = 0xDF;
        changed[stream.AsSpan().IndexOf((byte)0x5A) + 100] = 0;
        string a = Write("a.mig", stream);
        string b = Write("b.mig", changed);

        Assert.Equal(1, Cli.Run("diff", a, b, "--ignore", "dev/a").Code);
        (int code, string output, _) = Cli.Run("diff", a, b, "--ignore", "dev/a", "--ignore", "ram/*");
        Assert.Equal((0, "no difference; 2 ignored\n"), (code, output));
    }

    [Fact]
    public void Sections_are_matched_wherever_they_stand_and_missing_ones_named()
    {
        const string Json = """{"name": "NAME", "instance_id": 0, "vmsd_name": "NAME", "version": 1, "fields": [{"name": "x", "type": "uint8", "size": 1}]}""";
        byte[] Make(params string[] names)
        {
            Bytes bytes = new Bytes().Header();
            uint id = 0;
            foreach (string name in names)
                bytes.Section(0x04, ++id, name, 0, 1).U8((byte)name.Length).Footer(id);
            return bytes.U8(0).Trailer($$"""{"page_size": 4096, "devices": [{{string.Join(", ", names.Select(name => Json.Replace("NAME", name, StringComparison.Ordinal)))}}]}""").ToArray();
        }

        string one = Write("1", Make("a", "bb", "ccc"));
        Assert.Equal(0, Cli.Run("diff", one, Write("2", Make("ccc", "a", "bb"))).Code);
        JsonElement diff = Cli.Json("diff", one, Write("3", Make("dddd", "ccc", "a")), "--json");
        Assert.Equal(
            ["bb True False", "dddd False True"],
            diff.GetProperty("sections").EnumerateArray().Select(section => $"{section.GetProperty("section")} {section.GetProperty("in_a")} {section.GetProperty("in_b")}"));
        Assert.Equal(0, Cli.Run("diff", one, PathOf("3"), "--ignore", "bb", "--ignore", "dddd/*").Code);
    }

    [Fact]
    public void A_damaged_stream_is_not_compared()
    {
        byte[] stream = ToolStream.Make();
        (int code, string output, string errors) = Cli.Run("diff", Write("a.mig", stream), Write("b.mig", stream[..(stream.Length / 2)]));
        Assert.Equal((1, ""), (code, output));
        Assert.Contains("b.mig", errors, StringComparison.Ordinal);
    }
}
