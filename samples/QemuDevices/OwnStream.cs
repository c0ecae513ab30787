using System;
using System.IO;
using System.Linq;
using System.Text;
using VmStateGen;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;

namespace QemuDevices;

/// <summary>A small stream in QEMU's format that no QEMU wrote: a block of RAM and a few devices.</summary>
internal static class OwnStream
{
    private const int PageSize = 4096;
    // Not 0, whose parts a QEMU takes for another section's (qemu-migration.md §1.3).
    private const uint RamSection = 1;

    private static readonly string[] Sections = ["timer", "i8259", "i8254", "serial", "fdc", "ps2kbd", "e1000"];

    public static void Write(Stream output)
    {
        var writer = new QemuStreamWriter(output);
        writer.WriteHeader();
        writer.WriteConfiguration(new QemuConfiguration("pc-i440fx-7.2"));
        WriteRam(writer);
        var trailer = new VmDescriptionTrailer();
        trailer.SetPageSize(PageSize);
        uint id = RamSection;
        foreach (string name in Sections)
        {
            IVmState device = DeviceCatalog.Candidates(name).First();
            string idstr = name == "e1000" ? "0000:00:03.0/e1000" : name;
            StateSection.Save(writer, ++id, idstr, 0, device);
            trailer.Devices.Add(SectionDecoder.Describe(device, idstr, 0, device.StateType.Version, VmDescriptionDialect.Qemu72));
        }
        writer.WriteEof();
        writer.WriteTrailer(trailer.ToJson());
        writer.Flush();
    }

    private static void WriteRam(QemuStreamWriter writer)
    {
        var block = new RamBlockEntry("pc.ram", 16 * PageSize);
        var ram = new RamSectionWriter(writer, PageSize);
        writer.BeginSection(new SectionHeader(SectionKind.Start, RamSection, "ram", 0, 4));
        ram.WriteSetup([block]);
        writer.EndSection();
        writer.BeginSection(new SectionHeader(SectionKind.End, RamSection, "ram", 0, 4));
        var page = new byte[PageSize];
        for (long offset = 0; offset < block.UsedLength; offset += PageSize)
        {
            if (offset % (4 * PageSize) != 0)
            {
                ram.WriteZeroPage(block, offset);
                continue;
            }
            Encoding.ASCII.GetBytes(FormattableString.Invariant($"page at {offset}"), page);
            ram.WritePage(block, offset, page);
        }
        ram.WriteEndOfSection();
        writer.EndSection();
    }
}
