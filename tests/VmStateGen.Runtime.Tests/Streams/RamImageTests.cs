using System;
using System.IO;
using System.Linq;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Tests.Streams;

/// <summary>The contents of RAM, however a stream holds them, and streams whose RAM was given another layout.</summary>
public sealed class RamImageTests
{
    [Theory]
    [InlineData(RamRecordKind.Page)]
    [InlineData(RamRecordKind.Xbzrle)]
    [InlineData(RamRecordKind.CompressedPage)]
    public void The_last_record_of_a_page_counts_in_every_form(RamRecordKind kind)
    {
        var contents = RamFixture.Contents(RamFixture.Plain(kind));
        Assert.Equal(["pc.ram", "rom"], contents.Keys);
        for (var i = 0; i < RamFixture.Pages; i++)
            Assert.Equal(RamFixture.Page(i), contents["pc.ram"][(i * RamFixture.PageSize)..((i + 1) * RamFixture.PageSize)]);
        Assert.Equal(RamFixture.Page(1), contents["rom"]);
    }

    [Fact]
    public void Both_layouts_become_each_other()
    {
        var plain = RamFixture.Convert(RamFixture.Plain(), RamLayout.Plain);
        var mapped = RamFixture.Mapped();
        Assert.Equal(RamFixture.Contents(plain), RamFixture.Contents(mapped));
        Assert.Equal(plain, RamFixture.Convert(mapped, RamLayout.Plain));
        Assert.Equal(mapped, RamFixture.Convert(plain, RamLayout.MappedRam));
        Assert.Equal(mapped, RamFixture.Convert(mapped, RamLayout.MappedRam));
        foreach (var kind in new[] { RamRecordKind.Xbzrle, RamRecordKind.CompressedPage })
        {
            Assert.Equal(plain, RamFixture.Convert(RamFixture.Plain(kind), RamLayout.Plain));
            Assert.Equal(mapped, RamFixture.Convert(RamFixture.Plain(kind), RamLayout.MappedRam));
        }
    }

    [Fact]
    public void Statistics_count_each_page_once()
    {
        foreach (var stream in new[] { RamFixture.Plain(), RamFixture.Plain(RamRecordKind.Xbzrle), RamFixture.Mapped() })
        {
            using var image = RamImage.Read(new MemoryStream(stream))!;
            Assert.Equal([(70, 46, 24, 0), (1, 1, 0, 0)], image.Statistics.Blocks.Select(b => ((int)b.Pages, (int)b.NormalPages, (int)b.ZeroPages, (int)b.MissingPages)));
            Assert.Equal(RamPageState.Zero, image.StateOf(image.Blocks[0], 0));
            Assert.Equal(RamPageState.Normal, image.StateOf(image.Blocks[0], 1));
        }
    }

    [Fact]
    public void A_converted_stream_has_what_a_file_can_have()
    {
        var reader = new QemuStreamReader(new MemoryStream(RamFixture.Mapped()));
        while (reader.Read())
            Assert.True(reader.Current.Command is null or { Id: QemuCommandId.SwitchoverStart });
        Assert.Equal(["mapped-ram"], reader.Configuration!.Capabilities);
        Assert.Equal("configuration/capabilities", reader.Description!.Configuration!.Subsections.Single().Name);
        foreach (var block in reader.Ram!.Blocks)
            Assert.Equal(0, block.Mapped!.PagesOffset % (1 << 20));
    }

    [Fact]
    public void Pages_that_are_nowhere_are_no_zeros()
    {
        var b = new Bytes().Header().Configuration("mach").Section(1, 2, "ram", 0, 4).Be64(8192 | 4).Name("pc.ram").Be64(8192).Be64(0x10).Footer(2)
            .U8(3).Be32(2).Be64(0 | 2).Name("pc.ram").U8(0).Be64(0x10).Footer(2).U8(0).ToArray();
        var e = Assert.Throws<VmStateException>(() => RamFixture.Convert(b, RamLayout.MappedRam));
        Assert.Equal("ram › pc.ram: expected all 2 pages, found nothing of 1 of them", e.Message);
        var output = new MemoryStream();
        QemuStreamConverter.Convert(new MemoryStream(b), output, RamLayout.MappedRam, new QemuConvertOptions { AllowMissingPages = true });
        Assert.Equal(new byte[8192], RamFixture.Contents(output.ToArray())["pc.ram"]);
    }

