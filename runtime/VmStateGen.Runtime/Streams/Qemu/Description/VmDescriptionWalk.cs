using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Globalization;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>One walk over a device's description; see <see cref="VmDescriptionFields"/>.</summary>
internal sealed class VmDescriptionWalk
{
    /// <summary>More fields than this are no device's, and printing them would take minutes.</summary>
    private const long MaxVisits = 1 << 24;

    private const byte ElementFollows = 0x01;
    private const byte NoElement = 0x00;
    private const byte PointerValid = 0x31;

    private readonly VmDeviceDescription device;
    private readonly byte[]? data;
    private long visits;

    public VmDescriptionWalk(VmDeviceDescription device, byte[]? data)
    {
        this.device = device;
        this.data = data;
        // Elements without bytes are not unfolded, so an honest description visits little more than its bytes and its text.
        visits = Math.Min(MaxVisits, 4 * device.DataSize + device.Json.Length);
    }

    public IEnumerable<VmDescriptionSpan> Run()
    {
        if (data is { } bytes && bytes.Length != device.DataSize)
            throw Bad("data", $"{device.DataSize} bytes, as described", $"{bytes.Length}", 0);
        return Vmsd(device.State, "", device.State.Name, 0);
    }

    private IEnumerable<VmDescriptionSpan> Vmsd(VmsdDescription vmsd, string prefix, string owner, long offset)
    {
        var index = 0L;
        for (var i = 0; i < vmsd.Fields.Count; i++)
        {
            var field = vmsd.Fields[i];
            var follows = i > 0 && vmsd.Fields[i - 1].Name == field.Name;
            var isFollowed = i + 1 < vmsd.Fields.Count && vmsd.Fields[i + 1].Name == field.Name;
            // QEMU makes the names of different fields of one vmsd differ, so neighbours of one name are one array, whether
            // they carry an index (7.2), all but the last do (10.0), none does (11.x), or it is split into runs (§4.1).
            var isArray = field.Index != null || field.ArrayLength != null || follows || isFollowed;
            index = field.Index ?? (follows ? index : 0);

            // Each marker of an auto-allocated array of pointers (11.x) belongs to the element behind it, if there is one.
            var isMarker = field.Type == "ptr-marker" && field.Size == 1 && field.ArrayLength is null or 1
                && isFollowed && ByteAt(offset) == PointerValid;
            if (isMarker)
            {
                yield return Span(VmDescriptionSpanKind.Marker, $"{prefix}{field.Name}[{Number(index)}]", field.Type, offset, 1, owner);
                offset++;
                continue;
            }

            // Elements without bytes are not told apart: a count of two billion of them costs an attacker nothing.
            var count = field.Size == 0 ? 1 : field.ArrayLength ?? 1;
            for (var k = 0L; k < count; k++)
            {
                var path = isArray ? $"{prefix}{field.Name}[{Number(index + k)}]" : prefix + field.Name;
                foreach (var span in Element(field, path, owner, offset))
                    yield return span;
                offset += field.Size;
            }
            index += field.ArrayLength ?? 1;
        }

        foreach (var subsection in vmsd.Subsections)
        {
            var path = prefix + subsection.Name;
            var size = QemuWire.SubsectionHeaderSize(subsection.Name.Length);
            CheckSubsection(subsection, path, offset);
            yield return Span(VmDescriptionSpanKind.SubsectionHeader, path, "subsection", offset, size, subsection.Name);
            offset += size;
            foreach (var span in Vmsd(subsection, path + "/", subsection.Name, offset))
                yield return span;
            offset += subsection.DataSize;
        }
    }

    private IEnumerable<VmDescriptionSpan> Element(VmFieldDescription field, string path, string owner, long offset)
    {
        if (field.Struct is { } child)
        {
            Visit(path, offset);
            if (child.DataSize != field.Size)
                throw Bad(path, $"{field.Size} bytes, the size of the field", $"{child.DataSize} in its fields", offset);
            return Vmsd(child, path + "/", owner, offset);
        }
        var inline = field.Inline;
        switch (field.Type)
        {
            case "qtailq" or "qlist" when SumOf(inline) + inline.Count + 1 == field.Size:
                return List(field, path, owner, offset);
            case "gtree" when SumOf(inline) + 9L * inline.Count + 5 == field.Size:
                return Tree(field, path, owner, offset, hasDirectKey: true);
            case "gtree" when inline.Count % 2 == 0 && SumOf(inline) + inline.Count / 2 + 5 == field.Size:
                return Tree(field, path, owner, offset, hasDirectKey: false);
            case "vstruct" or "tmp" when inline.Count == 1:
                Visit(path, offset);
                if (inline[0].DataSize != field.Size)
                    throw Bad(path, $"{field.Size} bytes, the size of the field", $"{inline[0].DataSize} in its fields", offset);
                return Vmsd(inline[0], path + "/", owner, offset);
            default:
                // A type of the device's own may describe only part of what it writes: then it is one opaque field.
                return [Span(VmDescriptionSpanKind.Field, path, field.Type, offset, (int)field.Size, owner)];
        }
    }

