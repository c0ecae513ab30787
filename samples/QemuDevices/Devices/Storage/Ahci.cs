using System.Linq;
using VmStateGen;

namespace QemuDevices;

/// <summary>The SATA controller of q35: section <c>ich9_ahci</c>.</summary>
#pragma warning disable VMS104 // Ich9Ahci72
[VmState("ich9_ahci", Version = 1, MinimumVersion = 0)]
#pragma warning restore VMS104
public sealed partial class Ich9Ahci() : PciDevice(isExpress: false)
{
    private const int Ports = 6;

    [Field] private readonly Ahci ahci = new(Ports);
}

/// <summary>A host bus adapter for SATA.</summary>
[VmState("ahci", Nested = true, Version = 1, MinimumVersion = 0)]
public sealed partial class Ahci
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
    [Field(Expect = Expect.Equal)] private readonly uint ports;

    /// <param name="ports">Ports, with a drive or without.</param>
    public Ahci(int ports)
    {
        count = ports;
        this.ports = (uint)ports;
        devices = Enumerable.Range(0, ports).Select(_ => new AhciPort()).ToArray();
    }
}

/// <summary>A port and its drive.</summary>
[VmState("ahci port", Nested = true, Version = 1, MinimumVersion = 0)]
public sealed partial class AhciPort
{
    private const int Slots = 32;

    [Field] private readonly IdeBus port = new();
    [Field("port.ifs[0]")] private readonly IdeDrive drive = new();
    [Field] private uint portState;
    [Field] private uint finished;
    [Field("port_regs.lst_addr")] private uint listAddress;
    [Field("port_regs.lst_addr_hi")] private uint listAddressHigh;
    [Field("port_regs.fis_addr")] private uint fisAddress;
    [Field("port_regs.fis_addr_hi")] private uint fisAddressHigh;
    [Field("port_regs.irq_stat")] private uint irqStatus;
    [Field("port_regs.irq_mask")] private uint irqMask;
    [Field("port_regs.cmd")] private uint command;
    [Field("port_regs.tfdata")] private uint taskFileData;
    [Field("port_regs.sig")] private uint signature;
    [Field("port_regs.scr_stat")] private uint sataStatus;
    [Field("port_regs.scr_ctl")] private uint sataControl;
    [Field("port_regs.scr_err")] private uint sataError;
    [Field("port_regs.scr_act")] private uint sataActive;
    [Field("port_regs.cmd_issue")] private uint commandIssue;
    [Field] private bool doneFirstDrq;
    [Field] private int busySlot;
    [Field("init_d2h_sent")] private bool initialFisSent;
    [Field("ncq_tfs", Version = 1, Length = Slots)] private readonly NcqTransfer[] transfers = new NcqTransfer[Slots];
}

/// <summary>A queued command.</summary>
[VmState("ncq state", Nested = true, Version = 1, MinimumVersion = 0)]
public partial struct NcqTransfer
{
    [Field] private uint sectorCount;
    [Field] private ulong lba;
    [Field] private byte tag;
    [Field] private byte cmd;
    [Field] private byte slot;
    [Field] private bool used;
    [Field] private bool halt;
}
