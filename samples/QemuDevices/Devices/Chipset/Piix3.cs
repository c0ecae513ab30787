using VmStateGen;

namespace QemuDevices;

/// <summary>The bridge from PCI to ISA of pc: section <c>PIIX3</c>.</summary>
[VmState("PIIX3", Version = 3, MinimumVersion = 2)]
[Subsection("PIIX3/rcr", Present = nameof(hasResetControl))]
public sealed partial class Piix3
{
    [Field] private readonly PciDevice dev = new();
    [Field(Version = 3, Length = 4)] private readonly int[] pciIrqLevelsVmstate = new int[4];

    [Ignore("whether its subsection came")] private bool hasResetControl;
    [Field("rcr", Subsection = "PIIX3/rcr")] private byte resetControl;
}
