using System;
using System.IO;
using System.Linq;
using System.Text;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Tests.Streams;

public sealed class QemuStreamWriterTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_is_read_and_copied_is_the_same(bool footers)
    {
        var stream = SyntheticStream.Make(footers);
        Assert.Equal(stream, SyntheticStream.Copy(stream));
    }

    [Fact]
    public void A_stream_of_our_own_is_the_one_made_by_hand()
    {
        var output = new MemoryStream();
        var w = new QemuStreamWriter(output);
        w.WriteHeader();
        w.WriteConfiguration(new QemuConfiguration("mach"));
        w.WriteCommand(QemuCommandId.OpenReturnPath);
        w.WriteCommand(QemuCommandId.Ping, [0, 0, 0, 1]);
        w.WriteSection(new SectionHeader(SectionKind.Full, 7, "early", 0, 1), [1]);

        var ram = new RamSectionWriter(w, SyntheticStream.PageSize);
        var pc = new RamBlockEntry("pc.ram", 4 * 4096);
        var rom = new RamBlockEntry("rom", 4096);
        var start = new SectionHeader(SectionKind.Start, 2, "ram", 0, 4);
        w.BeginSection(start);
        ram.WriteSetup([pc, rom]);
        w.EndSection();
        w.BeginSection(start with { Kind = SectionKind.Part });
        ram.WritePage(pc, 0, Enumerable.Repeat((byte)0xA5, 4096).ToArray());
        ram.WriteZeroPage(pc, 4096);
        ram.WriteEndOfSection();
        w.EndSection();
        w.BeginSection(start with { Kind = SectionKind.Part });
        ram.WritePage(pc, 8192, Enumerable.Repeat((byte)0x5A, 4096).ToArray());
        ram.WriteMultifdFlush();
        ram.WriteZeroPage(rom, 0);
        ram.WriteRecord(RamRecordKind.Xbzrle, pc, 0, [9, 9, 9]);
        ram.WriteRecord(RamRecordKind.CompressedPage, pc, 3 * 4096, [1, 2, 3, 4, 5]);
        ram.WriteEndOfSection();
        w.EndSection();
        w.WriteCommand(QemuCommandId.SwitchoverStart);
        w.BeginSection(start with { Kind = SectionKind.End });
        ram.WriteEndOfSection();
        w.EndSection();

        w.WriteSection(
            new SectionHeader(SectionKind.Full, 9, "dev", 0, 2),
            new Bytes().Be32(0xDEADBEEF).Be16(1).Be16(2).U8(0x05).Name("dev/extra").Be32(1).U8(0x42).ToArray());
        w.WriteSection(new SectionHeader(SectionKind.Full, 10, "dev", 1, 2), new Bytes().Be32(1).Be16(3).Be16(4).ToArray());
        w.WriteSection(new SectionHeader(SectionKind.Full, 11, "slirp", 0, 4), [1, 2, 3]);
        w.WriteEof();
        w.WriteTrailer(Encoding.UTF8.GetBytes(SyntheticStream.Json));
        w.Flush();
        Assert.Equal(SyntheticStream.Make(), output.ToArray());
        Assert.Equal(output.Length, w.Position);
    }

    [Fact]
    public void A_wrong_order_is_the_callers_mistake()
    {
        var w = new QemuStreamWriter(new MemoryStream());
        Assert.Throws<InvalidOperationException>(w.WriteEof);
        w.WriteHeader();
        Assert.Throws<InvalidOperationException>(w.WriteHeader);
        Assert.Throws<InvalidOperationException>(() => w.Write([1]));
        w.BeginSection(new SectionHeader(SectionKind.Full, 1, "a", 0, 1));
        Assert.Throws<InvalidOperationException>(() => w.WriteCommand(QemuCommandId.SwitchoverStart));
        Assert.Throws<InvalidOperationException>(() => w.WriteTrailer("{}"u8));
        w.EndSection();
        Assert.Throws<ArgumentException>(() => w.WriteCommand(QemuCommandId.Ping));
        Assert.Throws<ArgumentException>(() => w.BeginSection(new SectionHeader(SectionKind.Full, 1, "", 0, 1)));
        w.WriteEof();
        Assert.Throws<InvalidOperationException>(w.WriteEof);
        w.WriteTrailer("{}"u8);
        Assert.Throws<InvalidOperationException>(() => w.WriteTrailer("{}"u8));
    }

    [Fact]
    public void Ram_records_outside_a_block_are_the_callers_mistake()
    {
        var w = new QemuStreamWriter(new MemoryStream());
        w.WriteHeader();
        w.BeginSection(new SectionHeader(SectionKind.Part, 1, "ram", 0, 4));
        var ram = new RamSectionWriter(w, 4096);
        var block = new RamBlockEntry("a", 8192);
        Assert.Throws<ArgumentOutOfRangeException>(() => ram.WriteZeroPage(block, 8192));
        Assert.Throws<ArgumentOutOfRangeException>(() => ram.WriteZeroPage(block, 1));
        Assert.Throws<ArgumentException>(() => ram.WritePage(block, 0, new byte[10]));
        Assert.Throws<ArgumentException>(() => ram.WriteSetup([new RamBlockEntry("b", 5)]));
    }
}
