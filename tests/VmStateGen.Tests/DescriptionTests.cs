using System.Buffers;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Text.Json;

namespace VmStateGen.Tests;

/// <summary>The JSON that describes what was saved, in QEMU's three dialects (qemu-migration.md §4.1).</summary>
public class DescriptionTests
{
    private static readonly VmDescriptionDialect[] Dialects = [VmDescriptionDialect.Qemu72, VmDescriptionDialect.Qemu100, VmDescriptionDialect.Qemu11];

    [Fact]
    public void A_device_has_its_name_with_path_its_instance_and_its_fields() => AssertEveryDialect(
        """
        {"name": "0000:00:03.0/simple", "instance_id": 2, "vmsd_name": "simple", "version": 3, "fields": [
        {"name": "flag", "type": "bool", "size": 1}, {"name": "number", "type": "int16", "size": 2},
         {"name": "time", "type": "timer", "size": 8},
         {"name": "same", "type": "int64 equal", "size": 8}, {"name": "limit", "type": "int32 le", "size": 4},
         {"name": "ratio", "type": "CPU_Double_U", "size": 8}, {"name": "angle", "type": "angle", "size": 2}]}
        """,
        new Simple(), "0000:00:03.0/simple", 2);

    /// <summary>As both releases answer a QMP command of that name (qemu-migration.md §14).</summary>
    [Fact]
    public void Names_are_escaped_as_QEMU_does()
    {
        var text = new ArrayBufferWriter<byte>();
        var writer = new VmDescriptionWriter(text, VmDescriptionDialect.Qemu100);
        writer.BeginFields();
        writer.Field("a\"b\\c/d\u0001e\u007ff\u00e9g\u20ach\b\f\n\r\ti\ud83d\ude00<&+'"u8, "x"u8, 1);
        writer.EndFields();
        string json = Encoding.ASCII.GetString(text.WrittenSpan);
        Assert.Contains("""
            "a\"b\\c/d\u0001e\u007Ff\u00E9g\u20ACh\b\f\n\r\ti\uD83D\uDE00<&+'"
            """, json, System.StringComparison.Ordinal);
    }

    [Fact]
    public void An_array_that_is_alike_everywhere_is_one_object_and_a_buffer_is_a_field() => AssertEveryDialect(
        """
        {"name": "x", "instance_id": 0, "vmsd_name": "alike", "version": 1, "fields": [
        {"name": "numbers", "array_len": 3, "type": "uint16", "size": 2}, {"name": "one", "type": "uint16", "size": 2},
         {"name": "buffer", "type": "buffer", "size": 4},
         {"name": "points", "array_len": 2, "type": "struct", "struct": {"vmsd_name": "point", "version": 1, "fields": [
        {"name": "high", "type": "uint8", "size": 1}, {"name": "low", "type": "uint8", "size": 1}]}, "size": 2},
         {"name": "after", "type": "uint8", "size": 1}]}
        """,
        new Alike());

    [Theory]
    [InlineData(VmDescriptionDialect.Qemu72, "\"index\": 0, ", "\"index\": 1, ")]
    [InlineData(VmDescriptionDialect.Qemu100, "\"index\": 0, ", "")]
    [InlineData(VmDescriptionDialect.Qemu11, "", "")]
    public void An_array_with_conditions_is_an_object_for_each_element(VmDescriptionDialect dialect, string first, string second) => AssertDescribes(
        $$"""
        {"name": "x", "instance_id": 0, "vmsd_name": "conditional_arrays", "version": 1, "fields": [
        {"name": "numbers", {{first}}"type": "uint16", "size": 2}, {"name": "numbers", {{second}}"type": "uint16", "size": 2},
         {"name": "cells", {{first}}"type": "struct", "struct": {"vmsd_name": "nic/maybe", "version": 1, "fields": [
        {"name": "value", "type": "uint8", "size": 1}], "subsections": [{"vmsd_name": "nic/maybe/deep", "version": 1, "fields": [
        {"name": "deep", "type": "uint8", "size": 1}]}]}, "size": 22},
         {"name": "cells", {{second}}"type": "struct", "struct": {"vmsd_name": "nic/maybe", "version": 1, "fields": [
        {"name": "value", "type": "uint8", "size": 1}]}, "size": 1}]}
        """,
        new ConditionalArrays(), dialect);

