using VmStateGen;

namespace QemuDevices;

/// <summary>The interrupt controller for devices, QEMU's own or KVM's: section <c>ioapic</c>.</summary>
[VmState("ioapic", Version = 3, MinimumVersion = 1)]
public sealed partial class IoApic
{
    [Field] private byte id;
    [Field] private byte ioregsel;
    [Removed("io_base", 8, Version = 2)]
    [Field(Version = 2, Default = 0u)] private uint irr;
    [Field(Length = 24)] private readonly ulong[] ioredtbl = new ulong[24];
}
