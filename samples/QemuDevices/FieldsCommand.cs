using System;
using System.IO;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;

namespace QemuDevices;

/// <summary><c>fields</c>: what the objects hold, field by field.</summary>
internal static class FieldsCommand
{
    public static int Run(FileInfo input, TextWriter report)
    {
        using FileStream from = input.OpenRead();
        var reader = new QemuStreamReader(from);
        while (reader.Read())
        {
            if (reader.Current is not { Kind: QemuElementKind.Section, Description: VmDeviceDescription description } element)
                continue;
            SectionHeader section = reader.Section;
            DecodedSection? decoded = SectionDecoder.Decode(description, section.Version, reader.ReadAllData(), out string reason, out bool hasClass);
            if (decoded is null)
            {
                if (hasClass)
                    report.WriteLine($"{section}: opaque: {reason}");
                continue;
            }
            report.WriteLine($"{section}: version {section.Version}, {decoded.Data.Length} bytes at 0x{element.DataOffset:x}");
            foreach (VmDescriptionSpan field in decoded.Fields)
                report.WriteLine($"  0x{field.Offset:x6} {field.Size,6} {field.Type,-16} {field.Path} = {FieldValue.Format(field.Type, decoded.Data.AsSpan((int)field.Offset, field.Size))}");
        }
        return ExitCodes.Done;
    }
}
