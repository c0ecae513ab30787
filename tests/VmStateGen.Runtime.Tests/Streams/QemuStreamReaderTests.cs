using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Tests.Streams;

public sealed class QemuStreamReaderTests
{
    [Fact]
    public void Every_element_comes_in_wire_order()
    {
        var reader = new QemuStreamReader(new MemoryStream(SyntheticStream.Make()));
        var found = new List<string>();
        while (reader.Read())
        {
            var e = reader.Current;
            found.Add(e.Kind switch
            {
                QemuElementKind.Section => $"{e.Section.Kind} {e.Section.Id} {e.Section} v{e.Section.Version} {reader.DataLength}",
                QemuElementKind.Command => $"{e.Command!.Id} {Convert.ToHexString(e.Command.Payload.Span)}",
                _ => e.Kind.ToString(),
            });
        }
        Assert.Equal(
            [
                "Header", "Configuration", "OpenReturnPath ", "Ping 00000001",
                "Full 7 early v1 1", "Start 2 ram v4 43",
                "Part 2 ram v4 4128", "Part 2 ram v4 4171", "SwitchoverStart ", "End 2 ram v4 8",
                "Full 9 dev v2 24", "Full 10 dev#1 v2 8", "Full 11 slirp v4 3", "Eof", "Trailer",
            ],
            found);
        Assert.Equal("mach", reader.Configuration!.MachineType);
        Assert.True(reader.HasFooters);
        Assert.False(reader.Read());
    }

    [Fact]
    public void Data_of_a_device_is_found_by_the_trailer_and_read_in_pieces()
    {
        var reader = new QemuStreamReader(new MemoryStream(SyntheticStream.Make()));
        Assert.True(reader.ReadSection());
        while (reader.Section.Name != "slirp")
            Assert.True(reader.ReadSection());
        Assert.Equal(3, reader.SectionLength);
        Assert.True(reader.Current.Description!.IsOldStyle);
        var buffer = new byte[2];
        Assert.Equal(2, reader.ReadData(buffer));
        Assert.Equal([1, 2], buffer);
        Assert.Equal(1, reader.ReadData(buffer));
        Assert.Equal(3, buffer[0]);
        Assert.Equal(0, reader.ReadData(buffer));
        Assert.Equal([1, 2, 3], reader.ReadAllData());
        Assert.False(reader.ReadSection());
    }

    [Fact]
    public void Data_may_be_read_again_after_the_element_was_finished()
    {
        var reader = new QemuStreamReader(new MemoryStream(SyntheticStream.Make()));
        var elements = 0;
        while (reader.Read())
        {
            elements++;
            reader.FinishElement();
            var data = reader.ReadAllData();
            var again = new byte[data.Length + 1];
            Assert.Equal(data.Length, reader.ReadData(again));
            Assert.Equal(data, again[..^1]);
        }
        Assert.Equal(15, elements);
    }

    [Fact]
    public void Ram_is_told_record_by_record_and_the_last_block_spans_sections()
    {
        var reader = new QemuStreamReader(new MemoryStream(SyntheticStream.Make()));
        var found = new List<string>();
        while (reader.ReadSection())
        {
            while (reader.ReadRamRecord(out var r))
                found.Add($"{r.Kind} {r.Block?.Name} {r.PageOffset:x} {r.PayloadLength}{(r.IsContinued ? " +" : "")}");
        }
        Assert.Equal(
            [
                "Page pc.ram 0 4096", "Zero pc.ram 1000 0 +",
                "Page pc.ram 2000 4096 +", "MultifdFlush  0 0", "Zero rom 0 0", "Xbzrle pc.ram 0 3", "CompressedPage pc.ram 3000 5 +",
            ],
            found);
        Assert.Equal(["pc.ram", "rom"], reader.Ram!.Blocks.Select(b => b.Name));
        Assert.Equal([4 * 4096L, 4096L], reader.Ram.Blocks.Select(b => b.UsedLength));
    }

