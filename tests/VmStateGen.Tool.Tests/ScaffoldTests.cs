using System;
using System.IO;
using System.Linq;
using VmStateGen.Runtime.Tests.Streams;
using VmStateGen.Tool.Inspection;

namespace VmStateGen.Tool.Tests;

public sealed class ScaffoldTests : FolderTest
{
    [Fact]
    public void Every_section_of_a_stream_compiles_and_round_trips()
    {
        StreamReport report = StreamInspector.Inspect("x", new MemoryStream(ToolStream.Make()), new InspectionOptions());
        Assert.Equal(["slirp"], ScaffoldCheck.CheckAll(report));
    }

    [Fact]
    public void Base_nested_arrays_subsections_padding_and_comparisons()
    {
        string source = Check(
            """
            {"name": "parent_obj", "type": "struct", "struct": {"vmsd_name": "Base", "version": 2, "fields": [{"name": "id", "type": "int32 le", "size": 4}]}, "size": 4},
            {"name": "unused[0]", "type": "unused_buffer", "size": 2}, {"name": "ready", "type": "bool", "size": 1},
            {"name": "lock", "array_len": 2, "type": "uint8", "size": 1}, {"name": "t", "type": "timer", "size": 8},
            {"name": "chan", "array_len": 2, "type": "struct", "struct": {"vmsd_name": "chan", "version": 1, "fields": [{"name": "n", "type": "uint16", "size": 2}]}, "size": 2},
            {"name": "list", "type": "qtailq", "size": 1}, {"name": "env.x[1]", "type": "CPU_Double_U", "size": 8}, {"name": "n", "type": "uint8 equal", "size": 1},
            {"name": "unused[1]", "type": "unused_buffer", "size": 1}
            """,
            """, "subsections": [{"vmsd_name": "dev/sub", "version": 3, "fields": [{"name": "b", "type": "buffer", "size": 3}]}]""",
            new Bytes().Be32(2).Be16(0).U8(1).U8(4, 5).Be64(77).Be16(8).Be16(9).U8(0).Be64(0x3FF8000000000000).U8(42).U8(0)
                .U8(0x05).Name("dev/sub").Be32(3).U8(1, 2, 3));

        foreach (string expected in new[]
        {
            "class Dev : Base", "Expect = Expect.NotAbove)] private int id = 2;", "[Removed(\"unused\", 2)]", "[Removed(\"unused\", 1, AtEnd = true)]",
            "Length = 2, As = WireType.U8", "private VmTimer t;", "partial struct Chan", "Opaque: a list, empty", "TypeName = \"CPU_Double_U\"", "Expect = Expect.Equal)] private byte n = 42;",
            "Present = nameof(hasSub)", "To be decided",
        })
        {
            Assert.Contains(expected, source, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Elements_that_lack_a_field_are_told_apart_by_another()
    {
        const string With = """{"vmsd_name": "d", "version": 1, "fields": [{"name": "set", "type": "uint8", "size": 1}, {"name": "data", "type": "buffer", "size": 2}]}""";
        const string Without = """{"vmsd_name": "d", "version": 1, "fields": [{"name": "set", "type": "uint8", "size": 1}]}""";
        string source = Check(
            $$"""{"name": "d", "index": 0, "type": "struct", "struct": {{With}}, "size": 3}, {"name": "d", "type": "struct", "struct": {{Without}}, "size": 1}""",
            "", new Bytes().U8(1, 7, 8, 0));
        Assert.Contains("HasData => set != 0;", source, StringComparison.Ordinal);
    }

    [Fact]
    public void Elements_that_nothing_tells_apart_become_single_members()
    {
        const string One = """{"vmsd_name": "d", "version": 1, "fields": [{"name": "a", "type": "uint8", "size": 1}]}""";
        const string Two = """{"vmsd_name": "d", "version": 1, "fields": [{"name": "b", "type": "uint16", "size": 2}]}""";
        string source = Check(
            $$"""{"name": "d", "index": 0, "type": "struct", "struct": {{One}}, "size": 1}, {"name": "d", "type": "struct", "struct": {{Two}}, "size": 2}""",
            "", new Bytes().U8(1, 7, 8), isAlike: false);
        Assert.Contains("[Field(\"d[0]\")] private readonly D d0", source, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_that_csharp_cannot_have_are_made_up()
    {
        string source = Check(
            """
            {"name": "class", "type": "uint8", "size": 1}, {"name": "a.b", "type": "uint8", "size": 1}, {"name": "a_b", "type": "uint8", "size": 1},
            {"name": "dev", "type": "uint8", "size": 1}, {"name": "4", "type": "uint8", "size": 1}, {"name": "-", "type": "uint8", "size": 1}, {"name": "q\\", "type": "uint8", "size": 1},
            {"name": "empty", "type": "buffer", "size": 0}, {"name": "field", "type": "uint8", "size": 1}, {"name": "load", "type": "uint8", "size": 1}
            """,
            "", new Bytes().U8(1, 2, 3, 4, 5, 6, 7, 8, 9));
        Assert.Contains("[Field(\"a_b\")] private byte aB2;", source, StringComparison.Ordinal);
    }

    [Fact]
    public void A_section_goes_to_standard_output_or_a_file()
    {
        string stream = Write("a.mig", ToolStream.Make());
        (int code, string output, string errors) = Cli.Run("scaffold", stream, "--device", "dev#1", "--namespace", "Acme.Devices");
        Assert.Equal((0, ""), (code, errors));
        Assert.Contains("namespace Acme.Devices;", output, StringComparison.Ordinal);
        Assert.Equal(0, Cli.Run("scaffold", stream, "--device", "dev#1", "--namespace", "Acme.Devices", "--output", PathOf("Dev.cs")).Code);
        Assert.Equal(output, File.ReadAllText(PathOf("Dev.cs")));
        Assert.Equal(1, Cli.Run("scaffold", stream, "--device", "nobody", "--output", PathOf("Nobody.cs")).Code);
        Assert.Equal(2, Cli.Run("scaffold", stream, "--device", "dev", "--namespace", "a b").Code);
        Assert.Equal(4, Cli.Run("scaffold", stream, "--device", "dev", "--output", PathOf("no/folder.cs")).Code);
        Assert.Equal(["Dev.cs", "a.mig"], Directory.GetFiles(Path.GetDirectoryName(stream)!).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    /// <summary>Scaffolds a section <c>dev</c> of these fields and tries the class on these bytes.</summary>
    private static string Check(string fields, string subsections, Bytes data, bool isAlike = true)
    {
        byte[] stream = new Bytes().Header().Section(0x04, 1, "dev", 0, 1).U8(data.ToArray()).Footer(1).U8(0)
            .Trailer($$"""{"configuration": {"vmsd_name": "configuration", "version": 1, "fields": []}, "page_size": 4096, "devices": [{"name": "dev", "instance_id": 0, "vmsd_name": "dev", "version": 1, "fields": [{{fields.Replace("\n", " ", StringComparison.Ordinal)}}]{{subsections}}}]}""").ToArray();
        StreamReport report = StreamInspector.Inspect("x", new MemoryStream(stream), new InspectionOptions());
        Assert.Equal(isAlike ? [] : ["dev"], ScaffoldCheck.CheckAll(report));
        return Commands.ScaffoldCommand.Scaffold(report.Parts.Select(part => part.Data).OfType<SectionData>().Single(), "Devices", "x", null).Source;
    }
}
