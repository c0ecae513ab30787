using System;
using System.Buffers;
using System.Linq;
using System.Text;
using QemuDevices;

namespace VmStateGen.QemuDevices.Tests;

/// <summary>Devices of the catalog against sections.</summary>
internal static class SectionAssert
{
    /// <summary>Makes fresh devices of the configuration that the section was saved with.</summary>
    public static Func<IVmState> Factory(DeviceSection section)
    {
        VmStateException? first = null;
        int candidate = 0;
        foreach (IVmState device in DeviceCatalog.Candidates(section.Parse(), section.Data))
        {
            try
            {
                VmState.Load(device, section.Data, section.Version);
                return () => DeviceCatalog.Candidates(section.Parse(), section.Data).ElementAt(candidate);
            }
            catch (VmStateException e)
            {
                first ??= e;
                candidate++;
            }
        }
        throw first ?? throw new InvalidOperationException($"{section.VmsdName} is not in the catalog");
    }

    /// <summary>A fresh device of the configuration that the section was saved with.</summary>
    public static IVmState Create(DeviceSection section) => Factory(section)();

    /// <summary>A device that has loaded the section.</summary>
    public static IVmState Load(DeviceSection section)
    {
        IVmState device = Create(section);
        VmState.Load(device, section.Data, section.Version);
        return device;
    }

    /// <summary>Whether the section is of a device of the same configuration.</summary>
    public static bool CanLoad(IVmState device, DeviceSection section)
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
