using VmStateGen;

namespace QemuDevices;

/// <summary>The Intel 82540EM gigabit Ethernet card: section <c>e1000</c> with its PCI path in front.</summary>
/// <remarks>
/// The whole register file comes last, after single registers and ranges of it, so that it decides. When QEMU sends the
/// subsections is not known here, so what a stream had is kept; all three are in every stream of 7.2 and 10.0, of pc and of q35.
/// Loading a register file that holds the number of each register shows in what QEMU saves which register each field is.
/// </remarks>
[VmState("e1000", Version = 2, MinimumVersion = 1)]
[Subsection("e1000/mit_state", Present = nameof(hasMitState))]
[Subsection("e1000/full_mac_state", Present = nameof(hasFullMacState))]
[Subsection("e1000/tx_tso_state", Present = nameof(hasTxTsoState))]
public sealed partial class E1000 : PciDevice
{
    [Removed("of_version_1", 4, When = nameof(IsVersion1))]
    [Removed("mmio_base", 4)]
    [Field] private uint rxbufSize;
    [Field] private uint rxbufMinShift;
    [Field("eecd_state.val_in")] private uint eecdValIn;
    [Field("eecd_state.bitnum_in")] private ushort eecdBitnumIn;
    [Field("eecd_state.bitnum_out")] private ushort eecdBitnumOut;
    [Field("eecd_state.reading")] private ushort eecdReading;
    [Field("eecd_state.old_eecd")] private uint eecdOldEecd;

    [Field("mig_props.ipcss")] private byte ipcss;
    [Field("mig_props.ipcso")] private byte ipcso;
    [Field("mig_props.ipcse")] private ushort ipcse;
    [Field("mig_props.tucss")] private byte tucss;
    [Field("mig_props.tucso")] private byte tucso;
    [Field("mig_props.tucse")] private ushort tucse;
    [Field("mig_props.paylen")] private uint paylen;
    [Field("mig_props.hdr_len")] private byte hdrLen;
    [Field("mig_props.mss")] private ushort mss;
    [Field("tx.size")] private ushort txSize;
    [Field("tx.tso_frames")] private ushort txTsoFrames;
    [Field("tx.sum_needed")] private byte txSumNeeded;
    [Field("mig_props.ip")] private sbyte ip;
    [Field("mig_props.tcp")] private sbyte tcp;
    [Field("tx.header", Length = 256)] private readonly byte[] txHeader = new byte[256];
    [Field("tx.data", Length = 65536)] private readonly byte[] txData = new byte[65536];

    [Field(Length = 64)] private readonly ushort[] eepromData = new ushort[64];
    [Field(Length = 32)] private readonly ushort[] phyReg = new ushort[32];

