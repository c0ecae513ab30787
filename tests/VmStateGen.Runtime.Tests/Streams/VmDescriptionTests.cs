using System;
using System.Linq;
using System.Text;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Tests.Streams;

public sealed class VmDescriptionTests
{
    private static VmDescription Parse(string json) => VmDescription.Parse(Encoding.UTF8.GetBytes(json));

    /// <summary>A device "d" of these fields and, if given, subsections.</summary>
    private static VmDeviceDescription Device(string fields, string subsections = "")
    {
        var tail = subsections.Length > 0 ? $", \"subsections\": [{subsections}]" : "";
        return Parse($$"""{"devices": [{"name": "d", "instance_id": 0, "vmsd_name": "d", "version": 1, "fields": [{{fields}}]{{tail}}}]}""").Devices[0];
    }

    private static string Body(string name, string fields) => $$"""{"vmsd_name": "{{name}}", "version": 1, "fields": [{{fields}}]}""";

    private const string U8Field = """{"name": "x", "type": "uint8", "size": 1}""";

    private static string[] Paths(VmDeviceDescription device, byte[]? data = null) =>
        VmDescriptionFields.Enumerate(device, data).Select(f => $"{f.Path} {f.Offset}+{f.Size} {f.Type}").ToArray();

    [Fact]
    public void A_trailer_is_put_together_as_it_was()
    {
        var description = Parse(SyntheticStream.Json);
        Assert.Equal(4096, description.PageSize);
        Assert.Equal("configuration", description.Configuration!.Name);
        Assert.Equal(["early", "dev", "dev", "slirp"], description.Devices.Select(d => d.Name));
        Assert.Equal([1L, 24, 8, 3], description.Devices.Select(d => d.DataSize));
        Assert.Equal(SyntheticStream.Json, Encoding.UTF8.GetString(new VmDescriptionTrailer(description).ToJson()));
        Assert.Equal(1u, description.FindDevice("dev", 1)!.InstanceId);
        Assert.Null(description.FindDevice("dev", 2));
    }

    [Fact]
    public void A_trailer_of_new_pieces_has_the_separators_of_QEMU()
    {
        var trailer = new VmDescriptionTrailer();
        trailer.SetConfiguration("""{"vmsd_name": "configuration", "version": 1, "fields": []}"""u8.ToArray());
        trailer.SetPageSize(4096);
        trailer.Devices.Add("{\"a\": 1}"u8.ToArray());
        trailer.Devices.Add("{\"b\": 2}"u8.ToArray());
        Assert.Equal(
            """{"configuration": {"vmsd_name": "configuration", "version": 1, "fields": []}, "page_size": 4096, "devices": [{"a": 1}, {"b": 2}]}""",
            Encoding.UTF8.GetString(trailer.ToJson()));
        trailer.SetConfiguration(default);
        trailer.SetPageSize(16384);
        Assert.StartsWith("{\"page_size\": 16384, \"devices\": [", Encoding.UTF8.GetString(trailer.ToJson()), StringComparison.Ordinal);
    }

    [Fact]
    public void A_replaced_device_leaves_the_others_as_they_were()
    {
        var trailer = new VmDescriptionTrailer(Parse(SyntheticStream.Json));
        trailer.Devices[0] = "{}"u8.ToArray();
        var json = Encoding.UTF8.GetString(trailer.ToJson());
        Assert.EndsWith(SyntheticStream.Json[SyntheticStream.Json.IndexOf(", {\"name\": \"dev\"", StringComparison.Ordinal)..], json, StringComparison.Ordinal);
    }