    [Fact]
    public void A_page_is_read_at_its_payload_offset_without_losing_the_place()
    {
        var reader = new QemuStreamReader(new MemoryStream(SyntheticStream.Make()));
        while (reader.ReadSection() && reader.Section.Kind != SectionKind.Part)
        {
        }
        Assert.True(reader.ReadRamRecord(out var record));
        var page = new byte[record.PayloadLength];
        reader.ReadAt(record.PayloadOffset, page);
        Assert.All(page, b => Assert.Equal(0xA5, b));
        Assert.Null(reader.SectionLength);
        Assert.True(reader.ReadRamRecord(out record));
        Assert.Equal(RamRecordKind.Zero, record.Kind);
        Assert.False(reader.ReadRamRecord(out _));
        Assert.Equal(4128, reader.SectionLength);
    }

    [Fact]
    public void Configuration_with_all_its_subsections()
    {
        var uuid = Enumerable.Range(0, 16).Select(i => (byte)i).ToArray();
        var bytes = new Bytes().Header().Configuration("virt-9.0")
            .U8(0x05).Name("configuration/target-page-bits").Be32(1).Be32(16)
            .U8(0x05).Name("configuration/capabilities").Be32(1).Be32(2).Name("x-ignore-shared").Name("mapped-ram")
            .U8(0x05).Name("configuration/uuid").Be32(1).U8(uuid)
            .U8(0x00).ToArray();
        var reader = new QemuStreamReader(new MemoryStream(bytes));
        Assert.True(reader.Read() && reader.Read());
        var configuration = reader.Configuration!;
        Assert.Equal(16, configuration.TargetPageBits);
        Assert.Equal(["x-ignore-shared", "mapped-ram"], configuration.Capabilities);
        Assert.True(configuration.HasCapability("mapped-ram"));
        Assert.Equal(uuid, configuration.Uuid.ToArray());
        Assert.Equal(bytes, SyntheticStream.Copy(bytes));
        Assert.Equal(
            configuration.Subsections[1].Data.ToArray(),
            QemuConfiguration.CapabilitiesSubsection("x-ignore-shared", "mapped-ram").Data.ToArray());
    }

    [Fact]
    public void A_configuration_subsection_of_the_future_is_carried_if_the_trailer_describes_it()
    {
        var described = """{"configuration": {"vmsd_name": "configuration", "version": 1, "fields": [], "subsections": [{"vmsd_name": "configuration/new", "version": 3, "fields": [{"name": "x", "type": "uint16", "size": 2}]}]}, "page_size": 4096, "devices": []}""";
        Bytes Make() => new Bytes().Header().Configuration("m").U8(0x05).Name("configuration/new").Be32(3).U8(1, 2).U8(0x00);
        var bytes = Make().Trailer(described).ToArray();
        Assert.Equal(bytes, SyntheticStream.Copy(bytes));
        var e = Assert.Throws<VmStateException>(() => SyntheticStream.Copy(Make().ToArray()));
        Assert.Equal("configuration › configuration/new › subsection", e.FieldPath);
    }

    [Fact]
    public void Mapped_ram_headers_lead_over_the_page_areas()
    {
        var bytes = new Bytes().Header().Configuration("m")
            .U8(0x05).Name("configuration/capabilities").Be32(1).Be32(1).Name("mapped-ram")
            .Section(0x01, 1, "ram", 0, 4).Be64(3 * 4096 | 4);
        void Block(string name, int pages)
        {
            bytes.Name(name).Be64((ulong)pages * 4096).Be32(1).Be64(4096);
            var bitmap = bytes.Length + 16;
            bytes.Be64((ulong)bitmap).Be64((ulong)bitmap + 64).Fill(0xFF, 64).Fill(0x11, pages * 4096);
        }
        Block("a", 2);
        bytes.Name("ignored").Be64(0).Be32(1).Be64(4096).Be64(0).Be64(0);
        Block("b", 1);
        bytes.Be64(0x10).Footer(1).U8(0x03).Be32(1).Be64(0x10).Footer(1).U8(0x00).Trailer("""{"page_size": 4096, "devices": []}""");
        var reader = bytes.Open();
        Assert.True(reader.ReadSection());
        Assert.Equal(["a", "ignored", "b"], reader.Ram!.Blocks.Select(b => b.Name));
        Assert.Equal(reader.Ram.Blocks[0].Mapped!.BitmapOffset + 64, reader.Ram.Blocks[0].Mapped!.PagesOffset);
        Assert.True(reader.ReadSection());
        Assert.False(reader.ReadSection());
        Assert.Equal(bytes.ToArray(), SyntheticStream.Copy(bytes.ToArray()));
    }

