using System;
using System.Collections.Generic;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>
/// Tells where a section's data ends, which QEMU's stream itself does not (qemu-migration.md §1.1). The trailer's sizes
/// are one source; a parser of the section's own records, or a device's class, are others.
/// </summary>
public interface ISectionBounds
{
    /// <summary>Finds the length of the data that starts at <paramref name="data"/>'s position.</summary>
    /// <param name="section">The section; asked once for each Start, Part, End and Full, in wire order.</param>
    /// <param name="data">May be read and moved; the reader puts it back and checks the answer against the end of the stream.</param>
    /// <param name="length">Bytes of data, without the footer.</param>
    /// <returns><see langword="false"/> if this source does not know the section.</returns>
    bool TryGetLength(in SectionHeader section, StreamCursor data, out long length);
}

/// <summary>The sizes of a trailer: the n-th Full section of a name and instance is the n-th device of that name and instance.</summary>
public sealed class TrailerSectionBounds : ISectionBounds
{
    private readonly Dictionary<(string Name, uint InstanceId), Queue<VmDeviceDescription>> devices = [];

    /// <summary>Bounds for one pass over the stream that ends with this trailer.</summary>
    public TrailerSectionBounds(VmDescription description)
    {
        ArgumentNullException.ThrowIfNull(description);
        foreach (var device in description.Devices)
        {
            var key = (device.Name, device.InstanceId);
            if (!devices.TryGetValue(key, out var queue))
                devices.Add(key, queue = new Queue<VmDeviceDescription>());
            queue.Enqueue(device);
        }
    }

    /// <summary>The description of the section that was asked for last, if it had one.</summary>
    public VmDeviceDescription? Device { get; private set; }

    /// <inheritdoc/>
    public bool TryGetLength(in SectionHeader section, StreamCursor data, out long length)
    {
        length = 0;
        Device = null;
        // Iterative sections are not described: the trailer is written from the Full sections only.
        if (section.Kind != SectionKind.Full || !devices.TryGetValue((section.Name, section.InstanceId), out var queue) || queue.Count == 0)
            return false;
        Device = queue.Dequeue();
        length = Device.DataSize;
        return true;
    }
}
