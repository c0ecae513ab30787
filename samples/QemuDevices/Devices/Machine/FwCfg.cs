using VmStateGen;

namespace QemuDevices;

/// <summary>What QEMU tells firmware: section <c>fw_cfg</c>.</summary>
[VmState("fw_cfg", Version = 2, MinimumVersion = 1)]
[Subsection("fw_cfg/dma", Version = 0, MinimumVersion = 0, Present = nameof(hasDma))]
[Subsection("fw_cfg/acpi_mr", Present = nameof(hasAcpiTables))]
public sealed partial class FwCfg
{
    [Field] private ushort curEntry;

    /// <summary>Narrower in streams of version 1.</summary>
    [Field(When = nameof(IsVersion1), As = WireType.U16)]
    [Field(Version = 2)]
    private uint curOffset;

    [Ignore("whether its subsection came")] private bool hasDma;
    [Field(Subsection = "fw_cfg/dma")] private ulong dmaAddr;

    /// <summary>Sizes of the tables that QEMU made; those of the destination must be as large.</summary>
    [Ignore("whether its subsection came")] private bool hasAcpiTables;
    [Field(Subsection = "fw_cfg/acpi_mr")] private ulong tableMrSize;
    [Field(Subsection = "fw_cfg/acpi_mr")] private ulong linkerMrSize;
    [Field(Subsection = "fw_cfg/acpi_mr")] private ulong rsdpMrSize;

    private bool IsVersion1(int version) => version == 1;
}

/// <summary>Whether the ACPI tables are what this start of the guest has asked for: section <c>acpi_build</c>.</summary>
[VmState("acpi_build")]
public sealed partial class AcpiBuild
{
    [Field] private byte patched;
}
