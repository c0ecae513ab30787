using System;
using System.IO;
using QemuDevices;
using VmStateGen.Runtime;
using VmStateGen.Runtime.Ram;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Qemu.Tests;

/// <summary>
/// A machine of ours with the devices of a QEMU: built after a stream that a QEMU of the same command line has written. It has no CPU that
/// could run; a guest sleeps in it between two QEMUs, and a test may write its RAM meanwhile.
/// </summary>
internal sealed class TwinMachine : IMachineLifecycle, IDisposable
{
    private TwinMachine(string type)
    {
        Memory = new GuestMemory();
        Machine = new Machine(type, Memory, this);
    }

    public GuestMemory Memory { get; }

    public Machine Machine { get; }

    /// <summary>Whether it was started: there is nothing in it that would run, unless a test writes its RAM.</summary>
    public bool IsRunning { get; set; }

    /// <summary>Stops whatever a test has in place of a CPU.</summary>
    public Action? OnPause { get; set; }

    /// <summary>Builds it after a file.</summary>
    public static TwinMachine Of(string path)
    {
        using FileStream file = File.OpenRead(path);
        var reader = new QemuStreamReader(file);
        TwinMachine? twin = null;
        while (reader.Read())
        {
            if (reader.Current.Kind == QemuElementKind.Configuration)
                twin = new TwinMachine(reader.Configuration!.MachineType);
            if (reader.Current.Kind == QemuElementKind.Section && reader.Section.Kind == SectionKind.Full)
                twin!.Add(reader.Current, reader.ReadAllData());
        }
        foreach (RamBlockEntry block in reader.Ram!.Blocks)
            twin!.Memory.AddBlock(block.Name, block.UsedLength);
        return twin!;
    }

    public void Pause()
    {
        IsRunning = false;
        OnPause?.Invoke();
    }

    public void Resume() => IsRunning = true;

    public void Throttle(int percent)
    {
    }

    public void Dispose() => Memory.Dispose();

    private void Add(QemuStreamElement element, byte[] data)
    {
        VmDeviceDescription description = element.Description!;
        DecodedSection? decoded = SectionDecoder.Decode(description, element.Section.Version, data, out string reason, out _);
        Assert.True(decoded is not null, $"{element.Section}: {reason}");
        IVmState device = decoded!.Device;
        string name = device.StateType.Name;
        RegistrationOptions options = description.Name == name
            ? new RegistrationOptions { Instance = element.Section.InstanceId }
            : new RegistrationOptions { Path = description.Name[..^(name.Length + 1)] };
        MachineSection section = Machine.Register(device, options);
        Assert.Equal((element.Section.Name, element.Section.InstanceId), (section.Name, section.InstanceId));
    }
}
