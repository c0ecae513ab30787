using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.IO.Compression;
using System.Text;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.QemuDevices.Tests;

/// <summary>A device's section as a QEMU wrote it.</summary>
/// <param name="Name">The section's name, with its device path.</param>
/// <param name="InstanceId">Its instance.</param>
/// <param name="Version">Its version.</param>
/// <param name="VmsdName">The name without the path.</param>
/// <param name="Description">Its object in the stream's trailer, byte for byte.</param>
/// <param name="Data">Fields and subsections.</param>
public sealed record DeviceSection(string Name, uint InstanceId, int Version, string VmsdName, string Description, byte[] Data)
{
    /// <summary>Descriptions beyond this are packed like data: some repeat themselves 256 times.</summary>
    private const int LongDescription = 4096;

    /// <summary>The trailer says nothing of it but its size.</summary>
    public bool IsOldStyle => !Description.Contains("\"vmsd_name\"", StringComparison.Ordinal);

    /// <summary>The description, parsed.</summary>
    public VmDeviceDescription Parsed
    {
        get
        {
            var trailer = new VmDescriptionTrailer();
            trailer.Devices.Add(Encoding.ASCII.GetBytes(Description));
            return VmDescription.Parse(trailer.ToJson()).Devices[0];
        }
    }

    public override string ToString() => $"{Name}#{InstanceId}";

    /// <summary>Whether the data has a subsection of that name, shown by the trailer or not.</summary>
    public bool HasSubsection(string name) => Data.AsSpan().IndexOf((byte[])[0x05, (byte)name.Length, .. Encoding.ASCII.GetBytes(name)]) >= 0;

    /// <summary>The text of a fixture: three lines a section.</summary>
    public static void Write(TextWriter output, IEnumerable<DeviceSection> sections)
    {
        foreach (DeviceSection section in sections)
        {
            output.Write(string.Create(CultureInfo.InvariantCulture, $"{section.Name} {section.InstanceId} {section.Version} {section.VmsdName}\n"));
            bool isLong = section.Description.Length > LongDescription;
            output.Write((isLong ? Convert.ToBase64String(Pack(Encoding.ASCII.GetBytes(section.Description))) : section.Description) + "\n");
            output.Write(Convert.ToBase64String(Pack(section.Data)) + "\n");
        }
    }

    public static IEnumerable<DeviceSection> Read(TextReader input)
    {
        while (input.ReadLine() is string header)
        {
            if (header.StartsWith('#'))
                continue;
            string[] words = header.Split(' ');
            string description = input.ReadLine() ?? throw new InvalidDataException($"{header}: no description");
            string data = input.ReadLine() ?? throw new InvalidDataException($"{header}: no data");
            yield return new DeviceSection(
                words[0], uint.Parse(words[1], CultureInfo.InvariantCulture), int.Parse(words[2], CultureInfo.InvariantCulture), words[3],
                description.StartsWith('{') ? description : Encoding.ASCII.GetString(Unpack(Convert.FromBase64String(description))),
                Unpack(Convert.FromBase64String(data)));
        }
    }

    private static byte[] Pack(byte[] data)
    {
        using var compressed = new MemoryStream();
        using (var brotli = new BrotliStream(compressed, CompressionLevel.SmallestSize, leaveOpen: true))
            brotli.Write(data);
        return compressed.ToArray();
    }

    private static byte[] Unpack(byte[] compressed)
    {
        using var data = new MemoryStream();
        using (var brotli = new BrotliStream(new MemoryStream(compressed), CompressionMode.Decompress))
            brotli.CopyTo(data);
        return data.ToArray();
    }
}
