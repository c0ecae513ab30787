using VmStateGen;

namespace QemuDevices;

/// <summary>A drive, on IDE or on a port of AHCI.</summary>
[VmState("ide_drive", Nested = true, Version = 3, MinimumVersion = 0)]
[Subsection("ide_drive/pio_state", Present = nameof(hasPioState))]
[Subsection("ide_drive/tray_state", Present = nameof(hasTrayState))]
[Subsection("ide_drive/atapi/gesn_state", Present = nameof(hasEvents))]
public sealed partial class IdeDrive
{
    private const int IdentitySize = 512;

    [Field] private int multSectors;
    [Field] private int identifySet;

    /// <summary>There once the guest has asked the drive what it is.</summary>
    [Field(Length = IdentitySize, When = nameof(IsIdentified))] private readonly byte[] identifyData = new byte[IdentitySize];

    [Field] private byte feature;
    [Field] private byte error;
    [Field] private uint nsector;
    [Field] private byte sector;
    [Field] private byte lcyl;
    [Field] private byte hcyl;
    [Field] private byte hobFeature;
    [Field] private byte hobSector;
    [Field] private byte hobNsector;
    [Field] private byte hobLcyl;
    [Field] private byte hobHcyl;
    [Field] private byte select;
    [Field] private byte status;
    [Field] private byte lba48;
    [Field] private byte senseKey;
    [Field] private byte asc;
    [Field(Version = 3)] private byte cdromChanged;

    /// <summary>In the middle of a transfer through the data port.</summary>
    [Ignore("whether its subsection came")] private bool hasPioState;
    [Field(Subsection = "ide_drive/pio_state")] private int reqNbSectors;
    [Field(Subsection = "ide_drive/pio_state", Length = PioBufferSize, As = WireType.U8)] private readonly byte[] ioBuffer = new byte[PioBufferSize];
    [Field(Subsection = "ide_drive/pio_state")] private int curIoBufferOffset;
    [Field(Subsection = "ide_drive/pio_state")] private int curIoBufferLen;
    [Field(Subsection = "ide_drive/pio_state")] private byte endTransferFnIdx;
    [Field(Subsection = "ide_drive/pio_state")] private int elementaryTransferSize;
    [Field(Subsection = "ide_drive/pio_state")] private int packetTransferSize;

    [Ignore("whether its subsection came")] private bool hasTrayState;
    [Field(Subsection = "ide_drive/tray_state")] private bool trayOpen;
    [Field(Subsection = "ide_drive/tray_state")] private bool trayLocked;

    [Ignore("whether its subsection came")] private bool hasEvents;
    [Field("events.new_media", Subsection = "ide_drive/atapi/gesn_state")] private bool newMedia;
    [Field("events.eject_request", Subsection = "ide_drive/atapi/gesn_state")] private bool ejectRequest;

    private const int PioBufferSize = 131076;

    private bool IsIdentified() => identifySet != 0;
}
