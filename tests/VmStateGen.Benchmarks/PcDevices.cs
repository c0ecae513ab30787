using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using QemuDevices;
using VmStateGen.Qemu;
using VmStateGen.Runtime;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Benchmarks;

/// <summary>The devices of a stock <c>-M pc</c>, so that a switchover of ours has as much to do as one of QEMU's.</summary>
internal static class PcDevices
{
    /// <summary>Has a QEMU save its devices, and finds the class of each: which of the candidates it is stands beside the stream.</summary>
    public static async Task SaveAsync(QemuInstallation installation, string stream)
    {
        await using (QemuProcess qemu = await QemuProcess.StartAsync(installation, new QemuOptions { MemoryMiB = 16, Guest = new CountingGuest() }))
        {
            await CountingGuest.WaitForCountAsync(qemu, 1);
            await qemu.SaveToFileAsync(stream);
        }
        var choices = new List<string>();
        foreach ((VmDeviceDescription description, uint version, byte[] data) in Sections(stream))
        {
            DecodedSection? decoded = SectionDecoder.Decode(description, version, data, out string reason, out _);
            if (decoded is null)
                throw new InvalidOperationException($"{description.Name}: {reason}");
            choices.Add($"{DeviceCatalog.Candidates(description, data).ToList().FindIndex(device => IsSame(device, decoded, description, version, data))}");
        }
        await File.WriteAllLinesAsync(Choices(stream), choices);
    }

    /// <summary>Registers them.</summary>
    /// <param name="machine">With them.</param>
    /// <param name="stream">That <see cref="SaveAsync"/> has written.</param>
    /// <param name="isLoaded">With the state that they had, as at a source; a destination runs none of their code before the migration does.</param>
    public static void Register(Machine machine, string stream, bool isLoaded)
    {
        foreach (((VmDeviceDescription description, uint version, byte[] data), string choice) in Sections(stream).Zip(File.ReadLines(Choices(stream))))
        {
            IVmState device = DeviceCatalog.Candidates(description, data).ElementAt(int.Parse(choice, System.Globalization.CultureInfo.InvariantCulture));
            if (isLoaded)
                SectionDecoder.Load(device, description.Name, version, data);
            int slash = description.Name.LastIndexOf('/');
            machine.Register(device, slash < 0
                ? new RegistrationOptions { Instance = description.InstanceId }
                : new RegistrationOptions { Path = description.Name[..slash] });
        }
    }

    private static string Choices(string stream) => stream + ".choices";

    private static bool IsSame(IVmState device, DecodedSection decoded, VmDeviceDescription description, uint version, byte[] data)
    {
        try
        {
            return SectionDecoder.TryEncode(device, description, version, data, out DecodedSection? other, out _) && other!.Data.AsSpan().SequenceEqual(decoded.Data);
        }
        catch (VmStateException)
        {
            return false;
        }
    }

    private static IEnumerable<(VmDeviceDescription Description, uint Version, byte[] Data)> Sections(string stream)
    {
        using FileStream input = File.OpenRead(stream);
        var reader = new QemuStreamReader(input);
        while (reader.Read())
        {
            if (reader.Current is { Kind: QemuElementKind.Section, Description: VmDeviceDescription description })
                yield return (description, reader.Section.Version, reader.ReadAllData());
        }
    }
}
