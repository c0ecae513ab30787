using System;
using System.IO;
using System.Linq;
using System.Text;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Tests.Streams;

/// <summary>Whatever the bytes, a stream is read or refused: no other exception, no hang, no memory beyond what is there.</summary>
public sealed class DamagedStreamTests
{
    [Fact]
    public void Every_prefix_is_refused_but_where_the_stream_could_end()
    {
        var stream = SyntheticStream.Make();
        var withoutTrailer = SyntheticStream.Make(trailer: false).Length;
        for (var length = 0; length < stream.Length; length++)
        {
            // Without the trailer it is a whole stream of a machine that sends none.
            if (length == withoutTrailer)
                continue;
            var e = Assert.Throws<VmStateException>(() => SyntheticStream.ReadAll(stream[..length]));
            Assert.InRange(e.Offset, 0, length);
        }
        Assert.True(withoutTrailer < stream.Length);
        SyntheticStream.ReadAll(stream);
    }

    [Fact]
    public void Every_flipped_bit_of_the_framing_is_read_or_refused()
    {
        var stream = SyntheticStream.Make();
        for (var i = 0; i < stream.Length; i++)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                // Page data says nothing to the reader: a few of them will do.
                if (i % 64 != 0 && i > 16 && stream[i] is 0xA5 or 0x5A)
                    continue;
                var damaged = (byte[])stream.Clone();
                damaged[i] ^= (byte)(1 << bit);
                ReadOrRefuse(damaged);
            }
        }
    }

    [Fact]
    public void Random_damage_is_read_or_refused()
    {
        var random = new Random(1);
        for (var round = 0; round < 3000; round++)
        {
            var stream = SyntheticStream.Make(footers: round % 2 == 0);
            var changes = random.Next(1, 8);
            for (var i = 0; i < changes; i++)
            {
                var at = random.Next(stream.Length);
                switch (random.Next(4))
                {
                    case 0:
                        stream[at] = (byte)random.Next(256);
                        break;
                    case 1:
                        stream = [.. stream[..at], .. stream[Math.Min(stream.Length, at + random.Next(16))..]];
                        break;
                    case 2:
                        stream = [.. stream[..at], (byte)random.Next(256), .. stream[at..]];
                        break;
                    default:
                        stream.AsSpan(at, Math.Min(4, stream.Length - at)).Fill(0xFF);
                        break;
                }
            }
            ReadOrRefuse(stream);
        }
    }

    [Fact]
    public void Damage_inside_the_trailer_is_read_or_refused()
    {
        var random = new Random(2);
        var head = SyntheticStream.Make(trailer: false);
        var interesting = "{}[]\",:0123456789-\\ue.\u00e9";
        for (var round = 0; round < 3000; round++)
        {
            var json = new StringBuilder(SyntheticStream.Json);
            for (var i = random.Next(1, 4); i > 0; i--)
                json[random.Next(1, json.Length)] = interesting[random.Next(interesting.Length)];
            // The length is right, so that the text is looked at.
            ReadOrRefuse([.. head, .. new Bytes().Trailer(json.ToString()).ToArray()]);
        }
    }

    [Theory]
    [InlineData("magic", 0, "magic: expected 0x5145564d (QEVM), found 0x5245564d at offset 0x0")]
    [InlineData("version", 7, "version: expected version 3, found version 4 at offset 0x4")]
    public void The_header_says_what_is_wrong(string what, int at, string message)
    {
        var stream = SyntheticStream.Make();
        stream[at]++;
        var e = Assert.Throws<VmStateException>(() => SyntheticStream.ReadAll(stream));
        Assert.Equal(message, e.Message);
        Assert.Equal(what, e.FieldPath);
    }

    [Fact]
    public void A_wrong_footer_names_the_section()
    {
        var bytes = new Bytes().Header().Section(0x04, 1, "dev", 3, 1).U8(9).U8(0x7E).Be32(2).U8(0)
            .Trailer("""{"page_size": 4096, "devices": [{"name": "dev", "instance_id": 3, "vmsd_name": "dev", "version": 1, "fields": [{"name": "x", "type": "uint8", "size": 1}]}]}""");
        var e = Assert.Throws<VmStateException>(() => SyntheticStream.ReadAll(bytes.ToArray()));
        Assert.Equal("dev#3 › footer: expected section id 1, found 2 at offset 0x1b", e.Message);
    }

    [Fact]
    public void A_reader_that_failed_does_not_go_on()
    {
        var reader = new QemuStreamReader(new MemoryStream([1, 2, 3]));
        Assert.Throws<VmStateException>(() => reader.Read());
        Assert.ThrowsAny<Exception>(() => reader.Read());
    }

    [Fact]
    public void Lengths_beyond_the_file_allocate_nothing()
    {
        var huge = new[]
        {
            new Bytes().Header().U8(0x07).Be32(0x7FFFFFFF).ToArray(),
            new Bytes().Header().U8(0x08).Be16(7).Be16(4).Be32(0xFFFFFFFF).ToArray(),
            new Bytes().Header().U8(0x08).Be16(6).Be16(0xFFFF).ToArray(),
            new Bytes().Header().Section(1, 1, "ram", 0, 4).Be64(0xFFFF_FFFF_FFFF_F000 | 4).Name("a").Be64(0xFFFF_FFFF_FFFF_F000).ToArray(),
            new Bytes().Header().Section(1, 1, "ram", 0, 4).Be64(0x7FFF_FFFF_FFFF_F000 | 4).Name("a").Be64(0x7FFF_FFFF_FFFF_F000).Be64(0x10)
                .Footer(1).U8(2).Be32(1).Be64(0x7FFF_FFFF_FFFF_E000 | 0x100).Name("a").Be32(0xFFFFFFFF).ToArray(),
            new Bytes().Header().U8(0).U8(6).Be32(0xFFFFFFFF).Text("{}").ToArray(),
        };
        foreach (var stream in huge)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Assert.Throws<VmStateException>(() => SyntheticStream.ReadAll(stream));
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
        }
    }

    [Fact]
    public void Memory_does_not_grow_with_the_pages()
    {
        const int pages = 8192;
        var output = new MemoryStream();
        var writer = new QemuStreamWriter(output);
        var ram = new RamSectionWriter(writer, 4096);
        var block = new RamBlockEntry("pc.ram", pages * 4096L);
        var start = new SectionHeader(SectionKind.Start, 1, "ram", 0, 4);
        writer.WriteHeader();
        writer.BeginSection(start);
        ram.WriteSetup([block]);
        writer.EndSection();
        writer.BeginSection(start with { Kind = SectionKind.End });
        var page = new byte[4096];
        for (var i = 0; i < pages; i++)
            ram.WritePage(block, i * 4096L, page);
        ram.WriteEndOfSection();
        writer.EndSection();
        writer.WriteEof();
        writer.Flush();
        output.Position = 0;

        var before = GC.GetAllocatedBytesForCurrentThread();
        var reader = new QemuStreamReader(output);
        var sink = new QemuStreamWriter(Stream.Null);
        var records = 0;
        while (reader.Read())
        {
            while (reader.ReadRamRecord(out _))
                records++;
            sink.CopyElement(reader);
        }
        Assert.Equal(pages, records);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2_000_000);
    }

    [Fact]
    public void Text_after_the_trailer_or_instead_of_it_is_refused()
    {
        Assert.Throws<VmStateException>(() => SyntheticStream.ReadAll(new Bytes().Header().U8(0, 7).ToArray()));
        Assert.Throws<VmStateException>(() => SyntheticStream.ReadAll([.. SyntheticStream.Make(), 0x20]));
        // Two EOF bytes: the trailer does not follow the first.
        Assert.Throws<VmStateException>(() => SyntheticStream.ReadAll(new Bytes().Header().U8(0, 0).Trailer("""{"devices": []}""").ToArray()));
    }

    [Fact]
    public void A_trailer_larger_than_any_buffer_is_found()
    {
        var fields = string.Join(", ", Enumerable.Range(0, 20_000).Select(i => $$"""{"name": "f{{i}}", "type": "uint8", "size": 1}"""));
        var json = $$"""{"page_size": 4096, "devices": [{"name": "d", "instance_id": 0, "vmsd_name": "d", "version": 1, "fields": [{{fields}}]}]}""";
        var bytes = new Bytes().Header().Section(4, 1, "d", 0, 1).Fill(6, 20_000).Footer(1).U8(0).Trailer(json).ToArray();
        var reader = new QemuStreamReader(new MemoryStream(bytes));
        Assert.True(reader.ReadSection());
        Assert.Equal(20_000, reader.SectionLength);
        Assert.Equal(bytes, SyntheticStream.Copy(bytes));
    }

    private static void ReadOrRefuse(byte[] stream)
    {
        try
        {
            SyntheticStream.ReadAll(stream);
        }
        catch (VmStateException e)
        {
            Assert.NotEmpty(e.Message);
        }
    }
}
