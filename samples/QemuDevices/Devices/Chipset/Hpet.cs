using System;
using VmStateGen;

namespace QemuDevices;

/// <summary>The high precision event timers: section <c>hpet</c>.</summary>
[VmState("hpet", Version = 2, MinimumVersion = 2)]
[Subsection("hpet/rtc_irq_level", Present = nameof(hasRtcIrqLevel))]
[Subsection("hpet/offset", Present = nameof(hasOffset))]
public sealed partial class Hpet
{
    private const int MaxTimers = 32;

    [Ignore("configuration")] private readonly bool hasNewName;

    [Field] private ulong config;
    [Field] private ulong isr;
    [Field] private ulong hpetCounter;

    /// <summary>Newer releases have another name for it in the trailer.</summary>
    [Field("num_timers", When = nameof(HasOldName))]
    [Field("num_timers_save", When = nameof(HasNewName))]
    private byte numTimers;

    [Field("timer", CountFrom = nameof(numTimers), Max = MaxTimers)] private HpetTimer[] timers;

    [Ignore("whether its subsection came")] private bool hasRtcIrqLevel;
    [Field(Subsection = "hpet/rtc_irq_level")] private byte rtcIrqLevel;

    [Ignore("whether its subsection came")] private bool hasOffset;
    [Field("hpet_offset", Subsection = "hpet/offset")] private ulong offset;

    /// <param name="hasNewName">The number of timers is called as newer releases call it.</param>
    /// <param name="timers">How many there are.</param>
    public Hpet(bool hasNewName = true, byte timers = 3)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(timers, MaxTimers);
        this.hasNewName = hasNewName;
        numTimers = timers;
        this.timers = new HpetTimer[timers];
    }

    private bool HasOldName() => !hasNewName;

    private bool HasNewName() => hasNewName;
}

/// <summary>One timer.</summary>
[VmState("hpet_timer", Nested = true)]
public partial struct HpetTimer
{
    [Field("tn")] private byte number;
    [Field] private ulong config;
    [Field] private ulong cmp;
    [Field] private ulong fsb;
    [Field] private ulong period;
    [Field] private byte wrapFlag;
    [Field] private VmTimer qemuTimer;
}
