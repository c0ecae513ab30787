using VmStateGen;

namespace QemuDevices;

/// <summary>The SMBus controller within a chipset.</summary>
[VmState("pmsmb", Nested = true)]
public sealed partial class SmbusHost
{
    [Field] private byte smbStat;
    [Field] private byte smbCtl;
    [Field] private byte smbCmd;
    [Field] private byte smbAddr;
    [Field] private byte smbData0;
    [Field] private byte smbData1;
    [Field] private uint smbIndex;
    [Field(Length = 32, As = WireType.U8)] private readonly byte[] smbData = new byte[32];
    [Field] private byte smbAuxctl;
    [Field] private byte smbBlkdata;
    [Field] private bool i2cEnable;
    [Field] private bool opDone;
    [Field] private bool inI2cBlockRead;
    [Field] private bool startTransactionOnStatusRead;
}

/// <summary>The SMBus controller of q35: section <c>ich9_smb</c>.</summary>
/// <remarks>
/// Machine types before 3.1 leave everything but the PCI part out.
/// </remarks>
[VmState("ich9_smb")]
public sealed partial class Ich9Smbus
{
    [Ignore("configuration")] private readonly bool hasController;

    [Field] private readonly PciDevice dev = new();
    [Field(When = nameof(HasController))] private bool irqEnabled;
    [Field(When = nameof(HasController))] private readonly SmbusHost smb = new();

    /// <param name="hasController">Whether the controller itself is saved.</param>
    public Ich9Smbus(bool hasController = true) => this.hasController = hasController;

    private bool HasController() => hasController;
}

/// <summary>A bus of the SMBus controller: section <c>i2c_bus</c>.</summary>
[VmState("i2c_bus")]
public sealed partial class I2cBus
{
    [Field] private byte savedAddress;
}
