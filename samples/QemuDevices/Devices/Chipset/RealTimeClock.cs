using VmStateGen;

namespace QemuDevices;

/// <summary>The clock that runs while the machine is off: section <c>mc146818rtc</c>.</summary>
[VmState("mc146818rtc", Version = 3, MinimumVersion = 1)]
[Subsection("mc146818rtc/irq_reinject_on_ack_count", Present = nameof(hasReinjection))]
public sealed partial class RealTimeClock
{
    private const int CmosSize = 128;

    [Field(Length = CmosSize)] private readonly byte[] cmosData = new byte[CmosSize];
    [Field] private byte cmosIndex;
    [Removed("current_tm", 28)]
    [Field] private VmTimer periodicTimer;
    [Field] private long nextPeriodicTime;
    [Removed("second_timers", 24)]
    [Field(Version = 2)] private uint irqCoalesced;
    [Field(Version = 2)] private uint period;
    [Field(Version = 3)] private ulong baseRtc;
    [Field(Version = 3)] private ulong lastUpdate;
    [Field(Version = 3)] private long offset;
    [Field(Version = 3)] private VmTimer updateTimer;
    [Field(Version = 3)] private ulong nextAlarmTime;

    [Ignore("whether its subsection came")] private bool hasReinjection;
    [Field("irq_reinject_on_ack_count", Subsection = "mc146818rtc/irq_reinject_on_ack_count")] private ushort reinjections;
}
