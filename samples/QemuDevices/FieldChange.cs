using System;
using System.Collections.Generic;
using System.Linq;
using VmStateGen;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;

namespace QemuDevices;

/// <summary>A change that cannot be made, and why.</summary>
internal sealed class FieldChangeException(string message) : Exception(message);

/// <summary>One <c>--set DEVICE/path=value</c>.</summary>
/// <param name="Target">Device and path, not yet told apart: section names have slashes too.</param>
/// <param name="Value">The text of the value.</param>
internal sealed record FieldChange(string Target, string Value)
{
    /// <summary>Reads the option's argument; null if there is no <c>=</c> or no path.</summary>
    public static FieldChange? Parse(string text)
    {
        // A wire name may hold '=' only in theory; a value never does.
        int equals = text.LastIndexOf('=');
        return equals > 0 && text.IndexOf('/') is int slash and > 0 && slash < equals
            ? new FieldChange(text[..equals], text[(equals + 1)..])
            : null;
    }
}

/// <summary>The changes that are still to be made to a stream.</summary>
internal sealed class FieldChanges
{
    private readonly List<(FieldChange Change, VmDeviceDescription Section, string Path)> pending = [];

    /// <summary>Finds the section of each change: by its name and instance (<c>i8259#1</c>), or by the state's name alone if it is the only one.</summary>
    /// <exception cref="FieldChangeException">No section is meant, or several may be.</exception>
    public static FieldChanges Resolve(IReadOnlyList<FieldChange> changes, VmDescription? description)
    {
        var resolved = new FieldChanges();
        foreach (FieldChange change in changes)
        {
            IReadOnlyList<VmDeviceDescription> devices = description?.Devices ?? [];
            List<(VmDeviceDescription Section, string Path)> matches = devices
                .Where(device => change.Target.StartsWith(Name(device) + "/", StringComparison.Ordinal))
                .Select(device => (device, change.Target[(Name(device).Length + 1)..])).ToList();
            if (matches.Count == 0)
            {
                matches = devices.Where(device => change.Target.StartsWith(device.State.Name + "/", StringComparison.Ordinal))
                    .Select(device => (device, change.Target[(device.State.Name.Length + 1)..])).ToList();
            }
            if (matches.Count == 0)
                throw new FieldChangeException($"{change.Target}: no section of that name; `fields` lists them");
            if (matches.Count > 1)
                throw new FieldChangeException($"{change.Target}: several sections: {string.Join(", ", matches.Select(match => Name(match.Section)))}");
            resolved.pending.Add((change, matches[0].Section, matches[0].Path));
        }
        return resolved;
    }

    /// <summary>The section with its changes made, decoded again.</summary>
    public DecodedSection Apply(SectionHeader header, VmDeviceDescription section, DecodedSection decoded)
    {
        foreach ((FieldChange Change, VmDeviceDescription Section, string Path) entry in pending.Where(entry => ReferenceEquals(entry.Section, section)).ToList())
        {
            decoded = new FieldSetter(header, section, decoded).Set(entry.Path, entry.Change.Value);
            pending.Remove(entry);
        }
        return decoded;
    }

    /// <summary>A section that is carried opaque cannot be changed.</summary>
    public void Refuse(VmDeviceDescription section, string reason)
    {
        foreach ((FieldChange change, _, _) in pending.Where(entry => ReferenceEquals(entry.Section, section)))
            throw new FieldChangeException($"{change.Target}: the section is carried opaque: {reason}");
    }

    /// <summary>Every change must have met its section.</summary>
    public void RequireAllDone()
    {
        if (pending.Count > 0)
            throw new FieldChangeException($"{pending[0].Change.Target}: the section did not come");
    }

    private static string Name(VmDeviceDescription device) => new SectionHeader(SectionKind.Full, 0, device.Name, device.InstanceId, 0).ToString();
}

/// <summary>
/// Sets one field of a decoded section, and nothing else. The proof is the state's own code: the changed bytes must load, encode
/// to the same bytes and describe themselves in the same way.
/// </summary>
internal sealed class FieldSetter
{
    private const int ProbesOfLongFields = 256;

    private readonly SectionHeader header;
    private readonly VmDeviceDescription section;
    private readonly DecodedSection decoded;
    private readonly Lazy<int> candidate;

    public FieldSetter(SectionHeader header, VmDeviceDescription section, DecodedSection decoded)
    {
        this.header = header;
        this.section = section;
        this.decoded = decoded;
        candidate = new Lazy<int>(FindCandidate);
    }

