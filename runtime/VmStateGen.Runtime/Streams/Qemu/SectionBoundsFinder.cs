using System.Collections.Generic;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>Asks everybody who may know where a section's data ends: the caller, the trailer, the parsers of iterative sections.</summary>
internal sealed class SectionBoundsFinder(VmDescription? description, IReadOnlyList<ISectionBounds> callers)
{
    private readonly TrailerSectionBounds? trailer = description == null ? null : new TrailerSectionBounds(description);
    private readonly DirtyBitmapBounds iterative = new();

    /// <summary>Finds the end of the data that starts at the cursor's position, which stays.</summary>
    /// <param name="section">The section.</param>
    /// <param name="cursor">At the data.</param>
    /// <param name="device">The trailer's description of the section, if there is one.</param>
    /// <returns>Absolute offset of the first byte after the data, inside the stream.</returns>
    public long FindEnd(in SectionHeader section, StreamCursor cursor, out VmDeviceDescription? device)
    {
        var start = cursor.Position;
        device = null;
        long? length = null;
        // The trailer counts the sections of a name, so it is asked for each, whoever else knows.
        if (trailer != null && TryBounds(trailer, section, cursor, ref length))
            device = trailer.Device;
        foreach (var bounds in callers)
        {
            if (TryBounds(bounds, section, cursor, ref length))
                break;
        }
        if (length == null)
            TryBounds(iterative, section, cursor, ref length);

        if (length == null)
        {
            var why = section.Kind != SectionKind.Full ? "an iterative section that nothing here parses"
                : description == null ? "no trailer in the file"
                : "none in the trailer";
            throw Fault.At("data", "a description that tells its length", why, start);
        }
        if (length < 0 || length > cursor.Remaining)
            throw Fault.At("data", $"{length} bytes", $"the end of the stream after {cursor.Remaining}", start);
        return start + length.Value;
    }

    private static bool TryBounds(ISectionBounds bounds, in SectionHeader section, StreamCursor cursor, ref long? length)
    {
        var start = cursor.Position;
        var isKnown = bounds.TryGetLength(section, cursor, out var known);
        cursor.Seek(start, "data");
        if (isKnown)
            length = known;
        return isKnown;
    }
}
