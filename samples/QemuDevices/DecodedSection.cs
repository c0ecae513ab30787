using System;
using System.Buffers;
using System.Collections.Generic;
using System.Linq;
using VmStateGen;
using VmStateGen.Runtime.Streams.Qemu;

namespace QemuDevices;

/// <summary>A section that went into an object and came out of it as it was.</summary>
/// <param name="Device">The object.</param>
/// <param name="Data">Encoded from the object.</param>
/// <param name="Description">What the trailer is to say of it.</param>
/// <param name="Layout">The same with the fields of what a trailer says opaquely.</param>
/// <param name="Fields">Every field with its place in <paramref name="Data"/>.</param>
internal sealed record DecodedSection(
    IVmState Device, byte[] Data, ReadOnlyMemory<byte> Description, VmDeviceDescription Layout, IReadOnlyList<VmDescriptionSpan> Fields);

/// <summary>Finds the class of a section, and holds it to what the stream's trailer says.</summary>
internal static class SectionDecoder
{
    private static readonly VmDescriptionDialect[] Dialects = Enum.GetValues<VmDescriptionDialect>();

    /// <summary>Decodes a section and encodes it again.</summary>
    /// <param name="section">The trailer's description of it.</param>
    /// <param name="version">The section's version on the wire.</param>
    /// <param name="data">Its data.</param>
    /// <param name="reason">Why it has to be carried opaque, if the result is null.</param>
    /// <param name="hasClass">Whether there is a class that should have fitted.</param>
    public static DecodedSection? Decode(VmDeviceDescription section, uint version, byte[] data, out string reason, out bool hasClass)
    {
        var misfits = new List<(long Offset, string Reason)>();
        foreach (IVmState device in DeviceCatalog.Candidates(section, data))
        {
            try
            {
                if (TryEncode(device, section, version, data, out DecodedSection? decoded, out string misfit))
                {
                    hasClass = true;
                    reason = "";
                    return decoded;
                }
                misfits.Add((long.MaxValue, misfit));
            }
            catch (VmStateException e)
            {
                misfits.Add((e.Offset, e.Message));
            }
        }
        hasClass = misfits.Count > 0;
        // Of several configurations, the one that went furthest is the one that was meant.
        reason = hasClass ? misfits.MaxBy(misfit => misfit.Offset).Reason : section.IsOldStyle ? "old-style section, no class" : "no class";
        return null;
    }

    /// <summary>Loads the device from the data.</summary>
    /// <exception cref="VmStateException">The data is not such a state, or there is more of it.</exception>
    public static void Load(IVmState device, string name, uint version, ReadOnlySpan<byte> data)
    {
        var reader = new VmStateReader(data);
        try
        {
            device.Load(ref reader, version > int.MaxValue ? int.MaxValue : (int)version);
            if (!reader.AtEnd())
                throw new VmStateException("the end of the section", $"{data.Length - reader.Offset} more bytes", reader.Offset);
        }
        catch (VmStateException e) when (e.InDevice(name))
        {
            throw;
        }
    }

    /// <summary>What the device's state is on the wire.</summary>
    public static byte[] Save(IVmState device, int version)
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new VmStateWriter(new BufferOutput(output));
        device.Save(ref writer, version);
        writer.Complete();
        return output.WrittenSpan.ToArray();
    }

    /// <summary>The object that describes the section in a trailer.</summary>
    public static ReadOnlyMemory<byte> Describe(
        IVmState device, string name, uint instanceId, int version, VmDescriptionDialect dialect, bool showsOpaque = false)
    {
        var text = new ArrayBufferWriter<byte>();
        var writer = new VmDescriptionWriter(text, dialect) { ShowsOpaque = showsOpaque };
        writer.Device(name, instanceId, device, version);
        return text.WrittenMemory;
    }

    /// <summary>The object in the form that the trailer has for this section.</summary>
    private static ReadOnlyMemory<byte> Describe(
        IVmState device, VmDeviceDescription section, int version, int bytes, VmDescriptionDialect dialect)
    {
        if (!section.IsOldStyle)
            return Describe(device, section.Name, section.InstanceId, version, dialect);
        var text = new ArrayBufferWriter<byte>();
        var writer = new VmDescriptionWriter(text, dialect);
        writer.OldStyleDevice(section.Name, section.InstanceId, bytes);
        return text.WrittenMemory;
    }

    /// <summary>The same description, parsed.</summary>
    public static VmDeviceDescription Parse(ReadOnlyMemory<byte> description)
    {
        var trailer = new VmDescriptionTrailer();
        trailer.Devices.Add(description);
        return VmDescription.Parse(trailer.ToJson()).Devices[0];
    }

    /// <summary>Loads a fresh device, encodes and describes it again.</summary>
    /// <exception cref="VmStateException">The data is not such a state.</exception>
    /// <returns>False if it would come out otherwise than it went in; <paramref name="misfit"/> says where.</returns>
    public static bool TryEncode(
        IVmState device, VmDeviceDescription section, uint version, byte[] data, out DecodedSection? decoded, out string misfit)
    {
        decoded = null;
        Load(device, section.Name, version, data);
        byte[] encoded = Save(device, (int)version);
        int difference = data.AsSpan().CommonPrefixLength(encoded);
        ReadOnlyMemory<byte> description = default;
        VmDescriptionDialect whose = default;
        bool isSame = false;
        foreach (VmDescriptionDialect dialect in Dialects)
        {
            whose = dialect;
            description = Describe(device, section, (int)version, encoded.Length, dialect);
            isSame = description.Span.SequenceEqual(section.Json.Span);
            if (isSame)
                break;
        }
        if (!isSame)
        {
            misfit = "the trailer differs: " + FirstDifference(section, Parse(description));
            return false;
        }
        if (difference < data.Length || encoded.Length != data.Length)
        {
            VmDescriptionSpan field = VmDescriptionFields.Spans(section, data).LastOrDefault(span => span.Offset <= difference);
            misfit = $"{field.Path}: the byte at offset 0x{difference:x} would be written as another value";
            return false;
        }
        VmDeviceDescription layout = Parse(Describe(device, section.Name, section.InstanceId, (int)version, whose, showsOpaque: true));
        // Without the bytes: they are the device's own, and a list may have markers that are no trailer's business.
        decoded = new DecodedSection(device, encoded, description, layout, VmDescriptionFields.Enumerate(layout).ToList());
        misfit = "";
        return true;
    }

    /// <summary>Where two descriptions part.</summary>
    public static string FirstDifference(VmDeviceDescription stream, VmDeviceDescription own)
    {
        using IEnumerator<VmDescriptionSpan> theirs = VmDescriptionFields.Spans(stream).GetEnumerator();
        using IEnumerator<VmDescriptionSpan> ours = VmDescriptionFields.Spans(own).GetEnumerator();
        while (true)
        {
            bool hasTheirs = theirs.MoveNext();
            bool hasOurs = ours.MoveNext();
            if (!hasTheirs && !hasOurs)
                return "versions or names of nested state";
            if (hasTheirs != hasOurs || theirs.Current != ours.Current)
                return $"it has {Text(hasTheirs, theirs.Current)}, the class {Text(hasOurs, ours.Current)}";
        }

        static string Text(bool exists, VmDescriptionSpan span) => exists ? $"{span.Path} ({span.Type}, {span.Size} bytes)" : "nothing more";
    }

    private sealed class BufferOutput(ArrayBufferWriter<byte> output) : VmStateOutput
    {
        public override Span<byte> Advance(int written, int size)
        {
            output.Advance(written);
            return output.GetSpan(Math.Max(size, 1));
        }
    }
}