    public DecodedSection Set(string path, string text)
    {
        if (!VmDescriptionFields.TryFind(decoded.Layout, path, out VmDescriptionSpan field))
            throw new FieldChangeException($"{header}/{path}: no such field; `fields` lists them");
        if (!FieldValue.TryParse(field.Type, field.Size, text, out byte[] value, out string problem))
            throw new FieldChangeException($"{header}/{path}: {problem}");
        if (Dependent(field) is string dependent)
            throw new FieldChangeException($"{header}/{path} cannot be set: {dependent} depends on it");
        byte[] changed = decoded.Data.ToArray();
        value.CopyTo(changed.AsSpan((int)field.Offset));
        return Decode(path, changed);
    }

    /// <summary>The changed section, by a device of the same configuration: another one would be another machine.</summary>
    private DecodedSection Decode(string path, byte[] changed)
    {
        string reason;
        try
        {
            if (SectionDecoder.TryEncode(Fresh(), section, header.Version, changed, out DecodedSection? result, out reason))
                return result!;
        }
        catch (VmStateException e)
        {
            reason = e.Message;
        }
        throw new FieldChangeException($"{header}/{path} cannot be set: {reason}");
    }

    private IVmState Fresh() => DeviceCatalog.Candidates(section, decoded.Data).ElementAt(candidate.Value);

    /// <summary>
    /// What is there or how long it is by the value of the field: the path of it, or null. Found by trying other values: all of a
    /// byte, single bits and small numbers of anything longer.
    /// </summary>
    private string? Dependent(VmDescriptionSpan field)
    {
        foreach (byte[] probe in Probes(decoded.Data.AsSpan((int)field.Offset, field.Size).ToArray()))
        {
            byte[] changed = decoded.Data.ToArray();
            probe.CopyTo(changed.AsSpan((int)field.Offset));
            if (LayoutChange(changed) is string dependent)
                return dependent;
        }
        return null;
    }

    private static IEnumerable<byte[]> Probes(byte[] value)
    {
        if (value.Length == 1)
        {
            for (int i = 0; i < 256; i++)
                yield return [(byte)i];
            yield break;
        }
        var random = new Random(value.Length);
        bool isLong = value.Length * 8 > ProbesOfLongFields;
        for (int i = 0; i < Math.Min(value.Length * 8, ProbesOfLongFields); i++)
        {
            int bit = isLong ? random.Next(value.Length * 8) : i;
            byte[] flipped = value.ToArray();
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            yield return flipped;
        }
        for (int i = 0; i < 256 && !isLong; i++)
        {
            var small = new byte[value.Length];
            small[^1] = (byte)i;
            yield return small;
        }
    }

    private string? LayoutChange(byte[] changed)
    {
        IVmState device = Fresh();
        try
        {
            var reader = new VmStateReader(changed);
            device.Load(ref reader, (int)header.Version);
            ReadOnlyMemory<byte> now = Describe(device);
            if (now.Span.SequenceEqual(Describe(decoded.Device).Span))
                return reader.Offset == changed.Length ? null : "the length of the section";
            return FirstOther(SectionDecoder.Parse(Describe(decoded.Device)), SectionDecoder.Parse(now));
        }
        catch (VmStateException e) when (e.Found?.StartsWith("the end of the stream", StringComparison.Ordinal) == true)
        {
            return e.FieldPath;
        }
        catch (VmStateException)
        {
            // The value is refused for what it is, not for what follows from it.
            return null;
        }
    }

    private ReadOnlyMemory<byte> Describe(IVmState device) =>
        SectionDecoder.Describe(device, section.Name, section.InstanceId, (int)header.Version, VmDescriptionDialect.Qemu72);

    /// <summary>Which of the class's configurations the decoded device has: the first that loads the section as it is.</summary>
    private int FindCandidate()
    {
        int index = 0;
        foreach (IVmState fresh in DeviceCatalog.Candidates(section, decoded.Data))
        {
            try
            {
                SectionDecoder.Load(fresh, section.Name, header.Version, decoded.Data);
                if (Describe(fresh).Span.SequenceEqual(Describe(decoded.Device).Span))
                    return index;
            }
            catch (VmStateException)
            {
                // Another configuration.
            }
            index++;
        }
        throw new FieldChangeException($"{header}: the device does not load what it saved");
    }

    private static string FirstOther(VmDeviceDescription before, VmDeviceDescription now)
    {
        HashSet<string> common = VmDescriptionFields.Spans(before).Select(span => span.Path).ToHashSet();
        common.SymmetricExceptWith(VmDescriptionFields.Spans(now).Select(span => span.Path));
        return VmDescriptionFields.Spans(before).Concat(VmDescriptionFields.Spans(now)).Select(span => span.Path).FirstOrDefault(common.Contains)
            ?? "the size of another field";
    }
}
