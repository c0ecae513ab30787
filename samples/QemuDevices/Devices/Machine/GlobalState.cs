using VmStateGen;

namespace QemuDevices;

/// <summary>What the machine was doing when it was saved: section <c>globalstate</c> (qemu-migration.md §2.12).</summary>
[VmState("globalstate")]
public sealed partial class GlobalState
{
    private const int OldNameSize = 100;
    private const int NameSize = 32;
    private const int RestSize = 66;

    [Ignore("configuration")] private readonly bool hasSuspension;
    [Ignore("configuration")] private readonly int nameSize;

    [Field] private uint size;

    /// <summary>A name in ASCII, ended by a zero.</summary>
    [Field(CountFrom = nameof(nameSize), Max = OldNameSize)] private byte[] runstate;

    [Field(When = nameof(HasSuspension))] private byte hasVmWasSuspended;
    [Field(When = nameof(HasSuspension))] private byte vmWasSuspended;

    /// <summary>Room of the old name. QEMU saves it as it is, not as zeros.</summary>
    [Field("unused", Length = RestSize, When = nameof(HasSuspension))] private readonly byte[] rest = new byte[RestSize];

    /// <param name="hasSuspension">As releases after 8.2 have it: the name has given room to whether the guest sleeps.</param>
    public GlobalState(bool hasSuspension = true)
    {
        this.hasSuspension = hasSuspension;
        nameSize = hasSuspension ? NameSize : OldNameSize;
        runstate = new byte[nameSize];
    }

    private bool HasSuspension() => hasSuspension;
}
