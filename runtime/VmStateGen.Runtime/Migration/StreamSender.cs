using System;
using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Numerics;
using System.Text;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Ram;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Migration;

/// <summary>Writes a machine's sections into a stream, and keeps account of what each costs. Knows nothing of when.</summary>
internal sealed class StreamSender(Machine machine, MigrationSourceOptions options, Channel channel)
{
    // The page size that a stream without a word about it has (qemu-migration.md §1.2).
    private const int DefaultPageSize = 4096;

    private readonly QemuStreamWriter writer = new(channel.AsStream());
    private readonly VmDescriptionTrailer trailer = new();
    private readonly List<MachineSection> started = [];
    private readonly Dictionary<MachineSection, (long Bytes, TimeSpan Time)> costs = [];
    private readonly List<MachineSection> costOrder = [];
    private readonly List<MachineSection> undescribed = [];
    private byte[]? description;

    /// <summary>Sections that are moved in rounds and have begun.</summary>
    public IReadOnlyList<MachineSection> Started => started;

    /// <summary>What each section cost so far.</summary>
    public IReadOnlyList<SectionCost> Costs => costOrder.ConvertAll(section => new SectionCost(section.ToString(), costs[section].Bytes, costs[section].Time));

    public void WritePreamble()
    {
        var subsections = new List<QemuConfigurationSubsection>();
        if (machine.Memory.PageSize != DefaultPageSize)
        {
            var bits = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(bits, BitOperations.Log2((uint)machine.Memory.PageSize));
            subsections.Add(new QemuConfigurationSubsection(QemuConfiguration.TargetPageBitsName, 1, bits));
        }
        if (options.Features.IgnoreShared)
            subsections.Add(QemuConfiguration.CapabilitiesSubsection(QemuConfiguration.IgnoreShared));
        writer.WriteHeader();
        writer.WriteConfiguration(new QemuConfiguration(machine.Type, subsections));
        if (subsections.Count == 0)
            trailer.SetConfiguration(DescribeConfiguration());
        trailer.SetPageSize(machine.Memory.PageSize);
    }

    public void WriteCommand(QemuCommandId id) => writer.WriteCommand(id);

    public void WritePing(uint value)
    {
        Span<byte> payload = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(payload, value);
        writer.WriteCommand(QemuCommandId.Ping, payload);
    }

    public void Flush() => writer.Flush();

    /// <summary>Writes elements that are not sections of the machine.</summary>
    public void WriteElements(Action<QemuStreamWriter> write)
    {
        write(writer);
        writer.Flush();
    }

    /// <summary>All devices that do not go early, for a package.</summary>
    public byte[] SaveDevices()
    {
        var package = new MemoryStream();
        var devices = QemuStreamWriter.OfElements(package);
        foreach (var section in machine.SaveOrder)
        {
            if (section.Device?.StateType.EarlySetup == false)
                SaveDevice(section, devices);
        }
        devices.Flush();
        return package.ToArray();
    }

    public void Begin(MachineSection section, MigrationFeatures features)
    {
        Write(section, SectionKind.Start, output => section.Handler!.Setup(output, features));
        started.Add(section);
    }

    public void Iterate(MachineSection section, long budget)
        => Write(section, SectionKind.Part, output => section.Handler!.Iterate(output, budget));

    public void Complete(MachineSection section)
        => Write(section, SectionKind.End, output => section.Handler!.Complete(output));

    /// <summary>A device that is sent while the guest runs.</summary>
    public void SaveEarlyDevice(MachineSection section)
    {
        SaveDevice(section);
        DescribeDevices();
    }

    /// <summary>A device, whole; nothing if it says that it is not needed.</summary>
    public void SaveDevice(MachineSection section)
    {
        if (SaveDevice(section, writer))
            undescribed.Add(section);
    }

    private bool SaveDevice(MachineSection section, QemuStreamWriter output)
    {
        var device = section.Device!;
        if (!device.IsNeeded)
            return false;
        var from = Stopwatch.GetTimestamp();
        var bytes = StateSection.Save(output, section.Id, section.Name, section.InstanceId, device);
        section.LastCost = new SectionCost(section.ToString(), bytes, Stopwatch.GetElapsedTime(from));
        Account(section, bytes, from);
        return true;
    }

    /// <summary>Makes the description of all that was saved: while it is on its way and the destination loads it, and before the guest is given away.</summary>
    public void MakeDescription()
    {
        if (!options.SendDescription)
            return;
        DescribeDevices();
        description = trailer.ToJson();
    }

    private void DescribeDevices()
    {
        foreach (var section in options.SendDescription ? undescribed : [])
        {
            var from = Stopwatch.GetTimestamp();
            var text = new ArrayBufferWriter<byte>();
            new VmDescriptionWriter(text, options.Dialect).Device(section.Name, section.InstanceId, section.Device!);
            trailer.Devices.Add(text.WrittenMemory);
            section.LastCost = section.LastCost! with { Time = section.LastCost.Time + Stopwatch.GetElapsedTime(from) };
            Account(section, 0, from);
        }
        undescribed.Clear();
    }

    /// <summary>EOF and what follows it: the guest is the destination's from the first byte of it on. Nothing but the write.</summary>
    public void WriteEnd()
    {
        writer.WriteEof();
        if (description != null)
            writer.WriteTrailer(description);
        writer.Flush();
    }

    private void Write(MachineSection section, SectionKind kind, Action<IterationOutput> write)
    {
        var from = Stopwatch.GetTimestamp();
        writer.BeginSection(section.Header(kind));
        var position = writer.Position;
        write(new Output(writer, channel));
        var bytes = writer.Position - position;
        writer.EndSection();
        Account(section, bytes, from);
    }

    private void Account(MachineSection section, long bytes, long from)
    {
        if (!costs.TryGetValue(section, out var cost))
            costOrder.Add(section);
        costs[section] = (cost.Bytes + bytes, cost.Time + Stopwatch.GetElapsedTime(from));
    }

    /// <summary>QEMU's own words for a configuration without subsections (qemu-migration.md §4.1).</summary>
    private byte[] DescribeConfiguration() => Encoding.ASCII.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $$"""{"vmsd_name": "configuration", "version": 1, "fields": [{"name": "len", "type": "uint32", "size": 4}, {"name": "name", "type": "buffer", "size": {{machine.Type.Length}}}]}"""));

    private sealed class Output(QemuStreamWriter writer, Channel channel) : IterationOutput
    {
        public override void Write(ReadOnlySpan<byte> data) => writer.Write(data);

        public override void Write(IoVector vector)
        {
            writer.PassBy(vector.Length);
            channel.Write(vector);
        }
    }
}
