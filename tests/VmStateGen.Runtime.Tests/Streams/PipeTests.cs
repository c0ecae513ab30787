using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Tests.Streams;

/// <summary>A stream that comes once, in order.</summary>
public sealed class PipeTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(13)]
    [InlineData(1 << 20)]
    public void A_pipe_tells_what_the_file_tells(int atOnce)
    {
        foreach (var stream in new[] { SyntheticStream.Make(), SyntheticStream.Make(footers: false), RamFixture.Plain(), RamFixture.Plain(RamRecordKind.Xbzrle) })
            Assert.Equal(Describe(new MemoryStream(stream)), Describe(new OneWayStream(stream, atOnce)));
    }

    [Fact]
    public void A_mapped_file_can_come_through_a_pipe()
    {
        var stream = RamFixture.Mapped();
        Assert.Equal(Describe(new MemoryStream(stream)), Describe(new OneWayStream(stream)));
        var reader = new QemuStreamReader(new OneWayStream(stream));
        while (reader.Read())
        {
        }
        Assert.Equal([46, 1], new RamStatistics(reader.Ram!).Blocks.Select(b => b.NormalPages));
    }

    [Fact]
    public void A_pipe_is_copied_byte_for_byte()
    {
        foreach (var stream in new[] { SyntheticStream.Make(), RamFixture.Plain() })
        {
            var reader = new QemuStreamReader(new OneWayStream(stream, 100));
            var output = new MemoryStream();
            var writer = new QemuStreamWriter(output);
            RamSectionWriter? ram = null;
            var page = new byte[4096];
            while (reader.Read())
            {
                if (reader.Current is not { Kind: QemuElementKind.Section, Section: { Name: "ram", Kind: SectionKind.Part or SectionKind.End } section })
                {
                    writer.CopyElement(reader);
                    continue;
                }
                // Pages are not kept: they are taken with their records.
                ram ??= new RamSectionWriter(writer, 4096);
                writer.BeginSection(section);
                while (reader.ReadRamRecord(out var record))
                {
                    if (record.Kind == RamRecordKind.MultifdFlush)
                        ram.WriteMultifdFlush();
                    else
                    {
                        var payload = page.AsSpan(0, record.PayloadLength);
                        reader.ReadAt(record.PayloadOffset, payload);
                        if (!record.IsContinued)
                            ram.ForgetLastBlock();
                        ram.WriteRecord(record.Kind, record.Block!, record.PageOffset, payload);
                    }
                }
                ram.WriteEndOfSection();
                writer.EndSection();
            }
            writer.Flush();
            Assert.Equal(stream, output.ToArray());
        }
    }

    [Fact]
    public void Known_sections_come_before_the_rest_was_sent()
    {
        var stream = RamFixture.Plain();
        var pipe = new OneWayStream(stream, 512);
        var reader = new QemuStreamReader(pipe);
        while (reader.Read() && reader.Current.Section.Kind != SectionKind.Part)
        {
        }
        Assert.True(reader.ReadRamRecord(out _));
        Assert.InRange(pipe.Taken, 1, 2048);
        Assert.Null(reader.Description);
        while (reader.Read() && reader.Current.Section.Name != "dev")
        {
        }
        Assert.NotNull(reader.Description);
        Assert.Equal(stream.Length, pipe.Taken);
    }

    [Fact]
    public void What_does_not_fit_is_guessed_and_what_cannot_be_names_what_is_missing()
    {
        var device = new Bytes().Header().Section(0x04, 1, "big", 0, 1).Fill(5, 9000).Footer(1).Section(0x04, 2, "more", 0, 1).Fill(6, 200_000).Footer(2).U8(0).ToArray();
        var options = new QemuStreamReaderOptions { SpoolLimit = 64 * 1024 };
        var reader = new QemuStreamReader(new OneWayStream(device), options);
        Assert.True(reader.ReadSection());
        Assert.True(reader.Current.IsGuessed);
        Assert.Equal(9000, reader.ReadAllData().Length);
        var e = Assert.Throws<VmStateException>(() => reader.ReadSection());
        Assert.Equal(
            "more › data: expected a description that tells its length, found no trailer within 65536 bytes, the most that is kept of a pipe, "
            + "and no footer of 2 with an element behind it at offset 0x2358", e.Message);
    }

    [Fact]
    public void A_pipe_that_ends_early_says_where()
    {
        var stream = RamFixture.Plain();
        for (var length = 0; length < stream.Length; length += length < 200 || length > stream.Length - 900 ? 1 : 997)
        {
            if (length == RamFixture.Plain(trailer: false).Length)
                continue;
            var e = Assert.Throws<VmStateException>(() => Describe(new OneWayStream(stream[..length])));
            Assert.InRange(e.Offset, 0, length);
        }
    }

    private static List<string> Describe(Stream stream)
    {
        var result = new List<string>();
        var reader = new QemuStreamReader(stream);
        while (reader.Read())
        {
            var records = 0;
            while (reader.ReadRamRecord(out var record))
            {
                records++;
                result.Add(record.ToString());
            }
            result.Add($"{reader.Current.Kind} {reader.Current.Offset} {reader.Current.Section} {reader.DataLength} {records} {reader.Current.IsGuessed} {reader.Current.Description?.DataSize}");
        }
        result.Add($"{reader.Description?.Devices.Count} {reader.HasFooters}");
        return result;
    }
}
