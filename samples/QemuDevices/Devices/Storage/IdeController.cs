using VmStateGen;

namespace QemuDevices;

/// <summary>The IDE controller of pc: section <c>ide</c>. Its version 0 knew one drive less than one: drives came with version 3.</summary>
[VmState("ide", Version = 3, MinimumVersion = 0)]
public sealed partial class IdeController() : PciDevice(isExpress: false)
{
    private const int Buses = 2;
    private const int Drives = 2;

    [Field(Length = Buses)] private readonly BusMaster[] bmdma = [new(), new()];
    [Field(Version = 1, Length = Buses)] private readonly IdeBus[] bus = [new(), new()];
    [Field("bus[0].ifs", Version = 3, Length = Drives)] private readonly IdeDrive[] primary = [new(), new()];
    [Field("bus[1].ifs", Version = 3, Length = Drives)] private readonly IdeDrive[] secondary = [new(), new()];
}

/// <summary>A channel's DMA.</summary>
[VmState("ide bmdma", Nested = true, Version = 3, MinimumVersion = 0)]
[Subsection("ide bmdma_current", Present = nameof(hasCurrent))]
[Subsection("ide bmdma/status", Present = nameof(hasStatus))]
public sealed partial class BusMaster
{
    [Field] private byte cmd;
    [Field] private byte migrationCompatStatus;
    [Field] private uint addr;
    [Field] private long migrationRetrySectorNum;
    [Field] private uint migrationRetryNsector;
    [Field] private byte migrationRetryUnit;

    [Ignore("whether its subsection came")] private bool hasCurrent;
    [Field(Subsection = "ide bmdma_current")] private uint curAddr;
    [Field(Subsection = "ide bmdma_current")] private uint curPrdLast;
    [Field(Subsection = "ide bmdma_current")] private uint curPrdAddr;
    [Field(Subsection = "ide bmdma_current")] private uint curPrdLen;

    [Ignore("whether its subsection came")] private bool hasStatus;
    [Field(Subsection = "ide bmdma/status")] private byte status;
}

/// <summary>A channel: what both its drives share.</summary>
[VmState("ide_bus", Nested = true)]
[Subsection("ide_bus/error", Version = 2, MinimumVersion = 1, Present = nameof(hasError))]
public sealed partial class IdeBus
{
    [Field] private byte cmd;
    [Field] private byte unit;

    [Ignore("whether its subsection came")] private bool hasError;
    [Field(Subsection = "ide_bus/error")] private int errorStatus;
    [Field(Subsection = "ide_bus/error", Version = 2)] private long retrySectorNum;
    [Field(Subsection = "ide_bus/error", Version = 2)] private uint retryNsector;
    [Field(Subsection = "ide_bus/error", Version = 2)] private byte retryUnit;
}
