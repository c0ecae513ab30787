using System;
using System.Collections.Generic;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>
/// The JSON trailer of a stream, parsed: what was sent, field by field with sizes, but no values (qemu-migration.md §4).
/// </summary>
/// <remarks>Immutable; any thread may read it. It keeps the JSON text, of which every raw piece is a slice.</remarks>
public sealed class VmDescription
{
    internal VmDescription(ReadOnlyMemory<byte> json) => Json = json;

    /// <summary>The whole text as it was read.</summary>
    public ReadOnlyMemory<byte> Json { get; }

    /// <summary>Target page size in bytes, a power of two from 1 KiB to 1 MiB; <see langword="null"/> if the trailer does not say.</summary>
    public int? PageSize { get; internal set; }

    /// <summary>What the configuration section holds; absent in 7.2.</summary>
    public VmsdDescription? Configuration { get; internal set; }

    /// <summary>The described sections, in the order in which they were sent.</summary>
    public IReadOnlyList<VmDeviceDescription> Devices { get; internal set; } = [];

    /// <summary>Every top-level member in the order found, with its value's raw text; <c>devices</c> included.</summary>
    public IReadOnlyList<VmDescriptionMember> Members { get; internal set; } = [];

    /// <summary>Parses a trailer.</summary>
    /// <param name="json">UTF-8 text; kept, so the caller must not change it.</param>
    /// <param name="offset">Offset of the text in the stream, for the offsets in errors.</param>
    /// <exception cref="VmStateException">The text is no JSON, is nested too deep, or is not a description.</exception>
    public static VmDescription Parse(ReadOnlyMemory<byte> json, long offset = 0) => VmDescriptionParser.Parse(json, offset);

    /// <summary>The device of that name and instance, <see langword="null"/> if there is none; the first if there are several.</summary>
    public VmDeviceDescription? FindDevice(string name, uint instanceId = 0)
    {
        foreach (var device in Devices)
        {
            if (device.Name == name && device.InstanceId == instanceId)
                return device;
        }
        return null;
    }
}

/// <summary>One top-level member of a trailer.</summary>
/// <param name="Key">The key.</param>
/// <param name="Value">The value's raw UTF-8 text.</param>
public readonly record struct VmDescriptionMember(string Key, ReadOnlyMemory<byte> Value);

/// <summary>A state or subsection as the trailer describes it: QEMU's "vmsd body".</summary>
public sealed class VmsdDescription
{
    internal VmsdDescription(string name, long version, IReadOnlyList<VmFieldDescription> fields, IReadOnlyList<VmsdDescription> subsections)
    {
        Name = name;
        Version = version;
        Fields = fields;
        Subsections = subsections;
        foreach (var field in fields)
            FieldsSize = VmDescriptionSize.Add(FieldsSize, field.TotalSize);
        DataSize = FieldsSize;
        foreach (var subsection in subsections)
            DataSize = VmDescriptionSize.Add(DataSize, subsection.DataSize + QemuWire.SubsectionHeaderSize(subsection.Name.Length));
    }

    /// <summary>The vmsd's name; empty where the trailer has none (old-style sections).</summary>
    public string Name { get; }

    /// <summary>The version that was written.</summary>
    public long Version { get; }

    /// <summary>Fields in wire order; arrays and lists as the trailer has them, not unfolded.</summary>
    public IReadOnlyList<VmFieldDescription> Fields { get; }

    /// <summary>The subsections that were sent, in wire order, after the fields.</summary>
    public IReadOnlyList<VmsdDescription> Subsections { get; }

    /// <summary>Bytes of the fields alone.</summary>
    public long FieldsSize { get; }

    /// <summary>Bytes of fields and subsections with their headers (type, name, version).</summary>
    public long DataSize { get; }
}

/// <summary>One section as the trailer describes it.</summary>
public sealed class VmDeviceDescription
{
    internal VmDeviceDescription(string name, uint instanceId, VmsdDescription state, bool isOldStyle, ReadOnlyMemory<byte> json)
    {
        Name = name;
        InstanceId = instanceId;
        State = state;
        IsOldStyle = isOldStyle;
        Json = json;
    }

    /// <summary>The section's idstr.</summary>
    public string Name { get; }

    /// <summary>The section's instance id.</summary>
    public uint InstanceId { get; }

    /// <summary>Fields and subsections. An old-style section has the one field <c>data</c> and no name or version.</summary>
    public VmsdDescription State { get; }

    /// <summary>The section was written by hand-made code: its data is opaque (§2.9).</summary>
    public bool IsOldStyle { get; }

    /// <summary>Raw UTF-8 text of the object, to be copied verbatim into another trailer.</summary>
    public ReadOnlyMemory<byte> Json { get; }

    /// <summary>Bytes of the section's data, subsection headers included, footer not.</summary>
    public long DataSize => State.DataSize;
}

/// <summary>One entry of a trailer's <c>fields</c>: a field, an element of an array, or a run of equal elements.</summary>
public sealed class VmFieldDescription
{
    internal VmFieldDescription(string name, string type, long size, long? arrayLength, long? index, VmsdDescription? @struct, IReadOnlyList<VmsdDescription> inline)
    {
        Name = name;
        Type = type;
        Size = size;
        ArrayLength = arrayLength;
        Index = index;
        Struct = @struct;
        Inline = inline;
        TotalSize = VmDescriptionSize.Multiply(size, arrayLength ?? 1);
    }

    /// <summary>QEMU's name of the field.</summary>
    public string Name { get; }

    /// <summary>QEMU's type name: <c>uint32</c>, <c>struct</c>, <c>qtailq</c>, <c>pci config</c>, … (§2.5).</summary>
    public string Type { get; }

    /// <summary>Bytes of one element.</summary>
    public long Size { get; }

    /// <summary>Elements in a run that is described once.</summary>
    public long? ArrayLength { get; }

    /// <summary>Index of this element of an array that is described element by element.</summary>
    public long? Index { get; }

    /// <summary>What a <c>struct</c> field holds.</summary>
    public VmsdDescription? Struct { get; }

    /// <summary>What <c>vstruct</c>, <c>tmp</c>, <c>qtailq</c>, <c>qlist</c> and <c>gtree</c> hold: one body for each repetition of the keys.</summary>
    public IReadOnlyList<VmsdDescription> Inline { get; }

    /// <summary>Bytes of all elements of the run.</summary>
    public long TotalSize { get; }
}

/// <summary>Sums of untrusted sizes that cannot overflow.</summary>
internal static class VmDescriptionSize
{
    /// <summary>The largest section that is believed: 2^50 bytes.</summary>
    public const long Max = 1L << 50;

    public static long Add(long a, long b) => Check(a + b);

    public static long Multiply(long a, long b) => a == 0 || b <= Max / a ? a * b : throw TooLarge();

    private static long Check(long size) => size <= Max ? size : throw TooLarge();

    private static VmStateException TooLarge() => Fault.At("size", "at most 2^50 bytes", "a larger sum", -1);
}
