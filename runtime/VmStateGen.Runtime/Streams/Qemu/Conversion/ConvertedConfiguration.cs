using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Text.Json;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>
/// The configuration section, and what the trailer says of it, of a file whose RAM has another layout: the capability mapped-ram comes or goes.
/// And what of a stream belongs into a file at all.
/// </summary>
internal static class ConvertedConfiguration
{
    private const int CapabilitiesCountSize = 4;

    /// <summary>Checks that the stream can become a mapped-ram file.</summary>
    public static void CheckMapped(QemuStreamReader reader)
    {
        if (reader.Configuration == null)
            throw Fault.At("configuration", "a configuration section, which tells that a file is mapped-ram", "none (a machine type of old)", reader.Current.Offset);
        if (reader.Configuration.HasCapability(QemuConfiguration.IgnoreShared))
            throw Fault.At("configuration", "all RAM in the stream", "the capability x-ignore-shared: shared RAM is elsewhere", reader.Current.Offset);
    }

    /// <summary>Checks that pages come as records, as on every connection.</summary>
    public static void CheckPlain(QemuConfiguration configuration, long offset)
    {
        if (configuration.HasCapability(QemuConfiguration.MappedRam))
            throw Fault.At("configuration", "pages as records in the stream", "the capability mapped-ram, which is for files", offset);
    }

    /// <summary>Whether the command goes into the output; those of a return path do not: a file has none, and a QEMU that loads it would refuse to use one.</summary>
    /// <exception cref="VmStateException">It is one of a stream that no file can be made of.</exception>
    public static bool Keeps(in QemuStreamElement element) => element.Command!.Id switch
    {
        QemuCommandId.OpenReturnPath or QemuCommandId.Ping or QemuCommandId.PostcopyAdvise => false,
        QemuCommandId.SwitchoverStart => true,
        _ => throw Fault.At("command", "a stream that can be saved to a file", $"{element.Command.Id}, which only two connected machines use", element.Offset),
    };

    /// <summary>The configuration to write.</summary>
    public static QemuConfiguration Of(QemuConfiguration configuration, RamLayout layout)
    {
        var names = Capabilities(configuration.Capabilities, layout);
        var subsections = configuration.Subsections.Where(subsection => subsection.Name != QemuConfiguration.CapabilitiesName).ToList();
        if (names.Length > 0)
        {
            // QEMU's order: page bits, capabilities, UUID (§1.2).
            var at = subsections.FindIndex(subsection => subsection.Name != QemuConfiguration.TargetPageBitsName);
            subsections.Insert(at < 0 ? subsections.Count : at, QemuConfiguration.CapabilitiesSubsection(names));
        }
        return new QemuConfiguration(configuration.MachineType, subsections);
    }

    /// <summary>The trailer to write. What describes the configuration is changed with it; what cannot be is left out, as 7.2 does always.</summary>
    public static byte[] Trailer(VmDescription description, RamLayout layout)
    {
        var trailer = new VmDescriptionTrailer(description);
        foreach (var member in description.Members)
        {
            if (member.Key == "configuration")
                trailer.SetConfiguration(Describe(member.Value, layout));
        }
        return trailer.ToJson();
    }

    private static string[] Capabilities(IReadOnlyList<string> given, RamLayout layout)
    {
        // QEMU's order, too: mapped-ram is the last that is sent.
        var names = given.Where(name => name != QemuConfiguration.MappedRam);
        return [.. layout == RamLayout.MappedRam ? names.Append(QemuConfiguration.MappedRam) : names];
    }

    private static ReadOnlyMemory<byte> Describe(ReadOnlyMemory<byte> json, RamLayout layout)
    {
        using var document = JsonDocument.Parse(json);
        var parts = new List<string>();
        var subsections = new List<string>();
        foreach (var property in document.RootElement.EnumerateObject())
        {
            if (property.Name != "subsections")
            {
                parts.Add($"\"{property.Name}\": {property.Value.GetRawText()}");
                continue;
            }
            foreach (var subsection in property.Value.EnumerateArray())
            {
                if (!subsection.TryGetProperty("vmsd_name", out var name))
                    return default;
                if (name.GetString() != QemuConfiguration.CapabilitiesName)
                    subsections.Add(subsection.GetRawText());
                else if (CountFields(subsection) != 2)
                    // More than one capability: how QEMU describes what is left of them depends on its version.
                    return default;
            }
        }
        if (layout == RamLayout.MappedRam)
        {
            var at = subsections.Count > 0 && subsections[0].Contains(QemuConfiguration.TargetPageBitsName, StringComparison.Ordinal) ? 1 : 0;
            var size = 1 + QemuConfiguration.MappedRam.Length;
            subsections.Insert(at, $$"""{"vmsd_name": "{{QemuConfiguration.CapabilitiesName}}", "version": 1, "fields": [{"name": "caps_count", "type": "uint32", "size": {{CapabilitiesCountSize}}}, {"name": "capabilities", "type": "capability", "size": {{size}}}]}""");
        }
        if (subsections.Count > 0)
            parts.Add($"\"subsections\": [{string.Join(", ", subsections)}]");
        return Encoding.UTF8.GetBytes($"{{{string.Join(", ", parts)}}}");
    }

    private static int CountFields(JsonElement subsection) =>
        subsection.TryGetProperty("fields", out var fields) && fields.ValueKind == JsonValueKind.Array ? fields.GetArrayLength() : 0;
}
