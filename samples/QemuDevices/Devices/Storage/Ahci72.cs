using System.Linq;
using VmStateGen;

namespace QemuDevices;

/// <summary>The SATA controller of q35 as 7.2 saves it: section <c>ich9_ahci</c>.</summary>
/// <remarks>
/// The same bytes as <see cref="Ich9Ahci"/>, but another type in the trailer: the number of ports was a signed number. A state has one field
/// of a name, so the state is here once more.
/// </remarks>
#pragma warning disable VMS104 // The catalog tells the two apart, by their trailers.
[VmState("ich9_ahci", Version = 1, MinimumVersion = 0)]
#pragma warning restore VMS104
public sealed partial class Ich9Ahci72() : PciDevice(isExpress: false)
{
    private const int Ports = 6;

    [Field] private readonly Ahci72 ahci = new(Ports);
}

/// <summary>Its host bus adapter.</summary>
[VmState("ahci", Nested = true, Version = 1, MinimumVersion = 0)]
public sealed partial class Ahci72
{
    private const int MaxPorts = 32;

    [Ignore("configuration")] private readonly int count;

    [Field("dev", CountFrom = nameof(count), Max = MaxPorts)] private AhciPort[] devices;
    [Field("control_regs.cap")] private uint cap;
    [Field("control_regs.ghc")] private uint ghc;
    [Field("control_regs.irqstatus")] private uint irqStatus;
    [Field("control_regs.impl")] private uint impl;
    [Field("control_regs.version")] private uint version;
    [Field] private uint idpIndex;

    /// <summary>Stands behind the ports that it counts, so it is only good for a check.</summary>
    [Field(Expect = Expect.Equal)] private readonly int ports;

    /// <param name="ports">Ports, with a drive or without.</param>
    public Ahci72(int ports)
    {
        this.ports = count = ports;
        devices = Enumerable.Range(0, ports).Select(_ => new AhciPort()).ToArray();
    }
}