    /// <summary>Per element a byte 01 and its fields, at the end a byte 00 (§2.5).</summary>
    private IEnumerable<VmDescriptionSpan> List(VmFieldDescription field, string path, string owner, long offset)
    {
        for (var i = 0; i < field.Inline.Count; i++)
        {
            var element = $"{path}[{Number(i)}]";
            yield return Marker(element, ElementFollows, field.Type, offset++, owner);
            foreach (var span in Vmsd(field.Inline[i], element + "/", owner, offset))
                yield return span;
            offset += field.Inline[i].DataSize;
        }
        yield return Marker(path, NoElement, field.Type, offset, owner);
    }

    /// <summary>A 32-bit count, per node a byte 01, key and value, at the end a byte 00 (§2.5).</summary>
    private IEnumerable<VmDescriptionSpan> Tree(VmFieldDescription field, string path, string owner, long offset, bool hasDirectKey)
    {
        var step = hasDirectKey ? 1 : 2;
        if (data is { } bytes && BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan((int)offset)) is var nodes && nodes != field.Inline.Count / step)
            throw Bad(path, $"{field.Inline.Count / step} nodes, as described", $"{nodes}", offset);
        yield return Span(VmDescriptionSpanKind.Marker, path, field.Type, offset, 4, owner);
        offset += 4;
        for (var i = 0; i < field.Inline.Count; i += step)
        {
            var node = $"{path}[{Number(i / step)}]";
            yield return Marker(node, ElementFollows, field.Type, offset++, owner);
            if (hasDirectKey)
            {
                yield return Span(VmDescriptionSpanKind.Field, node + "/key", "uint64", offset, 8, owner);
                offset += 8;
            }
            for (var k = 0; k < step; k++)
            {
                var part = field.Inline[i + k];
                var name = k < step - 1 ? "/key/" : "/value/";
                foreach (var span in Vmsd(part, node + name, owner, offset))
                    yield return span;
                offset += part.DataSize;
            }
        }
        yield return Marker(path, NoElement, field.Type, offset, owner);
    }

    private VmDescriptionSpan Marker(string path, byte expected, string type, long offset, string owner)
    {
        if (ByteAt(offset) is { } found && found != expected)
            throw Bad(path, $"the marker 0x{expected:x2}", $"0x{found:x2}", offset);
        return Span(VmDescriptionSpanKind.Marker, path, type, offset, 1, owner);
    }

    private void CheckSubsection(VmsdDescription subsection, string path, long offset)
    {
        if (data == null)
            return;
        var bytes = data.AsSpan((int)offset, QemuWire.SubsectionHeaderSize(subsection.Name.Length));
        var isNamed = bytes[0] == QemuWire.Subsection && bytes[1] == subsection.Name.Length;
        for (var i = 0; isNamed && i < subsection.Name.Length; i++)
            isNamed = bytes[2 + i] == subsection.Name[i];
        if (!isNamed)
            throw Bad(path, "the header of this subsection", Convert.ToHexString(bytes[..Math.Min(16, bytes.Length)]), offset);
        var version = BinaryPrimitives.ReadUInt32BigEndian(bytes[^4..]);
        if (version != (uint)subsection.Version)
            throw Bad(path, $"version {subsection.Version}, as described", $"version {version}", offset);
    }

    private VmDescriptionSpan Span(VmDescriptionSpanKind kind, string path, string type, long offset, int size, string owner)
    {
        Visit(path, offset);
        return new VmDescriptionSpan(kind, path, type, offset, size, owner);
    }

    private void Visit(string path, long offset)
    {
        if (--visits < 0)
            throw Bad(path, $"at most {MaxVisits} fields, and no more than there are bytes for", "more", offset);
    }

    private byte? ByteAt(long offset) => data is { } bytes && offset < bytes.Length ? bytes[(int)offset] : null;

    private VmStateException Bad(string path, string expected, string found, long offset)
    {
        var fault = Fault.At(path, expected, found, offset);
        fault.InDevice(device.Name);
        return fault;
    }

    private static long SumOf(IReadOnlyList<VmsdDescription> bodies)
    {
        var sum = 0L;
        foreach (var body in bodies)
            sum = VmDescriptionSize.Add(sum, body.DataSize);
        return sum;
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