    [Fact]
    public void Names_that_several_fields_of_one_state_share_are_numbered_and_padding_is_unused() => AssertEveryDialect(
        """
        {"name": "x", "instance_id": 0, "vmsd_name": "twins", "version": 1, "fields": [
        {"name": "x[0]", "type": "uint8", "size": 1}, {"name": "unused[0]", "type": "unused_buffer", "size": 2},
         {"name": "other", "type": "uint8", "size": 1}, {"name": "x[1]", "type": "uint16", "size": 2},
         {"name": "unused[1]", "type": "unused_buffer", "size": 3}],
         "subsections": [{"vmsd_name": "twins/sub", "version": 2, "fields": [{"name": "x", "type": "uint8", "size": 1}]}]}
        """,
        new Twins());

    [Fact]
    public void A_state_whose_version_the_use_site_fixes_stands_in_the_field_itself() => AssertEveryDialect(
        """
        {"name": "x", "instance_id": 0, "vmsd_name": "fixed", "version": 1, "fields": [
        {"name": "growing", "type": "vstruct", "vmsd_name": "growing", "version": 1, "fields": [
        {"name": "old", "type": "uint8", "size": 1}], "size": 1}, {"name": "last", "type": "uint8", "size": 1}]}
        """,
        new FixedVersion());

    [Fact]
    public void Only_what_is_saved_is_described()
    {
        AssertEveryDialect(
            """
            {"name": "x", "instance_id": 0, "vmsd_name": "counted", "version": 1, "fields": [
            {"name": "used", "type": "uint8", "size": 1}, {"name": "after", "type": "uint16", "size": 2}]}
            """,
            new Counted());
        AssertEveryDialect(
            """
            {"name": "x", "instance_id": 0, "vmsd_name": "when_field", "version": 1, "fields": [
            {"name": "has_flash", "type": "bool", "size": 1}, {"name": "last", "type": "uint8", "size": 1}]}
            """,
            new WhenField());
    }

    [Fact]
    public void An_older_version_is_described_as_it_was_saved()
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new VmDescriptionWriter(output, VmDescriptionDialect.Qemu100);

        writer.Device("spans", 0, new Spans(), version: 1);

        Assert.Equal(
            "{\"name\": \"spans\", \"instance_id\": 0, \"vmsd_name\": \"spans\", \"version\": 1, \"fields\": [{\"name\": \"always\", \"type\": \"uint8\", \"size\": 1}, {\"name\": \"until_two\", \"type\": \"uint8\", \"size\": 1}]}",
            Encoding.UTF8.GetString(output.WrittenSpan));
    }

    [Fact]
    public void The_described_size_is_the_saved_size_and_the_text_is_JSON()
    {
        for (int seed = 0; seed < 50; seed++)
        {
            foreach (VmDescriptionDialect dialect in Dialects)
            {
                Everything device = Everything.Filled(seed);
                var output = new ArrayBufferWriter<byte>();
                var writer = new VmDescriptionWriter(output, dialect);

                writer.Device("x", 0, device);

                Assert.Equal(Wire.Saved(device).Length, writer.Size);
                using JsonDocument document = JsonDocument.Parse(output.WrittenMemory);
                Assert.Equal("everything", document.RootElement.GetProperty("vmsd_name").GetString());
            }
        }
    }

    [Fact]
    public void State_with_a_type_name_is_one_field_of_its_size() => AssertEveryDialect(
        """
        {"name": "x", "instance_id": 0, "vmsd_name": "closed", "version": 1, "fields": [
        {"name": "part", "type": "blob", "size": 24},
         {"name": "points", "array_len": 2, "type": "point", "size": 2},
         {"name": "requests", "type": "requests", "size": 76},
         {"name": "after", "type": "uint8", "size": 1}]}
        """,
        new Closed());

    [Fact]
    public void A_tool_sees_what_is_in_it()
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new VmDescriptionWriter(output, VmDescriptionDialect.Qemu11) { ShowsOpaque = true };

        writer.Device("x", 0, new Closed());

        using var described = JsonDocument.Parse(output.WrittenMemory);
        JsonElement[] fields = [.. described.RootElement.GetProperty("fields").EnumerateArray()];
        Assert.Equal(["struct", "struct", "qlist", "uint8"], fields.Select(field => field.GetProperty("type").GetString()));
        Assert.Equal([24, 2, 76, 1], fields.Select(field => field.GetProperty("size").GetInt32()));
        Assert.Equal("sub", fields[0].GetProperty("struct").GetProperty("subsections")[0].GetProperty("fields")[0].GetProperty("name").GetString());
        Assert.Equal(Wire.Saved(new Closed()).Length, writer.Size);
    }

    [Fact]
    public void The_saving_hooks_run_around_it()
    {
        var device = new Hooked();
        var writer = new VmDescriptionWriter(new ArrayBufferWriter<byte>(), VmDescriptionDialect.Qemu11);

        writer.Device("x", 0, device);

        Assert.Equal(["outer before save", "inner before save", "inner after save", "outer after save"], device.Log);
    }

    private static void AssertEveryDialect(string expected, IVmState device, string idstr = "x", uint instance = 0)
    {
        foreach (VmDescriptionDialect dialect in Dialects)
            AssertDescribes(expected, device, dialect, idstr, instance);
    }

    /// <summary>Line breaks of the expected text are for the reader.</summary>
    private static void AssertDescribes(string expected, IVmState device, VmDescriptionDialect dialect, string idstr = "x", uint instance = 0)
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new VmDescriptionWriter(output, dialect);

        writer.Device(idstr, instance, device);

        Assert.Equal(expected.ReplaceLineEndings(""), Encoding.UTF8.GetString(output.WrittenSpan));
        Assert.Equal(Wire.Saved(device).Length, writer.Size);
    }
}

