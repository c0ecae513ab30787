using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;

namespace VmStateGen.QemuDevices.Tests;

/// <summary>Sections that a real QEMU wrote, kept in the repository; see Fixtures/README.md.</summary>
public static class Fixture
{
    private const string RecordVariable = "VMSTATEGEN_RECORD_FIXTURES";

    private static readonly Dictionary<string, DeviceSection> Sections = ReadAll().ToDictionary(entry => entry.Key, entry => entry.Section);

    /// <summary>Of every section: the QEMU's version, the scene, name and instance.</summary>
    public static TheoryData<string> Keys => [.. Sections.Keys.Order(StringComparer.Ordinal)];

    public static IEnumerable<DeviceSection> All => Sections.Values;

    public static IEnumerable<DeviceSection> Of(string qemu) => Sections.Where(entry => Qemu(entry.Key) == qemu).Select(entry => entry.Value);

    public static DeviceSection Get(string key) => Sections[key];

    /// <summary>Which QEMU wrote it: <c>7.2</c>.</summary>
    public static string Qemu(string key) => key.Split(' ')[0];

    /// <summary>Writes a fixture into the folder that the environment names, if it names one.</summary>
    public static void Record(string version, Version release, string scene, IReadOnlyList<DeviceSection> sections)
    {
        if (Environment.GetEnvironmentVariable(RecordVariable) is not { Length: > 0 } folder)
            return;
        using StreamWriter file = File.CreateText(Path.Combine(folder, $"{version}-{scene}.sections"));
        file.Write($"# QEMU {release}\n");
        DeviceSection.Write(file, sections);
    }

    private static IEnumerable<(string Key, DeviceSection Section)> ReadAll()
    {
        Assembly assembly = typeof(Fixture).Assembly;
        foreach (string name in assembly.GetManifestResourceNames())
        {
            int dash = name.IndexOf('-', StringComparison.Ordinal);
            if (dash < 0)
                continue;
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            foreach (DeviceSection section in DeviceSection.Read(reader))
                yield return ($"{name[..dash]} {name[(dash + 1)..]} {section}", section);
        }
    }
}
