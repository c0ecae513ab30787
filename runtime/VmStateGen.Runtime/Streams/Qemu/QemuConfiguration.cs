using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Text;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>A subsection of the configuration, as it is on the wire.</summary>
/// <param name="Name">Full name, such as <c>configuration/capabilities</c>.</param>
/// <param name="Version">Its version.</param>
/// <param name="Data">Its fields.</param>
public readonly record struct QemuConfigurationSubsection(string Name, uint Version, ReadOnlyMemory<byte> Data);

/// <summary>
/// The configuration section: what both sides must agree on before anything else (qemu-migration.md §1.2). The subsections
/// are kept as they came, so that it is written again as it was read.
/// </summary>
/// <remarks>Immutable.</remarks>
public sealed class QemuConfiguration
{
    public const string TargetPageBitsName = "configuration/target-page-bits";
    public const string CapabilitiesName = "configuration/capabilities";
    public const string UuidName = "configuration/uuid";

    /// <summary>The capability of a file in which pages have fixed places (§5.10).</summary>
    public const string MappedRam = "mapped-ram";

    /// <summary>The capability that leaves shared RAM out (§5.11).</summary>
    public const string IgnoreShared = "x-ignore-shared";

    private const int MaxMachineType = 255;
    private const int MaxCapabilities = 64;
    private const int UuidSize = 16;

    /// <summary>
    /// A configuration of raw subsections, in the order given, to be written. What the subsections mean
    /// (<see cref="Capabilities"/> and others) is told only of a configuration that was read.
    /// </summary>
    /// <param name="machineType">Class name of the machine type, such as <c>pc-i440fx-10.0</c>; 1 to 255 printable ASCII characters.</param>
    /// <param name="subsections">None unless the migration needs them.</param>
    public QemuConfiguration(string machineType, IReadOnlyList<QemuConfigurationSubsection>? subsections = null)
    {
        WireName.Check(machineType, nameof(machineType));
        MachineType = machineType;
        Subsections = subsections ?? [];
        foreach (var subsection in Subsections)
            WireName.Check(subsection.Name, nameof(subsections));
    }

    /// <summary>Class name of the source's machine type.</summary>
    public string MachineType { get; }

    /// <summary>The subsections in wire order.</summary>
    public IReadOnlyList<QemuConfigurationSubsection> Subsections { get; }

    /// <summary>log2 of the target's page size, if it was sent (never on x86).</summary>
    public int? TargetPageBits { get; private set; }

    /// <summary>Capabilities that both sides must have on, in the order sent; empty if none was sent.</summary>
    public IReadOnlyList<string> Capabilities { get; private set; } = [];

    /// <summary>The source's UUID, 16 bytes, if it was sent; else empty.</summary>
    public ReadOnlyMemory<byte> Uuid { get; private set; }

    /// <summary>Whether the source had this capability on and said so.</summary>
    public bool HasCapability(string name)
    {
        foreach (var capability in Capabilities)
        {
            if (capability == name)
                return true;
        }
        return false;
    }

    /// <summary>The <c>configuration/capabilities</c> subsection.</summary>
    public static QemuConfigurationSubsection CapabilitiesSubsection(params ReadOnlySpan<string> names)
    {
        var data = new List<byte>();
        data.AddRange(BigEndian((uint)names.Length));
        foreach (var name in names)
        {
            WireName.Check(name, nameof(names));
            data.Add((byte)name.Length);
            data.AddRange(Encoding.ASCII.GetBytes(name));
        }
        return new QemuConfigurationSubsection(CapabilitiesName, 1, data.ToArray());
    }