    [Fact]
    public void A_difference_needs_a_page_to_differ_from()
    {
        var b = new Bytes().Header().Section(1, 2, "ram", 0, 4).Be64(4096 | 4).Name("pc.ram").Be64(4096).Be64(0x10).Footer(2)
            .U8(3).Be32(2).Be64(0 | 0x40).Name("pc.ram").U8(1).Be16(3).U8(1, 1, 9).Be64(0x10).Footer(2).U8(0).ToArray();
        var e = Assert.Throws<VmStateException>(() => RamImage.Read(new MemoryStream(b)));
        Assert.Contains("a page that was sent before", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0501AA", "AA at 5")]
    [InlineData("000142", "42 at 0")]
    [InlineData("FF1F0177", "77 at 4095")]
    [InlineData("", "nothing")]
    [InlineData("0001420001", "an empty one")]
    [InlineData("0500", "an empty one")]
    [InlineData("8020", "the end of the record")]
    [InlineData("FF1F027777", "at most the 4096 bytes")]
    [InlineData("0502AA", "after 1")]
    [InlineData("8080800142", "a third")]
    [InlineData("05", "the end of the record")]
    public void Differences_are_applied_or_refused(string encoded, string expected)
    {
        var page = new byte[4096];
        try
        {
            Xbzrle.Apply(Convert.FromHexString(encoded), page, 0);
            var at = page.AsSpan().IndexOfAnyExcept((byte)0);
            Assert.Equal(expected, at < 0 ? "nothing" : $"{page[at]:X2} at {at}");
        }
        catch (VmStateException e)
        {
            Assert.Contains(expected, e.Message, StringComparison.Ordinal);
        }
    }

    /// <summary>2,000 damages a format: what is read, converted or copied is so to the end, or refused; time and memory stay in proportion.</summary>
    [Theory]
    [InlineData("plain")]
    [InlineData("xbzrle")]
    [InlineData("compressed")]
    [InlineData("mapped-ram")]
    [InlineData("pipe")]
    [InlineData("no trailer")]
    public void Random_damage_is_read_or_refused(string format)
    {
        var good = format switch
        {
            "xbzrle" => RamFixture.Plain(RamRecordKind.Xbzrle),
            "compressed" => RamFixture.Plain(RamRecordKind.CompressedPage),
            "mapped-ram" => RamFixture.Mapped(),
            "no trailer" => RamFixture.Plain(trailer: false),
            _ => RamFixture.Plain(),
        };
        // Page contents say nothing to a reader, so most damage goes where something else is.
        var interesting = Enumerable.Range(0, good.Length).Where(i => i < 400 || i > good.Length - 800 || i % 4104 < 300).ToArray();
        var random = new Random(3);
        for (var round = 0; round < 2000; round++)
        {
            var stream = (byte[])good.Clone();
            for (var i = random.Next(1, 4); i > 0; i--)
            {
                var at = Math.Min(interesting[random.Next(interesting.Length)], stream.Length - 1);
                switch (random.Next(4))
                {
                    case 0:
                        stream[at] ^= (byte)(1 << random.Next(8));
                        break;
                    case 1:
                        stream[at] = (byte)random.Next(256);
                        break;
                    case 2:
                        stream = stream[..at].Length > 0 ? stream[..at] : stream;
                        break;
                    default:
                        stream.AsSpan(at, Math.Min(8, stream.Length - at)).Fill(0xFF);
                        break;
                }
            }
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                if (format == "pipe")
                    SyntheticStream.ReadAll(new OneWayStream(stream, 64 * 1024));
                else
                {
                    using var image = RamImage.Read(new MemoryStream(stream));
                    image?.CheckWhole();
                    if (round % 4 == 0)
                        QemuStreamConverter.Convert(new MemoryStream(stream), Stream.Null, RamLayout.Plain);
                }
            }
            catch (VmStateException e)
            {
                Assert.NotEmpty(e.Message);
            }
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 20_000_000);
        }
    }
}
