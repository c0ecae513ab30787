using System;
using System.Linq;
using VmStateGen;
using VmStateGen.Runtime.Streams.Qemu;

namespace QemuDevices;

/// <summary>The ports through which firmware is asked for power management.</summary>
[VmState("APM State", Nested = true)]
public partial struct ApmState
{
    [Field] private byte apmc;
    [Field] private byte apms;
}

/// <summary>General-purpose events.</summary>
[VmState("gpe", Nested = true)]
public partial struct GpeRegisters
{
    [Field] private ushort sts;
    [Field] private ushort en;
}

/// <summary>Slots of a bus whose device has come or is to go, a bit each.</summary>
[VmState("acpi_pcihp_pci_status", Nested = true)]
public partial struct PciHotplugStatus
{
    [Field] private uint up;
    [Field] private uint down;
}

/// <summary>The same where hotplug works without bridges, on the root bus alone.</summary>
[VmState("pci_status", Nested = true)]
public partial struct RootHotplugStatus
{
    [Field] private uint up;
    [Field] private uint down;
}

/// <summary>Registers of memory hotplug.</summary>
[VmState("memory hotplug state", Nested = true)]
public sealed partial class MemoryHotplug
{
    [Ignore("configuration")] private readonly int slots;

    [Field] private uint selector;
    [Field("devs", CountFrom = nameof(slots), Max = HotplugCounts.MaxSlots)] private MemorySlot[] devices;

    /// <param name="slots">Slots for memory that the machine has, none unless it is told so.</param>
    public MemoryHotplug(int slots)
    {
        this.slots = slots;
        devices = new MemorySlot[slots];
    }
}

/// <summary>One slot.</summary>
[VmState("memory hotplug device state", Nested = true)]
public partial struct MemorySlot
{
    [Field] private bool isEnabled;
    [Field] private bool isInserting;
    [Field] private uint ostEvent;
    [Field] private uint ostStatus;
}

/// <summary>Registers of CPU hotplug, once a guest has chosen them.</summary>
[VmState("CPU hotplug state", Nested = true)]
public sealed partial class CpuHotplug
{
    [Ignore("configuration")] private readonly int cpus;

    [Field] private uint selector;
    [Field] private byte command;
    [Field("devs", CountFrom = nameof(cpus), Max = HotplugCounts.MaxCpus)] private CpuSlot[] devices;

    /// <param name="cpus">CPUs that the machine may have at most.</param>
    public CpuHotplug(int cpus)
    {
        this.cpus = cpus;
        devices = new CpuSlot[cpus];
    }
}

/// <summary>One CPU.</summary>
[VmState("CPU hotplug device state", Nested = true)]
public partial struct CpuSlot
{
    [Field] private bool isInserting;
    [Field] private bool isRemoving;
    [Field] private uint ostEvent;
    [Field] private uint ostStatus;
}

/// <summary>How much a machine can be extended by while it runs: configuration.</summary>
/// <param name="MemorySlots">Slots for memory.</param>
/// <param name="Cpus">CPUs, those that are there included.</param>
public readonly record struct HotplugCounts(int MemorySlots, int Cpus)
{
    /// <summary>No machine of QEMU has more.</summary>
    public const int MaxSlots = 256, MaxCpus = 4096;

    /// <summary>The counts that a trailer shows for a state or for something in it; none of a kind if it shows none.</summary>
    internal static HotplugCounts Of(VmsdDescription state)
    {
        var found = new HotplugCounts(
            Math.Min(Slots(state, "memory hotplug state"), MaxSlots),
            Math.Min(Slots(state, "CPU hotplug state"), MaxCpus));
        foreach (VmsdDescription inner in state.Subsections.Concat(state.Fields.Select(field => field.Struct).OfType<VmsdDescription>()))
        {
            HotplugCounts below = Of(inner);
            found = new HotplugCounts(Math.Max(found.MemorySlots, below.MemorySlots), Math.Max(found.Cpus, below.Cpus));
        }
        return found;
    }

    private static int Slots(VmsdDescription state, string name) => state.Name == name
        ? (int)Math.Min(state.Fields.Where(field => field.Name == "devs").Sum(field => Math.Min(field.ArrayLength ?? 1, MaxCpus)), MaxCpus)
        : 0;
}
