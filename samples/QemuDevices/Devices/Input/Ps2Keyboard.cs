using VmStateGen;

namespace QemuDevices;

/// <summary>What PS/2 keyboard and mouse share.</summary>
[VmState("PS2 Common State", Nested = true, Version = 3, MinimumVersion = 2)]
public abstract partial class Ps2Device
{
    [Field] private int writeCmd;
    [Field("queue.rptr")] private int queueReadPosition;
    [Field("queue.wptr")] private int queueWritePosition;
    [Field("queue.count")] private int queueCount;
    [Field("queue.data", Length = 256)] private readonly byte[] queueData = new byte[256];
}

/// <summary>
/// The PS/2 keyboard: section <c>ps2kbd</c>. When QEMU sends its subsections is not known here, so what a stream had is kept.
/// </summary>
/// <remarks>
/// All three were met in streams of 7.2 and 10.0; <c>ps2kbd/need_high_bit</c> only after a stream that had it was loaded.
/// </remarks>
[VmState("ps2kbd", Version = 3, MinimumVersion = 2)]
[Subsection("ps2kbd/ledstate", Version = 3, MinimumVersion = 2, Present = nameof(hasLedState))]
[Subsection("ps2kbd/need_high_bit", Present = nameof(hasNeedHighBit))]
[Subsection("ps2kbd/command_reply_queue", Version = 0, Present = nameof(hasCommandReplyQueue))]
public sealed partial class Ps2Keyboard : Ps2Device
{
    [Field] private int scanEnabled;
    [Field] private int translate;
    /// <summary>A stream of version 2 leaves set 2, as in QEMU.</summary>
    [Field(Version = 3, Default = 2)] private int scancodeSet;

    [Ignore("whether its subsection came")] private bool hasLedState;
    [Field(Subsection = "ps2kbd/ledstate")] private int ledstate;

    [Ignore("whether its subsection came")] private bool hasNeedHighBit;
    [Field(Subsection = "ps2kbd/need_high_bit")] private bool needHighBit;

    [Ignore("whether its subsection came")] private bool hasCommandReplyQueue;
    [Field("parent_obj.queue.cwptr", Subsection = "ps2kbd/command_reply_queue")] private int commandReplyPosition;
}