    [Field("mac_reg[CTRL]", Element = MacRegister.Ctrl)]
    [Field("mac_reg[EECD]", Element = MacRegister.Eecd)]
    [Field("mac_reg[EERD]", Element = MacRegister.Eerd)]
    [Field("mac_reg[GPRC]", Element = MacRegister.Gprc)]
    [Field("mac_reg[GPTC]", Element = MacRegister.Gptc)]
    [Field("mac_reg[ICR]", Element = MacRegister.Icr)]
    [Field("mac_reg[ICS]", Element = MacRegister.Ics)]
    [Field("mac_reg[IMC]", Element = MacRegister.Imc)]
    [Field("mac_reg[IMS]", Element = MacRegister.Ims)]
    [Field("mac_reg[LEDCTL]", Element = MacRegister.Ledctl)]
    [Field("mac_reg[MANC]", Element = MacRegister.Manc)]
    [Field("mac_reg[MDIC]", Element = MacRegister.Mdic)]
    [Field("mac_reg[MPC]", Element = MacRegister.Mpc)]
    [Field("mac_reg[PBA]", Element = MacRegister.Pba)]
    [Field("mac_reg[RCTL]", Element = MacRegister.Rctl)]
    [Field("mac_reg[RDBAH]", Element = MacRegister.Rdbah)]
    [Field("mac_reg[RDBAL]", Element = MacRegister.Rdbal)]
    [Field("mac_reg[RDH]", Element = MacRegister.Rdh)]
    [Field("mac_reg[RDLEN]", Element = MacRegister.Rdlen)]
    [Field("mac_reg[RDT]", Element = MacRegister.Rdt)]
    [Field("mac_reg[STATUS]", Element = MacRegister.Status)]
    [Field("mac_reg[SWSM]", Element = MacRegister.Swsm)]
    [Field("mac_reg[TCTL]", Element = MacRegister.Tctl)]
    [Field("mac_reg[TDBAH]", Element = MacRegister.Tdbah)]
    [Field("mac_reg[TDBAL]", Element = MacRegister.Tdbal)]
    [Field("mac_reg[TDH]", Element = MacRegister.Tdh)]
    [Field("mac_reg[TDLEN]", Element = MacRegister.Tdlen)]
    [Field("mac_reg[TDT]", Element = MacRegister.Tdt)]
    [Field("mac_reg[TORH]", Element = MacRegister.Torh)]
    [Field("mac_reg[TORL]", Element = MacRegister.Torl)]
    [Field("mac_reg[TOTH]", Element = MacRegister.Toth)]
    [Field("mac_reg[TOTL]", Element = MacRegister.Totl)]
    [Field("mac_reg[TPR]", Element = MacRegister.Tpr)]
    [Field("mac_reg[TPT]", Element = MacRegister.Tpt)]
    [Field("mac_reg[TXDCTL]", Element = MacRegister.Txdctl)]
    [Field("mac_reg[WUFC]", Element = MacRegister.Wufc)]
    [Field("mac_reg[VET]", Element = MacRegister.Vet)]
    [Field(Start = MacRegister.Ra, Length = 32)]
    [Field(Start = MacRegister.Mta, Length = 128)]
    [Field(Start = MacRegister.Vfta, Length = 128)]
    [Field("mac_reg[RDTR]", Element = MacRegister.Rdtr, Subsection = "e1000/mit_state")]
    [Field("mac_reg[RADV]", Element = MacRegister.Radv, Subsection = "e1000/mit_state")]
    [Field("mac_reg[TADV]", Element = MacRegister.Tadv, Subsection = "e1000/mit_state")]
    [Field("mac_reg[ITR]", Element = MacRegister.Itr, Subsection = "e1000/mit_state")]
    [Field(Length = MacRegister.Count, Subsection = "e1000/full_mac_state")]
    private readonly uint[] macReg = new uint[MacRegister.Count];

    [Ignore("whether its subsection came")] private bool hasMitState;
    [Field(Subsection = "e1000/mit_state")] private bool mitIrqLevel;

    [Ignore("whether its subsection came")] private bool hasFullMacState;

    [Ignore("whether its subsection came")] private bool hasTxTsoState;
    [Field("tx.tso_props.ipcss", Subsection = "e1000/tx_tso_state")] private byte tsoIpcss;
    [Field("tx.tso_props.ipcso", Subsection = "e1000/tx_tso_state")] private byte tsoIpcso;
    [Field("tx.tso_props.ipcse", Subsection = "e1000/tx_tso_state")] private ushort tsoIpcse;
    [Field("tx.tso_props.tucss", Subsection = "e1000/tx_tso_state")] private byte tsoTucss;
    [Field("tx.tso_props.tucso", Subsection = "e1000/tx_tso_state")] private byte tsoTucso;
    [Field("tx.tso_props.tucse", Subsection = "e1000/tx_tso_state")] private ushort tsoTucse;
    [Field("tx.tso_props.paylen", Subsection = "e1000/tx_tso_state")] private uint tsoPaylen;
    [Field("tx.tso_props.hdr_len", Subsection = "e1000/tx_tso_state")] private byte tsoHdrLen;
    [Field("tx.tso_props.mss", Subsection = "e1000/tx_tso_state")] private ushort tsoMss;
    [Field("tx.tso_props.ip", Subsection = "e1000/tx_tso_state")] private sbyte tsoIp;
    [Field("tx.tso_props.tcp", Subsection = "e1000/tx_tso_state")] private sbyte tsoTcp;

    /// <param name="isExpress">On a PCI Express bus of its own; the card of pc and q35 is a conventional one.</param>
    public E1000(bool isExpress = false)
        : base(isExpress)
    {
    }

    private bool IsVersion1(int version) => version == 1;
}
