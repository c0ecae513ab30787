using System;
using System.IO;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Postcopy;

/// <summary>A stream without its RAM, as a postcopy source sends it (qemu-migration.md §13.1): no device is understood, all is copied.</summary>
/// <param name="MachineType">For people.</param>
/// <param name="Preamble">Header and configuration.</param>
/// <param name="BeforeRam">Sections before RAM's START.</param>
/// <param name="AfterRam">Those behind it and before RAM's first page.</param>
/// <param name="Devices">Those that belong into the package.</param>
/// <param name="Ram">RAM's section.</param>
internal sealed record SnapshotSections(string MachineType, byte[] Preamble, byte[] BeforeRam, byte[] AfterRam, byte[] Devices, PostcopySection Ram)
{
    /// <summary>Reads all of a stream.</summary>
    /// <param name="reader">At its start.</param>
    /// <param name="onRam">Told when RAM's blocks are known.</param>
    /// <param name="onRecord">Given RAM's records.</param>
    /// <exception cref="VmStateException">It is damaged, or has none of the parts that a machine has.</exception>
    public static SnapshotSections Read(QemuStreamReader reader, Action onRam, Action<RamRecord> onRecord)
    {
        var parts = new Part[3];
        for (var i = 0; i < parts.Length; i++)
            parts[i] = new Part();
        byte[]? preamble = null;
        SectionHeader? ram = null;
        var at = 0;
        while (reader.Read())
        {
            var element = reader.Current;
            switch (element.Kind)
            {
                case QemuElementKind.Configuration:
                    CheckPossible(reader);
                    break;
                case QemuElementKind.Command:
                    ConvertedConfiguration.Keeps(element);
                    break;
                case QemuElementKind.Section when element.Section is { Name: QemuWire.RamName, InstanceId: 0, Kind: not SectionKind.Full }:
                    at = element.Section.Kind == SectionKind.Start ? 1 : 2;
                    if (element.Section.Kind == SectionKind.Start)
                    {
                        ram = element.Section;
                        if (reader.Ram!.HasSetupFlush)
                            throw Fault.At("ram › setup", "pages in this file", "MULTIFD_FLUSH: they went through other channels", element.Offset);
                        onRam();
                    }
                    while (reader.ReadRamRecord(out var record))
                        onRecord(record);
                    break;
                case QemuElementKind.Section:
                    parts[at].Writer.CopyElement(reader);
                    break;
            }
        }
        if (ram is null)
            throw Fault.At("stream", "RAM", "none", -1);
        preamble = MakePreamble(reader.Configuration);
        return new SnapshotSections(
            reader.Configuration?.MachineType ?? "", preamble, parts[0].ToArray(), parts[1].ToArray(), parts[2].ToArray(), new PostcopySection(ram.Value.Id, reader.HasFooters ?? true));
    }

    private static void CheckPossible(QemuStreamReader reader)
    {
        if (reader.Configuration!.HasCapability(QemuConfiguration.IgnoreShared))
            throw Fault.At("configuration", "all RAM in the file", "the capability x-ignore-shared: shared RAM is elsewhere", reader.Current.Offset);
    }

    /// <summary>The capability mapped-ram is the file's; a destination that takes postcopy does not have it.</summary>
    private static byte[] MakePreamble(QemuConfiguration? configuration)
    {
        var stream = new MemoryStream();
        var writer = new QemuStreamWriter(stream);
        writer.WriteHeader();
        if (configuration != null)
            writer.WriteConfiguration(ConvertedConfiguration.Of(configuration, RamLayout.Plain));
        writer.Flush();
        return stream.ToArray();
    }

    private sealed class Part
    {
        private readonly MemoryStream bytes = new();

        public Part() => Writer = QemuStreamWriter.OfElements(bytes);

        public QemuStreamWriter Writer { get; }

        public byte[] ToArray()
        {
            Writer.Flush();
            return bytes.ToArray();
        }
    }
}