[VmState("simple", Version = 3)]
internal sealed partial class Simple
{
    [Field] private bool flag;
    [Field] private short number;
    [Field] private VmTimer time;
    [Field(Expect = Expect.Equal)] private ulong same = 1;
    [Field(Expect = Expect.NotAbove)] private int limit;
    [Field(TypeName = "CPU_Double_U")] private double ratio;
    [Field(Codec = typeof(AngleCodec))] private double angle;
}

[VmState]
internal sealed partial class Alike
{
    [Field(Length = 3)] private ushort[] numbers = new ushort[3];
    [Field(Length = 1)] private ushort[] one = new ushort[1];
    [Field(Length = 4)] private byte[] buffer = new byte[4];
    [Field(Length = 2)] private Point[] points = new Point[2];
    [Field] private byte after;
}

[VmState]
internal sealed partial class ConditionalArrays
{
    [Field(Length = 2, When = nameof(Yes))] private ushort[] numbers = new ushort[2];
    [Field(Length = 2)] private Maybe[] cells = [new Maybe { HasDeep = true }, new Maybe()];

    private bool Yes() => true;
}

[VmState("twins")]
[Subsection("twins/sub", Version = 2, Needed = nameof(Yes))]
[Removed("b", 3, AtEnd = true)]
internal sealed partial class Twins
{
    [Field("x")] private byte first;
    [Removed("a", 2)] [Field] private byte other;
    [Field("x")] private ushort second;
    [Field("x", Subsection = "twins/sub")] private byte third;

    private bool Yes() => true;
}

[VmState("fixed")]
internal sealed partial class FixedVersion
{
    [Field(StructVersion = 1)] private Growing growing;
    [Field] private byte last;
}

[VmState("closed")]
internal sealed partial class Closed
{
    [Field(TypeName = "blob")] private readonly ClosedPart part = new();
    [Field(TypeName = "point", Length = 2)] private readonly ClosedPoint[] points = new ClosedPoint[2];
    [Field(TypeName = "requests", Max = 4)] private readonly List<ClosedPart> requests = [new(), new(), new()];
    [Field] private byte after;
}

[VmState("closed-part")]
[Subsection("closed-part/sub", Needed = nameof(IsNeeded))]
internal sealed partial class ClosedPart
{
    [Field] private ushort number;
    [Field(Subsection = "closed-part/sub")] private byte sub;

    private bool IsNeeded() => number == 0;
}

[VmState("closed-point")]
internal partial struct ClosedPoint
{
    [Field] private ushort value;
}
