using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using VmStateGen.Tool.Inspection;

namespace VmStateGen.Tool.Tests;

public sealed class InspectTests : FolderTest
{
    [Fact]
    public void A_whole_stream_is_printed_with_header_sections_fields_and_ram()
    {
        (int code, string output, string errors) = Cli.Run("inspect", Write("a.mig", ToolStream.Make()));

        Assert.Equal((0, ""), (code, errors));
        foreach (string text in new[] { "machine       mach", "dev#1", "SwitchoverStart", "old style: opaque", "dev/extra", "3735928559 (0xdeadbeef)", "pc.ram", "size by section" })
            Assert.Contains(text, output, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Json_has_every_element_and_every_field()
    {
        byte[] stream = ToolStream.Make();
        JsonElement report = Cli.Json("inspect", Write("a.mig", stream), "--json");

        JsonElement[] elements = [.. report.GetProperty("elements").EnumerateArray()];
        long at = 0;
        foreach (JsonElement element in elements)
        {
            Assert.Equal(at, element.GetProperty("offset").GetInt64());
            at = element.GetProperty("end").GetInt64();
        }
        Assert.Equal(stream.Length, at);
        JsonElement dev = elements.First(element => element.TryGetProperty("name", out JsonElement name) && name.GetString() == "dev");
        Assert.Equal(
            ["a=3735928559", "ring[0]=1", "ring[1]=2", "dev/extra", "dev/extra/b=66"],
            dev.GetProperty("fields").EnumerateArray().Select(field => field.GetProperty("path").GetString() + (field.TryGetProperty("value", out JsonElement value) ? "=" + value : "")));
        JsonElement ram = report.GetProperty("ram")[0];
        Assert.Equal((4, 2, 2, 0), (ram.GetProperty("pages").GetInt32(), ram.GetProperty("normal").GetInt32(), ram.GetProperty("zero").GetInt32(), ram.GetProperty("missing").GetInt32()));
    }

    [Theory]
    [InlineData("dev", 2)]
    [InlineData("dev#1", 1)]
    [InlineData("dev#0", 1)]
    [InlineData("slirp", 1)]
    public void A_device_is_chosen_by_name_and_instance(string name, int sections)
    {
        (int code, string output, _) = Cli.Run("inspect", Write("a.mig", ToolStream.Make()), "--device", name);

        Assert.Equal(0, code);
        Assert.Equal(sections, output.Split('\n').Count(line => line.Contains(" bytes at 0x", StringComparison.Ordinal)));
        Assert.DoesNotContain("size by section", output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_device_that_is_not_there_is_something_found()
        => Assert.Equal(1, Cli.Run("inspect", Write("a.mig", ToolStream.Make()), "--device", "nobody").Code);

    [Fact]
    public void A_pipe_reads_as_a_file_does()
    {
        byte[] stream = ToolStream.Make();
        StreamReport file = StreamInspector.Inspect("x", new MemoryStream(stream), new InspectionOptions());
        StreamReport pipe = StreamInspector.Inspect("x", new Pipe(stream), new InspectionOptions(HasContents: true));

        Assert.Empty(pipe.Problems);
        Assert.Equal(file.Parts.Select(part => (part.Title, part.Offset, part.End, part.IsGuessed)), pipe.Parts.Select(part => (part.Title, part.Offset, part.End, part.IsGuessed)));
        Assert.Equal(file.Parts.SelectMany(part => part.Data?.Fields() ?? []), pipe.Parts.SelectMany(part => part.Data?.Fields() ?? []));
        Assert.Equal(file.Ram!.Blocks.Select(block => block.NormalPages), pipe.Ram!.Blocks.Select(block => block.NormalPages));
    }

    [Fact]
    public void Sections_without_a_trailer_are_marked_as_guessed()
    {
        string path = Write("a.mig", ToolStream.Make(trailer: false));
        (int code, string output, string errors) = Cli.Run("inspect", path);
        Assert.Equal(1, code);
        Assert.Contains("end guessed", output, StringComparison.Ordinal);
        Assert.Contains("--no-trailer", errors, StringComparison.Ordinal);
        Assert.Equal(0, Cli.Run("inspect", path, "--no-trailer").Code);
    }

    [Fact]
    public void A_cut_anywhere_ends_with_1_and_says_where()
    {
        byte[] stream = ToolStream.Make();
        // Inside a page one place is as good as another.
        for (int length = 0; length < stream.Length; length += IsInPage(stream, length) ? 511 : 1)
        {
            StreamReport report = StreamInspector.Inspect("x", new MemoryStream(stream[..length]), new InspectionOptions());
            StreamProblem problem = Assert.Single(report.Problems);
            Assert.True(problem.Offset >= 0 && problem.Offset <= length, $"cut at {length}: {problem}");
        }
    }

    [Fact]
    public void A_flipped_byte_ends_with_1_or_something_reads_differently()
    {
        byte[] stream = ToolStream.Make();
        string Read(byte[] bytes)
        {
            StreamReport report = StreamInspector.Inspect("x", new MemoryStream(bytes), new InspectionOptions(HasContents: true));
            var text = new StringWriter();
            Rendering.InspectJson.Write(text, report);
            return report.Problems.Count > 0 ? "damaged" : text.ToString();
        }

        string whole = Read(stream);
        for (int i = 0; i < stream.Length; i += IsInPage(stream, i) ? 203 : 1)
        {
            byte[] damaged = (byte[])stream.Clone();
            damaged[i] ^= 0x10;
            Assert.True(Read(damaged) != whole, $"the byte at {i} can change unseen");
        }
    }

    [Theory]
    [InlineData("", "end of the stream")]
    [InlineData("no stream at all, but text", "QEVM")]
    public void What_is_no_stream_ends_with_1(string content, string expected)
    {
        (int code, _, string errors) = Cli.Run("inspect", Write("x", System.Text.Encoding.ASCII.GetBytes(content)));
        Assert.Equal(1, code);
        Assert.Contains(expected, errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_of_others_around_a_stream_are_read_or_named()
    {
        byte[] xml = "<domain/>"u8.ToArray();
        byte[] libvirt = [.. "LibvirtQemudSave"u8, .. BitConverter.GetBytes(2), .. BitConverter.GetBytes(xml.Length), .. new byte[68], .. xml, .. ToolStream.Make()];
        (int code, string output, string errors) = Cli.Run("inspect", Write("libvirt.save", libvirt));
        Assert.Equal((0, ""), (code, errors));
        Assert.Contains("saved by      libvirt, paused", output, StringComparison.Ordinal);

        (code, _, errors) = Cli.Run("inspect", Write("disk.qcow2", [(byte)'Q', (byte)'F', (byte)'I', 0xFB, 0, 0, 0, 3, .. new byte[512]]));
        Assert.Equal(1, code);
        Assert.Contains("a qcow2 image", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_system_does_not_open_ends_with_3()
    {
        Assert.Equal(3, Cli.Run("inspect", PathOf("nothing")).Code);
        Assert.Equal(3, Cli.Run("inspect", Path.GetTempPath()).Code);
        Assert.Equal(3, Cli.Run("diff", Write("a.mig", ToolStream.Make()), PathOf("nothing")).Code);
    }

    [Theory]
    [InlineData("inspect")]
    [InlineData("inspect", "a", "b")]
    [InlineData("inspect", "a", "--nonsense")]
    [InlineData("diff", "a")]
    [InlineData("diff", "-", "-")]
    [InlineData("scaffold", "a")]
    [InlineData("nonsense")]
    public void Wrong_usage_ends_with_2(params string[] args)
    {
        (int code, string output, string errors) = Cli.Run(args);
        Assert.Equal((2, ""), (code, output));
        Assert.NotEmpty(errors);
    }

    [Theory]
    [InlineData("inspect")]
    [InlineData("diff")]
    [InlineData("scaffold")]
    [InlineData("extract")]
    [InlineData("convert")]
    public void Help_has_examples(string command)
    {
        (int code, string output, _) = Cli.Run(command, "--help");
        Assert.Equal(0, code);
        Assert.Contains($"vmstate {command} ", output, StringComparison.Ordinal);
    }

    private static bool IsInPage(byte[] stream, int at) => at > 8 && at + 8 < stream.Length
        && stream.AsSpan(at - 8, 16).IndexOfAnyExcept(stream[at]) < 0 && stream[at] is 0xA5 or 0x5A;

    private sealed class Pipe(byte[] content) : MemoryStream(content)
    {
        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }
    }
}