    /// <summary>Reads what follows the CONFIGURATION byte.</summary>
    /// <param name="cursor">At the name's length.</param>
    /// <param name="description">The trailer's description of it, if there is one: the size of subsections that are not known here.</param>
    internal static QemuConfiguration Read(StreamCursor cursor, VmsdDescription? description)
    {
        var length = cursor.ReadUInt32("machine type");
        if (length is 0 or > MaxMachineType)
            throw Fault.At("machine type", $"a name of 1 to {MaxMachineType} characters", $"a length of {length}", cursor.Position - 4);
        var machineType = cursor.ReadText((int)length, "machine type");
        var subsections = new List<QemuConfigurationSubsection>();
        uint? bits = null;
        IReadOnlyList<string>? capabilities = null;
        ReadOnlyMemory<byte>? uuid = null;
        while (cursor.PeekByte() == QemuWire.Subsection)
        {
            var start = cursor.Position;
            cursor.Skip(1, "subsection");
            var name = cursor.ReadName("subsection");
            try
            {
                var version = cursor.ReadUInt32("version");
                var dataStart = cursor.Position;
                switch (name)
                {
                    case TargetPageBitsName when bits == null:
                        CheckVersion(version, dataStart);
                        bits = cursor.ReadUInt32("target_page_bits");
                        if (bits is < 10 or > 20)
                            throw Fault.At("target_page_bits", "10 to 20", $"{bits}", dataStart);
                        break;
                    case CapabilitiesName when capabilities == null:
                        CheckVersion(version, dataStart);
                        capabilities = ReadCapabilities(cursor);
                        break;
                    case UuidName when uuid == null:
                        CheckVersion(version, dataStart);
                        var raw = new byte[UuidSize];
                        cursor.Read(raw, "uuid");
                        uuid = raw;
                        break;
                    case TargetPageBitsName or CapabilitiesName or UuidName:
                        throw Fault.At("subsection", "each subsection once", "it again", start);
                    default:
                        cursor.Skip(DescribedSize(description, name, start), "subsection");
                        break;
                }
                var data = new byte[cursor.Position - dataStart];
                cursor.ReadAt(dataStart, data, "subsection");
                subsections.Add(new QemuConfigurationSubsection(name, version, data));
            }
            catch (VmStateException e) when (e.Within(name))
            {
                throw;
            }
        }
        return new QemuConfiguration(machineType, subsections)
        {
            TargetPageBits = (int?)bits,
            Capabilities = capabilities ?? [],
            Uuid = uuid ?? default,
        };
    }

    /// <summary>The section's bytes after the CONFIGURATION byte.</summary>
    internal byte[] ToBytes()
    {
        var bytes = new List<byte>();
        bytes.AddRange(BigEndian((uint)MachineType.Length));
        bytes.AddRange(Encoding.ASCII.GetBytes(MachineType));
        foreach (var subsection in Subsections)
        {
            bytes.Add(QemuWire.Subsection);
            bytes.Add((byte)subsection.Name.Length);
            bytes.AddRange(Encoding.ASCII.GetBytes(subsection.Name));
            bytes.AddRange(BigEndian(subsection.Version));
            bytes.AddRange(subsection.Data.Span);
        }
        return bytes.ToArray();
    }

    private static List<string> ReadCapabilities(StreamCursor cursor)
    {
        var start = cursor.Position;
        var count = cursor.ReadUInt32("caps_count");
        if (count > MaxCapabilities)
            throw Fault.At("caps_count", $"at most {MaxCapabilities} capabilities", $"{count}", start);
        var names = new List<string>();
        for (var i = 0; i < count; i++)
            names.Add(cursor.ReadName("capabilities"));
        return names;
    }

    private static long DescribedSize(VmsdDescription? description, string name, long offset)
    {
        if (description != null)
        {
            foreach (var subsection in description.Subsections)
            {
                if (subsection.Name == name)
                    return subsection.DataSize is <= ushort.MaxValue and var size
                        ? size
                        : throw Fault.At("size", "at most 65535 bytes of an unknown subsection", $"{subsection.DataSize}", offset);
            }
        }
        throw Fault.At("subsection", $"{TargetPageBitsName}, {CapabilitiesName}, {UuidName} or one that the trailer describes", "another", offset);
    }

    private static void CheckVersion(uint version, long dataStart)
    {
        if (version != 1)
            throw Fault.At("version", "version 1", $"version {version}", dataStart - 4);
    }

    private static byte[] BigEndian(uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }
}

/// <summary>Checks names that callers want written.</summary>
internal static class WireName
{
    /// <exception cref="ArgumentException">The name is not 1 to 255 printable ASCII characters.</exception>
    public static void Check(string name, string parameter)
    {
        ArgumentNullException.ThrowIfNull(name, parameter);
        if (name.Length is 0 or > 255 || name.AsSpan().IndexOfAnyExceptInRange(' ', '~') >= 0)
            throw new ArgumentException("A name on the wire has 1 to 255 printable ASCII characters.", parameter);
    }
}