    [Fact]
    public void Structs_subsections_and_runs_in_byte_order()
    {
        var device = Device(
            $$"""
            {"name": "parent_obj", "type": "struct", "struct": {"vmsd_name": "P", "version": 1, "fields": [{"name": "config", "type": "buffer", "size": 4}], "subsections": [{{Body("P/s", U8Field)}}]}, "size": 14},
            {"name": "ring", "array_len": 2, "type": "struct", "struct": {{Body("R", """{"name": "addr", "type": "uint64", "size": 8}, {"name": "v", "array_len": 2, "type": "uint8", "size": 1}""")}}, "size": 10}
            """,
            Body("d/last", U8Field));
        Assert.Equal(
            [
                "parent_obj/config 0+4 buffer", "parent_obj/P/s/x 13+1 uint8",
                "ring[0]/addr 14+8 uint64", "ring[0]/v[0] 22+1 uint8", "ring[0]/v[1] 23+1 uint8",
                "ring[1]/addr 24+8 uint64", "ring[1]/v[0] 32+1 uint8", "ring[1]/v[1] 33+1 uint8",
                "d/last/x 46+1 uint8",
            ],
            Paths(device));
        Assert.Equal(47, device.DataSize);
        var owners = VmDescriptionFields.Enumerate(device).Select(f => f.Owner).Distinct();
        Assert.Equal(["d", "P/s", "d/last"], owners);
        var end = 0L;
        foreach (var span in VmDescriptionFields.Spans(device))
        {
            Assert.Equal(end, span.Offset);
            end += span.Size;
        }
        Assert.Equal(device.DataSize, end);
    }

    private static string Drive(string index) => $$"""{"name": "drive", {{index}}"type": "struct", "struct": {{Body("Drive", U8Field)}}, "size": 1}""";