    [Fact]
    public void Page_sizes_after_a_postcopy_advice_are_told_from_names_and_marks()
    {
        var bytes = new Bytes().Header()
            .U8(0x08).Be16(3).Be16(16).Be64(0x201000).Be64(4096)
            .Section(0x01, 1, "ram", 0, 4).Be64((0x400000 + 8192) | 4)
            .Name("a").Be64(0x200000).Be64(0x200000).Name("b").Be64(8192).Name("c").Be64(0x200000).Be64(0x200000)
            .Be64(0x200).Be64(0x10).Footer(1).U8(0x00);
        var reader = bytes.Open();
        Assert.True(reader.ReadSection());
        Assert.Equal([0x200000, null, 0x200000], reader.Ram!.Blocks.Select(b => b.PageSize));
        Assert.True(reader.Ram.HasSetupFlush);
    }

    [Fact]
    public void Guest_addresses_come_with_x_ignore_shared()
    {
        var bytes = new Bytes().Header().Configuration("m")
            .U8(0x05).Name("configuration/capabilities").Be32(1).Be32(1).Name("x-ignore-shared")
            .Section(0x01, 1, "ram", 0, 4).Be64(4096 | 4).Name("a").Be64(4096).Be64(0xC0000).Be64(0x10).Footer(1).U8(0x00);
        var reader = bytes.Open();
        Assert.True(reader.ReadSection());
        Assert.Equal(0xC0000UL, reader.Ram!.Blocks[0].GuestAddress);
    }

    [Fact]
    public void A_package_is_carried_with_its_bytes()
    {
        var bytes = new Bytes().Header().U8(0x08).Be16(7).Be16(4).Be32(5).U8(1, 2, 3, 4, 5).U8(0x00).ToArray();
        var reader = new QemuStreamReader(new MemoryStream(bytes));
        Assert.True(reader.Read() && reader.Read());
        Assert.Equal(QemuCommandId.Packaged, reader.Current.Command!.Id);
        Assert.Equal([1, 2, 3, 4, 5], reader.ReadAllData());
        Assert.Equal(bytes, SyntheticStream.Copy(bytes));
    }

    [Fact]
    public void Bounds_of_the_caller_stand_in_for_a_trailer()
    {
        var bytes = new Bytes().Header().Section(0x01, 3, "spapr/htab", 0, 1).U8(1).Footer(3).U8(0x00);
        var e = Assert.Throws<VmStateException>(() => SyntheticStream.ReadAll(bytes.ToArray(), new QemuStreamReaderOptions { GuessBounds = false }));
        Assert.Equal(
            "spapr/htab › data: expected a description that tells its length, found an iterative section that nothing here parses at offset 0x20",
            e.Message);
        SyntheticStream.ReadAll(bytes.ToArray(), new QemuStreamReaderOptions { Bounds = [new OneByte()] });
    }

    [Fact]
    public void Dirty_bitmaps_are_bounded_by_their_chunks()
    {
        var bytes = new Bytes().Header()
            .Section(0x01, 3, "dirty-bitmap", 0, 1).U8(0x1C).Name("disk").Name("bitmap0").Be32(65536).U8(1).U8(1).Footer(3)
            .U8(0x03).Be32(3).U8(0x40).Be64(0).Be32(128).Be64(32).Fill(0x11, 32).U8(0x42).Be64(128).Be32(128).U8(0x20).U8(1).Footer(3)
            .U8(0x00).ToArray();
        Assert.Equal(bytes, SyntheticStream.Copy(bytes));
        SyntheticStream.ReadAll(bytes);
    }

    [Fact]
    public void A_stream_in_the_middle_of_a_file_keeps_absolute_offsets()
    {
        var file = new MemoryStream([.. new byte[100], .. SyntheticStream.Make()]) { Position = 100 };
        var reader = new QemuStreamReader(file);
        Assert.True(reader.Read());
        Assert.Equal(100, reader.Current.Offset);
        while (reader.Read())
        {
        }
    }

    private sealed class OneByte : ISectionBounds
    {
        public bool TryGetLength(in SectionHeader section, StreamCursor data, out long length)
        {
            data.Skip(1, "flags");
            length = 1;
            return true;
        }
    }
}
