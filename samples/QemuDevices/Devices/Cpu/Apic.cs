using VmStateGen;

namespace QemuDevices;

/// <summary>A CPU's local interrupt controller, QEMU's own or KVM's: section <c>apic</c> (qemu-migration.md §12).</summary>
[VmState("apic", Version = 3, MinimumVersion = 3)]
[Subsection("apic_sipi", Present = nameof(hasSipi))]
public sealed partial class Apic
{
    [Field] private uint apicbase;
    [Field] private byte id;
    [Field] private byte arbId;
    [Field] private byte tpr;
    [Field] private uint spuriousVec;
    [Field] private byte logDest;
    [Field] private byte destMode;
    [Field(Length = 8)] private readonly uint[] isr = new uint[8];
    [Field(Length = 8)] private readonly uint[] tmr = new uint[8];
    [Field(Length = 8)] private readonly uint[] irr = new uint[8];
    [Field(Length = 6)] private readonly uint[] lvt = new uint[6];
    [Field] private uint esr;
    [Field(Length = 2)] private readonly uint[] icr = new uint[2];
    [Field] private uint divideConf;
    [Field] private int countShift;
    [Field] private uint initialCount;
    [Field] private long initialCountLoadTime;
    [Field] private long nextTime;
    /// <summary>Not a timer in the trailer's sense, though it holds a time of one: −1 is not armed.</summary>
    [Field] private long timerExpiry;

    [Ignore("whether its subsection came")] private bool hasSipi;
    [Field(Subsection = "apic_sipi")] private int sipiVector;
    [Field(Subsection = "apic_sipi")] private int waitForSipi;
}
