using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using QemuDevices;
using VmStateGen.Qemu;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Benchmarks;

/// <summary>Every device of a stock <c>-M pc</c>, saved by a QEMU of this machine, loaded and saved by generated code.</summary>
internal sealed class MachineBenchmark
{
    private readonly List<(IVmState Device, int Version, byte[] Data)> sections = [];
    private readonly byte[] window;
    private readonly byte[] copy;

    private MachineBenchmark(string stream)
    {
        using FileStream input = File.OpenRead(stream);
        var reader = new QemuStreamReader(input);
        while (reader.Read())
        {
            if (reader.Current is not { Kind: QemuElementKind.Section, Description: VmDeviceDescription description })
                continue;
            byte[] data = reader.ReadAllData();
            DecodedSection decoded = SectionDecoder.Decode(description, reader.Section.Version, data, out string reason, out _)
                ?? throw new InvalidOperationException($"{reader.Section}: {reason}");
            sections.Add((decoded.Device, (int)reader.Section.Version, data));
        }
        Size = sections.Sum(section => section.Data.Length);
        window = new byte[Size];
        copy = new byte[Size];
    }

    public int Size { get; }

    public int Count => sections.Count;

    /// <summary>The machine of a QEMU that is here or can be fetched; null and why if there is none.</summary>
    public static async Task<(MachineBenchmark? Machine, string Reason)> CreateAsync()
    {
        QemuInstallation? installation = QemuInstallation.Obtain("10.0", out string reason);
        if (installation is null)
            return (null, reason);
        string folder = Directory.CreateTempSubdirectory("vmstategen-bench-").FullName;
        try
        {
            string stream = Path.Combine(folder, "pc.mig");
            await using QemuProcess qemu = await QemuProcess.StartAsync(installation, new QemuOptions { MemoryMiB = 16, Guest = new CountingGuest() });
            await CountingGuest.WaitForCountAsync(qemu, 1);
            await qemu.SaveToFileAsync(stream);
            return (new MachineBenchmark(stream), "");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    public void Memcpy() => window.AsSpan().CopyTo(copy);

    public void Save()
    {
        var writer = new VmStateWriter(window);
        foreach ((IVmState device, int version, _) in sections)
            device.Save(ref writer, version);
    }

    public void Load()
    {
        foreach ((IVmState device, int version, byte[] data) in sections)
        {
            var reader = new VmStateReader(data);
            device.Load(ref reader, version);
        }
    }
}
