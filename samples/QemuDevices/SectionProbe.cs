using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using VmStateGen.Runtime.Streams.Qemu;

namespace QemuDevices;

/// <summary>
/// Finds out how a device was configured when its section was saved: from the registers in its PCI configuration space that no
/// guest can change, and from the trailer. A machine that is to load the section knows it without.
/// </summary>
internal sealed class SectionProbe
{
    private const int ConfigOffset = 4; // after PCIDevice's version_id
    private const int IrqStateSize = 16;
    private const int StatusOffset = 0x06;
    private const int HasCapabilities = 0x10;
    private const int CapabilitiesOffset = 0x34;
    private const int MsixCapability = 0x11;
    private const int MaxCapabilities = 48;
    private const int VirtioRegisters = 8; // status, isr, queue_sel, guest features

    private readonly VmDeviceDescription? section;
    private readonly byte[] data;

    public SectionProbe(VmDeviceDescription? section, byte[] data)
    {
        this.section = section;
        this.data = data;
    }

    /// <summary>Knows of no section: every configuration is the default.</summary>
    public static SectionProbe None { get; } = new(null, []);

    /// <summary>Vectors that the MSI-X capability says; 0 if there is none.</summary>
    private int Vectors
    {
        get
        {
            int at = (Byte(ConfigOffset + StatusOffset) & HasCapabilities) != 0 ? Byte(ConfigOffset + CapabilitiesOffset) : 0;
            for (int i = 0; i < MaxCapabilities && at != 0; i++, at = Byte(ConfigOffset + at + 1))
            {
                if (Byte(ConfigOffset + at) == MsixCapability)
                    return (Little16(ConfigOffset + at + 2) & 0x7FF) + 1;
            }
            return 0;
        }
    }

    /// <summary>Configurations of a virtio device.</summary>
    /// <param name="queuesOffset">Where its own configuration space says how many queues it has; a shorter one means 1.</param>
    public IEnumerable<VirtioConfiguration> Virtio(int? queuesOffset = null)
    {
        // Packed rings are a subsection's business as soon as the device offers them.
        bool isPacked = data.AsSpan().IndexOf("virtio/packed_virtqueues"u8) >= 0;
        foreach (bool isExpress in new[] { false, true })
        {
            int queues = queuesOffset is int offset ? Queues(isExpress, offset) : 1;
            yield return new VirtioConfiguration { IsExpress = isExpress, IsPacked = isPacked, Queues = queues, Vectors = Vectors };
        }
    }

    /// <summary>Configurations of a USB 3.0 controller.</summary>
    public IEnumerable<XhciConfiguration> Xhci()
    {
        if (section is null)
            return [new XhciConfiguration()];
        string[] paths = [.. VmDescriptionFields.Enumerate(section).Select(field => field.Path)];
        return new[] { true, false }.Select(isExpress => new XhciConfiguration
        {
            IsExpress = isExpress,
            Vectors = Vectors,
            Ports = paths.Count(path => path.StartsWith("xhci/ports", StringComparison.Ordinal)),
            Slots = paths.Count(path => path.StartsWith("xhci/slots", StringComparison.Ordinal) && path.EndsWith("/enabled", StringComparison.Ordinal)),
            Interrupters = paths.Count(path => path.StartsWith("xhci/intr", StringComparison.Ordinal) && path.EndsWith("/iman", StringComparison.Ordinal)),
        });
    }

    private int Queues(bool isExpress, int offset)
    {
        int at = ConfigOffset + (isExpress ? 4096 : 256) + IrqStateSize + VirtioRegisters
            + (Vectors > 0 ? Vectors * 16 + (Vectors + 7) / 8 + sizeof(ushort) : 0);
        bool isThere = at + 4 + offset + 2 <= data.Length && BinaryPrimitives.ReadUInt32BigEndian(data.AsSpan(at)) >= offset + 2;
        return isThere ? Math.Max(1, Little16(at + 4 + offset)) : 1;
    }

    private int Byte(int offset) => offset < data.Length ? data[offset] : 0;

    private int Little16(int offset) => Byte(offset) | Byte(offset + 1) << 8;
}
