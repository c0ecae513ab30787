using System;
using System.Collections.Generic;
using VmStateGen;

namespace QemuDevices;

/// <summary>What every SCSI device has: sense data, and the requests that an error stopped the machine on.</summary>
[VmState("SCSIDevice", Nested = true)]
[Subsection("SCSIDevice/sense", Present = nameof(hasLongSense))]
public sealed partial class ScsiDevice
{
    private const int SenseSize = 252;
    private const int SenseSizeOf1 = 96; // before the subsection
    private const int MaxRequests = 1024;

    [Field("unit_attention.key")] private byte unitAttentionKey;
    [Field("unit_attention.asc")] private byte unitAttentionAsc;
    [Field("unit_attention.ascq")] private byte unitAttentionAscq;
    [Field] private bool senseIsUa;

    [Field(Length = SenseSizeOf1, As = WireType.U8)]
    [Field(Start = SenseSizeOf1, Length = SenseSize - SenseSizeOf1, As = WireType.U8, Subsection = "SCSIDevice/sense")]
    private readonly byte[] sense = new byte[SenseSize];

    [Field] private uint senseLen;
    [Field(Max = MaxRequests, Marker = nameof(ScsiRequest.Progress), TypeName = "scsi-requests")] private readonly List<ScsiRequest> requests = [];

    [Ignore("whether its subsection came")] private bool hasLongSense;

    /// <param name="adapter">What the device is connected to.</param>
    public ScsiDevice(ScsiAdapter adapter) => Adapter = adapter;

    /// <summary>What the device is connected to.</summary>
    [Ignore("configuration")] public ScsiAdapter Adapter { get; }
}

/// <summary>A request: what its adapter knows of it, and what the disk knows of it.</summary>
[VmState(Nested = true)]
public sealed partial class ScsiRequest
{
    private const byte Retry = 1;
    private const int CommandSize = 16;
    private const int SectorSize = 512;
    private const int MaxData = 1 << 20;

    [Parent] private ScsiDevice? device;

    /// <summary>1: to be tried again. 2: under way, its data on the way to the guest or from it.</summary>
    [Ignore("on the wire before the request")] internal byte Progress { get; set; } = Retry;

    [Field(Length = CommandSize)] private readonly byte[] command = new byte[CommandSize];
    [Field] private uint tag;
    [Field] private uint lun;

    [Field(When = nameof(IsVirtio))] private uint queue;
    [Field(When = nameof(IsPacked))] private uint descriptorCount;
    [Field(When = nameof(IsVirtio), Codec = typeof(VirtQueueElementCodec))] private VirtQueueElement element = new();

    [Field] private ulong sector;
    [Field] private uint sectorCount;
    [Field] private uint bufferSize;
    [Field(When = nameof(HasReadData))] private uint readSize;
    [Field(CountFrom = nameof(DataSize), Max = MaxData)] private byte[] data = [];

    /// <summary>What is in the buffer goes along, except that what is to be tried again has read nothing.</summary>
    private long DataSize => IsWrite ? Math.Min((long)sectorCount * SectorSize, bufferSize) : HasReadData() ? readSize : 0;

    /// <summary>WRITE (6, 10, 12 and 16 bytes), WRITE AND VERIFY (10, 12, 16).</summary>
    private bool IsWrite => command[0] is 0x0A or 0x2A or 0xAA or 0x8A or 0x2E or 0xAE or 0x8E;

    private bool HasReadData() => !IsWrite && Progress != Retry && bufferSize > 0;

    private bool IsVirtio() => device!.Adapter != ScsiAdapter.Usb;

    private bool IsPacked() => device!.Adapter == ScsiAdapter.VirtioPacked;
}
