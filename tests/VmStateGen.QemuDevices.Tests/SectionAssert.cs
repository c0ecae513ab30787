using System;
using System.Buffers;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using QemuDevices;

namespace VmStateGen.QemuDevices.Tests;

/// <summary>Devices of the catalog against sections.</summary>
internal static class SectionAssert
{
    private static readonly string[] Dialects = ["7.2", "10.0"];

    /// <summary>Makes fresh devices of the configuration that the section was saved with.</summary>
    public static Func<IVmState> Factory(DeviceSection section)
    {
        VmStateException? first = null;
        int candidate = 0;
        foreach (IVmState device in Candidates(section))
        {
            try
            {
                VmState.Load(device, section.Data, section.Version);
                // Some configurations differ in what the trailer calls a field, and in nothing else.
                if (!section.IsOldStyle && !IsDescribed(section, device))
                    throw new VmStateException("what the trailer describes", "another description", section.Data.Length);
                return () => Candidates(section).ElementAt(candidate);
            }
            catch (VmStateException e)
            {
                first ??= e;
                candidate++;
            }
        }
        throw first ?? throw new InvalidOperationException($"{section.VmsdName} is not in the catalog");
    }

    private static IEnumerable<IVmState> Candidates(DeviceSection section) => DeviceCatalog.Candidates(section.Parsed, section.Data);

    private static bool IsDescribed(DeviceSection section, IVmState device) =>
        section.Version != device.StateType.Version || Dialects.Any(qemu => Describe(section, device, qemu) == section.Description);

    /// <summary>A fresh device of the configuration that the section was saved with.</summary>
    public static IVmState Create(DeviceSection section) => Factory(section)();

    /// <summary>A device that has loaded the section.</summary>
    public static IVmState Load(DeviceSection section)
    {
        IVmState device = Create(section);
        VmState.Load(device, section.Data, section.Version);
        return device;
    }

    /// <summary>Whether the device's configuration is that of the section.</summary>
    public static bool Fits(IVmState device, DeviceSection section)
    {
        try
        {
            VmState.Load(device, section.Data, section.Version);
            return true;
        }
        catch (VmStateException)
        {
            return false;
        }
    }

    public static byte[] Save(IVmState device, int? version = null) => SectionDecoder.Save(device, version ?? device.StateType.Version);

    public static string Describe(DeviceSection section, IVmState device, string qemu)
    {
        var text = new ArrayBufferWriter<byte>();
        var writer = new VmDescriptionWriter(text, Dialect(qemu));
        if (section.IsOldStyle)
            writer.OldStyleDevice(section.Name, section.InstanceId, section.Data.Length);
        else
            writer.Device(section.Name, section.InstanceId, device);
        return Encoding.ASCII.GetString(text.WrittenSpan);
    }

    /// <summary>Loaded, saved and described it is what QEMU wrote.</summary>
    public static void IsReproduced(DeviceSection section, string qemu)
    {
        IVmState device = Load(section);
        Assert.Equal(section.Version, device.StateType.Version);
        byte[] saved = Save(device);
        Assert.True(saved.AsSpan().SequenceEqual(section.Data), $"{section}: differs from byte {saved.AsSpan().CommonPrefixLength(section.Data)} on");
        Assert.Equal(section.Description, Describe(section, device, qemu));
    }

    /// <summary>Whose form the trailer has.</summary>
    private static VmDescriptionDialect Dialect(string qemu) => qemu switch
    {
        "7.2" => VmDescriptionDialect.Qemu72,
        "10.0" => VmDescriptionDialect.Qemu100,
        _ => throw new ArgumentOutOfRangeException(nameof(qemu), qemu, "no dialect is known for it"),
    };
}
