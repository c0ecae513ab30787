using System;
using System.Collections.Generic;
using System.Linq;
using VmStateGen;
using VmStateGen.Runtime.Streams.Qemu;

namespace QemuDevices;

/// <summary>The devices that this sample declares, by the name of their section.</summary>
public static partial class DeviceCatalog
{
    private static readonly SortedDictionary<string, Func<IVmState>[]> Devices = new(StringComparer.Ordinal)
    {
        ["e1000"] = [() => new E1000(), () => new E1000(isExpress: true)],
        ["fdc"] = [() => new IsaFloppyController(), () => new IsaFloppyController(drives: 1)],
        ["i8254"] = [() => new I8254()],
        ["i8259"] = [() => new I8259()],
        ["ps2kbd"] = [() => new Ps2Keyboard()],
        ["serial"] = [() => new IsaSerial()],
        ["timer"] = [() => new CpuTimers()],
    };

    /// <summary>The names that <c>Candidates</c> has an answer for, sorted.</summary>
    public static IReadOnlyCollection<string> Names => [.. Devices.Keys.Concat(BusDevices.Keys).Order(StringComparer.Ordinal)];

    /// <summary>
    /// Fresh devices that a section of that name may be of, the likeliest first; none if the name is not known. They differ in
    /// configuration, which is not on the wire: the one that loads the section's bytes without error is the right one.
    /// </summary>
    /// <param name="vmsdName">The section's name without its device path: <c>e1000</c>.</param>
    public static IEnumerable<IVmState> Candidates(string vmsdName)
    {
        if (!Devices.TryGetValue(vmsdName, out Func<IVmState>[]? factories))
            return BusCandidates(vmsdName, SectionProbe.None);
        return factories.Select(create => create());
    }

    /// <summary>The same for a section at hand, which shows more of the configuration.</summary>
    /// <param name="section">The trailer's description of it.</param>
    /// <param name="data">Its data.</param>
    public static IEnumerable<IVmState> Candidates(VmDeviceDescription section, byte[] data)
    {
        ArgumentNullException.ThrowIfNull(section);
        return BusDevices.ContainsKey(section.State.Name)
            ? BusCandidates(section.State.Name, new SectionProbe(section, data))
            : Candidates(section.State.Name);
    }
}
