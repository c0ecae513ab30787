using System.IO;
using System.Text;
using System.Threading.Tasks;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;
using VmStateGen.Tool.Inspection;

namespace VmStateGen.Tool.Rendering;

/// <summary>
/// Renders a small report into nothing while a long file is read, so that the code which prints the real one is compiled by then: a tenth
/// of a second, as much as a gigabyte of file takes.
/// </summary>
internal static class RenderWarmup
{
    private const string Device = """
        {"page_size": 4096, "devices": [{"name": "a", "instance_id": 0, "vmsd_name": "b", "version": 1, "fields": [
        {"name": "x", "type": "uint32", "size": 4}, {"name": "y", "array_len": 2, "type": "bool", "size": 1}, {"name": "z", "type": "buffer", "size": 2},
        {"name": "t", "type": "timer", "size": 8}]}]}
        """;

    public static void Start(bool isJson) => Task.Run(() => Render(isJson));

    private static void Render(bool isJson)
    {
        VmDeviceDescription device = VmDescription.Parse(Encoding.ASCII.GetBytes(Device)).Devices[0];
        var section = new SectionHeader(SectionKind.Full, 1, "a", 0, 1);
        var report = new StreamReport { Source = "", Dialect = VmDescriptionDialect.Qemu100 };
        report.Parts.Add(new StreamPart(QemuElementKind.Section, 0, 0, 16) { End = 16, Section = section, Data = new SectionData(section, 0, new byte[16], device) });
        if (isJson)
            InspectJson.Write(TextWriter.Null, report);
        else
            InspectText.Write(new ToolOutput(TextWriter.Null, TextWriter.Null), report, hasOverview: true, hasFields: true, hasRam: false);
    }
}
