using System;
using System.Collections.Generic;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>What a range of a section's data is.</summary>
public enum VmDescriptionSpanKind
{
    /// <summary>A leaf field.</summary>
    Field,

    /// <summary>Type, name and version in front of a subsection's fields.</summary>
    SubsectionHeader,

    /// <summary>A byte or count that QEMU puts around the elements of a list or tree.</summary>
    Marker,
}

/// <summary>A range of a section's data.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Path">
/// Names joined by <c>/</c> from the section's own state down: <c>parent_obj/config</c>, <c>ring[3]/addr</c>. A subsection is
/// its full name as one segment: <c>e1000/full_mac_state/mac_reg[0]</c>.
/// </param>
/// <param name="Type">The trailer's type name; for a subsection header <c>subsection</c>, for a marker its list's type.</param>
/// <param name="Offset">Bytes from the start of the section's data.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Owner">Name of the section's vmsd, or of the innermost subsection, that holds it.</param>
public readonly record struct VmDescriptionSpan(VmDescriptionSpanKind Kind, string Path, string Type, long Offset, int Size, string Owner);

/// <summary>Walks a device's description in wire order, arrays and lists unfolded, in all three dialects.</summary>
/// <remarks>
/// Lazy: nothing is kept but the way down. A description that does not add up (a struct of another size than its fields,
/// more elements than bytes) is a <see cref="VmStateException"/> during the enumeration. Without the section's bytes the
/// walk is the same, but markers and subsection headers go unchecked.
/// </remarks>
public static class VmDescriptionFields
{
    /// <summary>The leaf fields.</summary>
    /// <param name="device">The description.</param>
    /// <param name="data">The section's data, checked against markers and subsection headers if it is given.</param>
    public static IEnumerable<VmDescriptionSpan> Enumerate(VmDeviceDescription device, byte[]? data = null)
    {
        foreach (var span in Spans(device, data))
        {
            if (span.Kind == VmDescriptionSpanKind.Field)
                yield return span;
        }
    }

    /// <summary>The leaf fields and what is between them: together every byte of the section's data, once, in order.</summary>
    /// <inheritdoc cref="Enumerate"/>
    public static IEnumerable<VmDescriptionSpan> Spans(VmDeviceDescription device, byte[]? data = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        return new VmDescriptionWalk(device, data).Run();
    }

    /// <summary>The field of that path. An array of one element is found with and without <c>[0]</c>, since dialects differ in it.</summary>
    /// <returns><see langword="false"/> if there is none.</returns>
    public static bool TryFind(VmDeviceDescription device, string path, out VmDescriptionSpan field)
    {
        ArgumentNullException.ThrowIfNull(path);
        field = default;
        var loose = path.Replace("[0]", "", StringComparison.Ordinal);
        var candidates = 0;
        foreach (var span in Enumerate(device))
        {
            if (span.Path == path)
            {
                field = span;
                return true;
            }
            // Only a path that differs in nothing but [0] is a candidate, and only if it is the one such path.
            if (span.Path.Length - span.Path.Replace("[0]", "", StringComparison.Ordinal).Length != path.Length - loose.Length
                && span.Path.Replace("[0]", "", StringComparison.Ordinal) == loose)
            {
                field = span;
                candidates++;
            }
        }
        return candidates == 1;
    }

    /// <summary>
    /// Tells which dialect a trailer is of: by the type of null pointers, else by which elements of an array carry an index,
    /// else by whether there is a configuration object (absent: 7.2). A trailer that has a configuration but neither arrays
    /// nor null pointers to tell by reads the same in 10.0 and 11.x and is called <see cref="VmDescriptionDialect.Qemu100"/>.
    /// </summary>
    public static VmDescriptionDialect DetectDialect(VmDescription description)
    {
        ArgumentNullException.ThrowIfNull(description);
        VmDescriptionDialect? byArray = null;
        foreach (var device in description.Devices)
        {
            if (ByNullPointer(device.State, ref byArray) is { } dialect)
                return dialect;
        }
        return byArray ?? (description.Configuration == null ? VmDescriptionDialect.Qemu72 : VmDescriptionDialect.Qemu100);
    }

    private static VmDescriptionDialect? ByNullPointer(VmsdDescription vmsd, ref VmDescriptionDialect? byArray)
    {
        for (var i = 0; i < vmsd.Fields.Count; i++)
        {
            var field = vmsd.Fields[i];
            if (field.Type == "ptr-marker")
                return VmDescriptionDialect.Qemu11;
            if (field.Type == "nullptr")
                return VmDescriptionDialect.Qemu100;
            byArray ??= ByArray(vmsd.Fields, i);
            if (field.Struct != null && ByNullPointer(field.Struct, ref byArray) is { } inStruct)
                return inStruct;
            foreach (var inline in field.Inline)
            {
                if (ByNullPointer(inline, ref byArray) is { } inInline)
                    return inInline;
            }
        }
        foreach (var subsection in vmsd.Subsections)
        {
            if (ByNullPointer(subsection, ref byArray) is { } inSubsection)
                return inSubsection;
        }
        return null;
    }

    /// <summary>Judges the array that starts at field <paramref name="start"/>, if it is described element by element.</summary>
    private static VmDescriptionDialect? ByArray(IReadOnlyList<VmFieldDescription> fields, int start)
    {
        var first = fields[start];
        if (first.ArrayLength != null || (start > 0 && fields[start - 1].Name == first.Name))
            return null;
        var last = start;
        while (last + 1 < fields.Count && fields[last + 1].Name == first.Name)
        {
            // Runs of null and other pointers have lengths of their own and no rule of indices.
            if (fields[++last].ArrayLength != null)
                return null;
        }
        if (fields[last].Index != null)
            return VmDescriptionDialect.Qemu72;
        if (last == start)
            return null;
        return first.Index != null ? VmDescriptionDialect.Qemu100 : VmDescriptionDialect.Qemu11;
    }
}
