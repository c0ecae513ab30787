using VmStateGen;

namespace QemuDevices;

/// <summary>The clocks of the virtual CPUs: section <c>timer</c>.</summary>
/// <remarks>Every subsection was met in streams of 7.2 and 10.0: the first with any <c>-icount</c>, all four with <c>shift=auto</c>.</remarks>
[VmState("timer", Version = 2, MinimumVersion = 1)]
public sealed partial class CpuTimers
{
    [Field] private long cpuTicksOffset;

    /// <summary>A stream of version 1 leaves 0 behind, as in QEMU.</summary>
    [Removed("unused", 8)]
    [Field(Version = 2, Default = 0L)] private long cpuClockOffset;

    /// <summary>There if instructions are counted.</summary>
    [Subsection("timer/icount")] private InstructionCount? instructionCount;
}

/// <summary>Virtual time that follows the number of instructions.</summary>
[VmState("timer/icount", Nested = true)]
public sealed partial class InstructionCount
{
    [Field] private long qemuIcountBias;
    [Field] private long qemuIcount;

    [Subsection] private IcountWarpTimer? warpTimer;
    [Subsection] private IcountTimers? timers;
    [Subsection] private IcountShift? shift;
}

/// <summary>Lets time pass while every CPU sleeps.</summary>
[VmState("timer/icount/warp_timer", Nested = true)]
public sealed partial class IcountWarpTimer
{
    [Field] private long vmClockWarpStart;
    [Field] private VmTimer icountWarpTimer;
}

/// <summary>When the speed is adjusted next.</summary>
[VmState("timer/icount/timers", Nested = true)]
public sealed partial class IcountTimers
{
    [Field] private VmTimer icountRtTimer;
    [Field] private VmTimer icountVmTimer;
}

/// <summary>The speed, where it is found out: nanoseconds an instruction as a power of two.</summary>
[VmState("timer/icount/shift", Nested = true, Version = 2, MinimumVersion = 2)]
public sealed partial class IcountShift
{
    [Field] private short icountTimeShift;
    [Field] private long lastDelta;
}
