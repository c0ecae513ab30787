using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Text;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.QemuDevices.Tests;

/// <summary>Takes device sections out of a migration file, and puts others in their place.</summary>
public static class StreamFile
{
    /// <summary>The sections that the trailer describes as state of those names, in the file's order.</summary>
    public static List<DeviceSection> ReadSections(string path, IReadOnlyCollection<string> vmsdNames)
    {
        var found = new List<DeviceSection>();
        using FileStream file = File.OpenRead(path);
        var reader = new QemuStreamReader(file);
        VmDescription description = reader.Description ?? throw new InvalidDataException($"{path} has no trailer");
        while (reader.ReadSection())
        {
            if (reader.Section.Kind != SectionKind.Full || description.FindDevice(reader.Section.Name, reader.Section.InstanceId) is not VmDeviceDescription device)
                continue;
            foreach (string name in vmsdNames)
            {
                if ((device.IsOldStyle ? device.Name : device.State.Name) == name)
                {
                    found.Add(new DeviceSection(
                        device.Name, device.InstanceId, (int)reader.Section.Version, name, Encoding.ASCII.GetString(device.Json.Span), reader.ReadAllData()));
                }
            }
        }
        return found;
    }

    /// <summary>
    /// Copies the file, with other data (and versions) in the sections given. The trailer stays as it was: a QEMU that loads does not look at it.
    /// </summary>
    public static void Replace(string path, string copy, IEnumerable<DeviceSection> sections)
    {
        var places = new Dictionary<(string, uint), (long Start, long End)>();
        using (FileStream file = File.OpenRead(path))
        {
            var reader = new QemuStreamReader(file);
            while (reader.ReadSection())
            {
                if (reader.Section.Kind == SectionKind.Full)
                    places[(reader.Section.Name, reader.Section.InstanceId)] = (reader.SectionOffset, reader.SectionOffset + reader.SectionLength!.Value);
            }
        }
        byte[] bytes = File.ReadAllBytes(path);
        var replacements = new SortedDictionary<long, (long End, DeviceSection Section)>();
        foreach (DeviceSection section in sections)
        {
            (long start, long end) = places[(section.Name, section.InstanceId)];
            replacements.Add(start, (end, section));
        }
        using FileStream output = File.Create(copy);
        int at = 0;
        Span<byte> version = stackalloc byte[4];
        foreach ((long start, (long end, DeviceSection section)) in replacements)
        {
            // The version is the last thing before a section's data.
            output.Write(bytes, at, (int)start - 4 - at);
            BinaryPrimitives.WriteInt32BigEndian(version, section.Version);
            output.Write(version);
            output.Write(section.Data);
            at = (int)end;
        }
        output.Write(bytes, at, bytes.Length - at);
    }
}
