using System;
using System.Collections.Generic;

namespace VmStateGen.Schema;

/// <summary>What <c>qemu-system-* -dump-vmstate</c> writes (qemu-migration.md §3.1).</summary>
/// <param name="Machine">The machine type's name.</param>
/// <param name="Devices">Every device type that has state, by name.</param>
/// <param name="HasCounts">The number of elements of an array is in it; releases before 8.0 leave it out.</param>
public sealed record QemuDump(string Machine, EquatableArray<QemuDumpDevice> Devices, bool HasCounts)
{
    private const string MachineKey = "vmschkmachine";

    /// <summary>Whether a text looks like one, so that a wrong one gets a dump's error and not a baseline's.</summary>
    public static bool IsDump(string text) => text.TrimStart('\ufeff', ' ', '\t', '\r', '\n').StartsWith("{", StringComparison.Ordinal);

    /// <summary>Reads a dump.</summary>
    /// <exception cref="SchemaException">With line and column; 1 and 1 where something is missing.</exception>
    public static QemuDump Parse(string text)
    {
        if (JsonText.Parse(text) is not Dictionary<string, object?> root)
            throw Missing("an object of device types");
        bool hasCounts = false;
        string? machine = null;
        var devices = new List<QemuDumpDevice>();
        foreach (KeyValuePair<string, object?> entry in root)
        {
            Dictionary<string, object?> members = entry.Value as Dictionary<string, object?> ?? throw Missing($"an object under \"{entry.Key}\"");
            if (entry.Key == MachineKey)
                machine = Text(members, "Name", entry.Key);
            else
                devices.Add(new QemuDumpDevice(entry.Key, Description(Member(members, "Description") as Dictionary<string, object?>
                    ?? members, entry.Key, ref hasCounts, members)));
        }
        return new QemuDump(machine ?? throw Missing($"\"{MachineKey}\": this is no dump of -dump-vmstate"), devices.ToEquatableArray(), hasCounts);
    }

    private static QemuDumpState Description(Dictionary<string, object?> members, string path, ref bool hasCounts, Dictionary<string, object?>? device = null)
    {
        bool counts = hasCounts;
        List<QemuDumpField>? fields = null;
        if (Member(members, "Fields") is List<object?> list)
        {
            fields = new List<QemuDumpField>();
            foreach (object? item in list)
                fields.Add(Field(item as Dictionary<string, object?> ?? throw Missing($"objects in Fields of {path}"), path, ref counts));
        }
        var subsections = new List<QemuDumpState>();
        foreach (object? item in Member(members, "Subsections") as List<object?> ?? new List<object?>())
            subsections.Add(Description(item as Dictionary<string, object?> ?? throw Missing($"objects in Subsections of {path}"), path, ref counts));
        hasCounts = counts;
        return new QemuDumpState(
            device is not null && ReferenceEquals(device, members) ? Text(members, "Name", path) : Text(members, "name", path),
            Number(members, "version_id", path), Number(members, "minimum_version_id", path), fields is not null,
            (fields ?? new List<QemuDumpField>()).ToEquatableArray(), subsections.ToEquatableArray());
    }

    private static QemuDumpField Field(Dictionary<string, object?> members, string path, ref bool hasCounts)
    {
        string name = Text(members, "field", path);
        path += "/" + name;
        int? count = members.ContainsKey("num") ? Number(members, "num", path) : null;
        hasCounts |= count is not null;
        return new QemuDumpField(name, Number(members, "version_id", path), Member(members, "field_exists") is true, count, Number(members, "size", path),
            Member(members, "Description") is Dictionary<string, object?> inner ? Description(inner, path, ref hasCounts) : null);
    }

    private static object? Member(Dictionary<string, object?> members, string name) => members.TryGetValue(name, out object? value) ? value : null;

    private static string Text(Dictionary<string, object?> members, string name, string path) =>
        Member(members, name) as string ?? throw Missing($"the text \"{name}\" in {path}");

    private static int Number(Dictionary<string, object?> members, string name, string path) =>
        Member(members, name) is long value and >= int.MinValue and <= int.MaxValue ? (int)value : throw Missing($"the number \"{name}\" in {path}");

    private static SchemaException Missing(string what) => new($"expected {what}", 1, 1);
}

/// <summary>A device type.</summary>
/// <param name="Type">Its QOM name, which is no name on the wire.</param>
/// <param name="State">What its section has.</param>
public sealed record QemuDumpDevice(string Type, QemuDumpState State);

/// <summary>A vmsd.</summary>
/// <param name="Name">On the wire, for sections and subsections.</param>
/// <param name="Version">The version that is saved.</param>
/// <param name="MinimumVersion">The oldest that is loaded.</param>
/// <param name="HasFields">It has a list of fields; without one the device cannot be migrated.</param>
/// <param name="Fields">In wire order.</param>
/// <param name="Subsections">In the order in which they are written.</param>
public sealed record QemuDumpState(
    string Name, int Version, int MinimumVersion, bool HasFields, EquatableArray<QemuDumpField> Fields, EquatableArray<QemuDumpState> Subsections);

/// <summary>A field of a vmsd.</summary>
/// <param name="Name">Its C expression.</param>
/// <param name="Version">First version that has it, unless a predicate decides.</param>
/// <param name="HasPredicate">A predicate alone decides; which one is not in the dump.</param>
/// <param name="Count">Elements of a fixed array, if the dump has counts.</param>
/// <param name="Size">sizeof an element on the host: bytes on the wire only for numbers and buffers.</param>
/// <param name="State">What is inside.</param>
public sealed record QemuDumpField(string Name, int Version, bool HasPredicate, int? Count, int Size, QemuDumpState? State);
