using VmStateGen;

namespace QemuDevices;

/// <summary>The configuration ports of the root bus: section <c>PCIHost</c>.</summary>
[VmState("PCIHost")]
public sealed partial class PciHost
{
    [Field] private uint configReg;
}

/// <summary>The lines that a root bus shares among its devices: section <c>PCIBUS</c>.</summary>
[VmState("PCIBUS")]
public sealed partial class PciBus
{
    /// <summary>Lines of pc and of q35.</summary>
    public const int PcLines = 4, Q35Lines = 8;

    [Field(Expect = Expect.Equal)] private readonly int nirq;
    [Field(CountFrom = nameof(nirq), Max = Q35Lines)] private readonly int[] irqCount;

    /// <param name="lines">Interrupt lines, which is up to the chipset.</param>
    public PciBus(int lines = PcLines)
    {
        nirq = lines;
        irqCount = new int[lines];
    }
}

/// <summary>The host bridge of pc: section <c>I440FX</c>.</summary>
[VmState("I440FX", Version = 3, MinimumVersion = 3)]
[Removed("smm_enabled", 1, AtEnd = true)]
public sealed partial class I440Fx() : PciDevice(isExpress: false);

/// <summary>The host bridge of q35: section <c>mch</c>.</summary>
[VmState("mch")]
[Removed("smm_enabled", 1, AtEnd = true)]
public sealed partial class Q35HostBridge() : PciDevice(isExpress: false);