    [Theory]
    [InlineData(VmDescriptionDialect.Qemu72, "\"index\": 0, ", "\"index\": 1, ", "\"index\": 2, ")]
    [InlineData(VmDescriptionDialect.Qemu100, "\"index\": 0, ", "\"index\": 1, ", "")]
    [InlineData(VmDescriptionDialect.Qemu11, "", "", "")]
    public void An_array_described_element_by_element_in_each_dialect(VmDescriptionDialect dialect, string a, string b, string c)
    {
        var fields = $"{U8Field.Replace("\"x\"", "\"before\"", StringComparison.Ordinal)}, {Drive(a)}, {Drive(b)}, {Drive(c)}, {U8Field}";
        Assert.Equal(
            ["before 0+1 uint8", "drive[0]/x 1+1 uint8", "drive[1]/x 2+1 uint8", "drive[2]/x 3+1 uint8", "x 4+1 uint8"],
            Paths(Device(fields)));
        var description = Parse($$"""{"configuration": {{Body("configuration", "")}}, "devices": [{"name": "d", "instance_id": 0, "vmsd_name": "d", "version": 1, "fields": [{{fields}}]}]}""");
        Assert.Equal(dialect, VmDescriptionFields.DetectDialect(description));
    }

    [Theory]
    [InlineData("nullptr", VmDescriptionDialect.Qemu100)]
    [InlineData("ptr-marker", VmDescriptionDialect.Qemu11)]
    public void Runs_of_null_and_other_pointers_are_one_array(string type, VmDescriptionDialect dialect)
    {
        var fields = $$"""
            {"name": "p", "array_len": 2, "type": "uint16", "size": 2}, {"name": "p", "array_len": 2, "type": "{{type}}", "size": 1}, {"name": "p", "type": "uint16", "size": 2}
            """;
        Assert.Equal(["p[0] 0+2 uint16", "p[1] 2+2 uint16", $"p[2] 4+1 {type}", $"p[3] 5+1 {type}", "p[4] 6+2 uint16"], Paths(Device(fields)));
        Assert.Equal(dialect, VmDescriptionFields.DetectDialect(Parse($$"""{"devices": [{"name": "d", "instance_id": 0, "vmsd_name": "d", "version": 1, "fields": [{{fields}}]}]}""")));
    }

    [Fact]
    public void Markers_of_auto_allocated_pointers_belong_to_their_elements()
    {
        var marker = """{"name": "p", "type": "ptr-marker", "size": 1}""";
        var value = """{"name": "p", "type": "uint16", "size": 2}""";
        var device = Device($"{marker}, {value}, {marker}, {marker}, {value}");
        Assert.Equal(
            ["p[0] 1+2 uint16", "p[1] 3+1 ptr-marker", "p[2] 5+2 uint16"],
            Paths(device, [0x31, 0, 7, 0x30, 0x31, 0, 9]));
    }

    [Fact]
    public void Without_arrays_the_configuration_tells_the_dialect()
    {
        Assert.Equal(VmDescriptionDialect.Qemu72, VmDescriptionFields.DetectDialect(Parse("""{"page_size": 4096, "devices": []}""")));
        Assert.Equal(
            VmDescriptionDialect.Qemu100,
            VmDescriptionFields.DetectDialect(Parse($$"""{"configuration": {{Body("configuration", "")}}, "devices": []}""")));
    }

    [Fact]
    public void A_list_repeats_its_keys_and_marks_its_elements()
    {
        var element = "\"vmsd_name\": \"e\", \"version\": 1, \"fields\": [" + U8Field + "]";
        var device = Device($$"""{"name": "q", "type": "qtailq", {{element}}, {{element}}, {{element}}, "size": 7}, {"name": "empty", "type": "qtailq", "size": 1}, {{U8Field}}""");
        Assert.Equal(["q[0]/x 1+1 uint8", "q[1]/x 3+1 uint8", "q[2]/x 5+1 uint8", "x 8+1 uint8"], Paths(device, [1, 9, 1, 8, 1, 7, 0, 0, 5]));
        var e = Assert.Throws<VmStateException>(() => Paths(device, [1, 9, 0, 8, 1, 7, 0, 0, 5]));
        Assert.Equal("d › q[1]: expected the marker 0x01, found 0x00 at offset 0x2", e.Message);
    }

    [Fact]
    public void Trees_with_direct_and_described_keys()
    {
        var value = "\"vmsd_name\": \"v\", \"version\": 1, \"fields\": [" + U8Field + "]";
        var key = "\"vmsd_name\": \"k\", \"version\": 1, \"fields\": [{\"name\": \"id\", \"type\": \"uint32\", \"size\": 4}]";
        var direct = Device($$"""{"name": "t", "type": "gtree", {{value}}, {{value}}, "size": 25}""");
        Assert.Equal(["t[0]/key 5+8 uint64", "t[0]/value/x 13+1 uint8", "t[1]/key 15+8 uint64", "t[1]/value/x 23+1 uint8"], Paths(direct));
        var described = Device($$"""{"name": "t", "type": "gtree", {{key}}, {{value}}, "size": 11}""");
        Assert.Equal(["t[0]/key/id 5+4 uint32", "t[0]/value/x 9+1 uint8"], Paths(described, [0, 0, 0, 1, 1, 0, 0, 0, 7, 5, 0]));
        Assert.Throws<VmStateException>(() => Paths(described, [0, 0, 0, 2, 1, 0, 0, 0, 7, 5, 0]));
    }

    [Fact]
    public void Inline_bodies_and_types_that_describe_only_part()
    {
        var element = "\"vmsd_name\": \"e\", \"version\": 1, \"fields\": [" + U8Field + "]";
        Assert.Equal(["t/x 0+1 uint8", "v/x 1+1 uint8"], Paths(Device($$"""{"name": "t", "type": "tmp", {{element}}, "size": 1}, {"name": "v", "type": "vstruct", {{element}}, "size": 1}""")));
        Assert.Equal(["c 0+9 custom"], Paths(Device($$"""{"name": "c", "type": "custom", {{element}}, "size": 9}""")));
        Assert.Equal(["q 0+9 qtailq"], Paths(Device($$"""{"name": "q", "type": "qtailq", {{element}}, "size": 9}""")));
    }

    [Fact]
    public void A_subsection_header_in_the_data_is_checked()
    {
        var device = Device("", Body("d/s", U8Field));
        byte[] Data(byte type, string name, uint version) => new Bytes().U8(type).Name(name).Be32(version).U8(1).ToArray();
        Assert.Equal(["d/s/x 9+1 uint8"], Paths(device, Data(5, "d/s", 1)));
        Assert.Throws<VmStateException>(() => Paths(device, Data(4, "d/s", 1)));
        Assert.Throws<VmStateException>(() => Paths(device, Data(5, "d/t", 1)));
        Assert.Throws<VmStateException>(() => Paths(device, Data(5, "d/s", 2)));
        Assert.Throws<VmStateException>(() => Paths(device, [1, 2, 3]));
    }

    [Fact]
    public void A_struct_that_does_not_add_up_is_refused()
    {
        var e = Assert.Throws<VmStateException>(() => Paths(Device($$"""{"name": "s", "type": "struct", "struct": {{Body("S", U8Field)}}, "size": 2}""")));
        Assert.Equal("d › s: expected 2 bytes, the size of the field, found 1 in its fields at offset 0x0", e.Message);
    }

    [Fact]
    public void A_field_is_found_by_its_path()
    {
        var device = Device($"{Drive("\"index\": 0, ")}, {U8Field}");
        Assert.True(VmDescriptionFields.TryFind(device, "drive[0]/x", out var field));
        Assert.True(VmDescriptionFields.TryFind(device, "drive/x", out var loose));
        Assert.Equal(field, loose);
        Assert.False(VmDescriptionFields.TryFind(device, "drive[1]/x", out _));
        Assert.True(VmDescriptionFields.TryFind(device, "x", out field));
        Assert.Equal(1, field.Offset);
        Assert.False(VmDescriptionFields.TryFind(device, "y", out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"devices": {}}""")]
    [InlineData("""{"devices": [], "devices": []}""")]
    [InlineData("""{"devices": []} x""")]
    [InlineData("""{"page_size": 3000, "devices": []}""")]
    [InlineData("""{"page_size": 1e3, "devices": []}""")]
    [InlineData("""{"devices": [{}]}""")]
    [InlineData("""{"devices": [{"name": "a", "instance_id": 0}]}""")]
    [InlineData("""{"devices": [{"name": "a", "instance_id": 5000000000, "size": 0, "fields": []}]}""")]
    [InlineData("""{"devices": [{"name": "a", "instance_id": 0, "size": 1, "fields": []}]}""")]
    [InlineData("""{"devices": [{"name": "a\n", "instance_id": 0, "size": 0, "fields": []}]}""")]
    [InlineData("""{"devices": [{"name": "\ud800", "instance_id": 0, "size": 0, "fields": []}]}""")]
    [InlineData("""{"devices": [{"name": "a", "instance_id": 0, "vmsd_name": "a", "version": 1, "fields": [{"name": "x"}]}]}""")]
    [InlineData("""{"devices": [{"name": "a", "instance_id": 0, "vmsd_name": "a", "version": 1, "fields": [{"name": "x", "type": "uint8", "size": -1}]}]}""")]
    [InlineData("""{"devices": [{"name": "a", "instance_id": 0, "vmsd_name": "a", "version": 1, "fields": [{"name": "x", "type": "uint8", "size": 1, "size": 1}]}]}""")]
    [InlineData("""{"devices": [{"name": "a", "instance_id": 0, "vmsd_name": "a", "version": 1, "fields": [{"name": "x", "type": "uint8", "size": 2147483647, "array_len": 2147483647}]}]}""")]
    public void What_is_no_description_is_refused(string json)
    {
        var e = Assert.Throws<VmStateException>(() => Parse(json));
        Assert.StartsWith("vmdescription", e.FieldPath, StringComparison.Ordinal);
    }

    [Fact]
    public void Nesting_without_end_is_refused()
    {
        var text = "{\"devices\": [{\"name\": \"a\", \"instance_id\": 0, \"fields\": ["
            + string.Concat(Enumerable.Repeat("{\"name\": \"x\", \"struct\": {\"fields\": [", 100_000));
        Assert.Throws<VmStateException>(() => Parse(text));
        Assert.Throws<VmStateException>(() => Parse("{\"x\": " + new string('[', 100_000)));
    }

    [Fact]
    public void Counts_beyond_the_bytes_do_not_hang()
    {
        // Without bytes: one entry, whatever the count says.
        Assert.Single(Paths(Device("""{"name": "x", "type": "uint8", "size": 0, "array_len": 2147483647}""")));
        // A struct of nothing, many times, in a struct of one byte, many times.
        var nothing = string.Join(", ", Enumerable.Range(0, 50).Select(i => $$"""{"name": "n{{i}}", "type": "buffer", "size": 0}"""));
        var device = Device($$"""{"name": "s", "array_len": 2000000000, "type": "struct", "struct": {{Body("S", $"{U8Field}, {nothing}")}}, "size": 1}""");
        Assert.Throws<VmStateException>(() => VmDescriptionFields.Enumerate(device).Count());
    }
}
