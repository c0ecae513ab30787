using VmStateGen;

namespace QemuDevices;

/// <summary>The programmable interval timer of a PC: section <c>i8254</c>.</summary>
[VmState("i8254", Version = 3, MinimumVersion = 2)]
public sealed partial class I8254
{
    [Field("channels[0].irq_disabled", Version = 3, Default = 0)] private uint irqDisabled;
    [Field(Length = 3)] private readonly PitChannel[] channels = new PitChannel[3];

    /// <summary>Once more beside the channels, where older releases had it.</summary>
    [Field("channels[0].next_transition_time")] private long nextTransitionTime;
}

/// <summary>One of its three counters.</summary>
[VmState("pit channel", Nested = true, Version = 2, MinimumVersion = 2)]
public partial struct PitChannel
{
    [Field] private int count;
    [Field] private ushort latchedCount;
    [Field] private byte countLatched;
    [Field] private byte statusLatched;
    [Field] private byte status;
    [Field] private byte readState;
    [Field] private byte writeState;
    [Field] private byte writeLatch;
    [Field] private byte rwMode;
    [Field] private byte mode;
    [Field] private byte bcd;
    [Field] private byte gate;
    [Field] private long countLoadTime;
    [Field] private long nextTransitionTime;
}
