using System.IO;
using System.Linq;
using System.Text;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Tests.Streams;

/// <summary>Streams without a trailer, streams inside of others, and files that are none.</summary>
public sealed class GuessedBoundsTests
{
    [Fact]
    public void Without_a_trailer_footers_bound_the_sections_and_they_are_marked()
    {
        var with = new QemuStreamReader(new MemoryStream(SyntheticStream.Make()));
        var without = new QemuStreamReader(new MemoryStream(SyntheticStream.Make(trailer: false)));
        while (without.Read())
        {
            Assert.True(with.Read());
            Assert.Equal(with.DataLength, without.DataLength);
            Assert.Equal(with.Current.Offset, without.Current.Offset);
            Assert.Equal(without.Current.Kind == QemuElementKind.Section && without.Current.Section.Name != "ram", without.Current.IsGuessed);
            Assert.False(with.Current.IsGuessed);
        }
    }

    [Fact]
    public void A_stream_that_is_cut_off_is_read_up_to_the_cut()
    {
        var stream = SyntheticStream.Make();
        var reader = new QemuStreamReader(new MemoryStream(stream[..(SyntheticStream.Make(trailer: false).Length - 4)]));
        var seen = 0;
        var e = Assert.Throws<VmStateException>(() =>
        {
            while (reader.ReadSection())
                seen++;
        });
        // RAM's four sections, the early device and both "dev"; "slirp" has lost its footer.
        Assert.Equal(7, seen);
        Assert.StartsWith("slirp › data: expected a description that tells its length, found no trailer in the file, and no footer of 11", e.Message, System.StringComparison.Ordinal);
    }

    [Fact]
    public void A_footer_inside_the_data_is_no_end()
    {
        var data = new Bytes().Footer(1).U8(0x55).Footer(1).U8(0x04).Be32(1).Footer(1).U8(0, 9).ToArray();
        var stream = new Bytes().Header().Section(4, 1, "d", 0, 1).U8(data).Footer(1).U8(0).ToArray();
        var reader = new QemuStreamReader(new MemoryStream(stream));
        Assert.True(reader.ReadSection());
        Assert.Equal(data, reader.ReadAllData());
        Assert.False(reader.ReadSection());
    }

    [Fact]
    public void Sections_without_footers_and_trailer_cannot_be_bounded()
    {
        var stream = SyntheticStream.Make(footers: false, trailer: false);
        var e = Assert.Throws<VmStateException>(() => SyntheticStream.ReadAll(stream, new QemuStreamReaderOptions { Footers = QemuFooterMode.Absent }));
        Assert.StartsWith("early › data: expected a description that tells its length, found no trailer in the file, and no footers at", e.Message, System.StringComparison.Ordinal);
    }

    [Fact]
    public void A_package_is_read_as_a_stream_of_its_own()
    {
        var package = new Bytes().U8(0x08).Be16(4).Be16(0)
            .Section(4, 9, "dev", 0, 1).Be32(77).Footer(9).Section(4, 10, "dev", 1, 1).U8(1, 2).Footer(10)
            .U8(0x08).Be16(5).Be16(0).ToArray();
        var stream = new Bytes().Header().U8(0x08).Be16(7).Be16(4).Be32((uint)package.Length).U8(package).U8(0x08).Be16(2).Be16(4).Be32(4).U8(0).ToArray();
        foreach (var source in new Stream[] { new MemoryStream(stream), new OneWayStream(stream, 7) })
        {
            var reader = new QemuStreamReader(source);
            reader.Read();
            reader.Read();
            var inner = reader.OpenPackage();
            var found = new StringBuilder();
            while (inner.Read())
                found.Append($"{inner.Current.Kind} {inner.Current.Command?.Id} {inner.Current.Section} {inner.DataLength}@{inner.Current.Offset}; ");
            Assert.Equal("Command PostcopyListen  0@17; Section  dev 4@22; Section  dev#1 2@48; Command PostcopyRun  0@72; ", found.ToString());
            Assert.True(reader.Read());
            Assert.Equal(QemuCommandId.Ping, reader.Current.Command!.Id);
            Assert.True(reader.Read());
            Assert.False(reader.Read());
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_save_image_of_libvirt_is_read(bool isLittle)
    {
        var xml = "<domain/>\n\0\0"u8.ToArray();
        byte[] Number(uint value) => isLittle ? System.BitConverter.GetBytes(value) : System.BitConverter.GetBytes(value).Reverse().ToArray();
        byte[] Image(string magic, uint format) =>
            [.. Encoding.ASCII.GetBytes(magic), .. Number(2), .. Number((uint)xml.Length), .. Number(1), .. Number(format), .. new byte[60], .. xml, .. SyntheticStream.Make()];

        foreach (var source in new Stream[] { new MemoryStream(Image("LibvirtQemudSave", 0)), new OneWayStream(Image("LibvirtQemudSave", 0)) })
        {
            var reader = new QemuStreamReader(source);
            while (reader.Read())
            {
            }
            Assert.Equal(new LibvirtSaveHeader(2, true, 92, xml.Length), reader.Libvirt);
            Assert.Equal("mach", reader.Configuration!.MachineType);
        }
        Assert.Contains("compressed with xz", Refused(Image("LibvirtQemudSave", 3)), System.StringComparison.Ordinal);
        Assert.Contains("saving was not finished", Refused(Image("LibvirtQemudPart", 0)), System.StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new byte[] { (byte)'Q', (byte)'F', (byte)'I', 0xFB, 0, 0, 0, 3 }, "a qcow2 image")]
    [InlineData(new byte[] { 0x1F, 0x8B, 8, 0 }, "a gzip file")]
    [InlineData(new byte[] { 0x28, 0xB5, 0x2F, 0xFD, 1 }, "a zstd file")]
    [InlineData(new byte[] { 0x7F, (byte)'E', (byte)'L', (byte)'F' }, "an ELF file")]
    [InlineData(new byte[] { 0x11, 0x22, 0x33, 0x44, 0, 0, 0, 1 }, "a multifd channel")]
    [InlineData(new byte[] { (byte)'{', (byte)'"', (byte)'p', (byte)'c' }, "JSON")]
    public void Files_that_are_taken_for_streams_are_named(byte[] head, string name) =>
        Assert.Contains(name, Refused([.. head, .. new byte[64]]), System.StringComparison.Ordinal);

    private static string Refused(byte[] file) => Assert.Throws<VmStateException>(() => SyntheticStream.ReadAll(file)).Message;
}
