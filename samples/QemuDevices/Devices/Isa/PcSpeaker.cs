using VmStateGen;

namespace QemuDevices;

/// <summary>The speaker: section <c>pcspk</c>.</summary>
[VmState("pcspk")]
public sealed partial class PcSpeaker
{
    [Field] private byte dataOn;
    [Field] private byte dummyRefreshClock;
}
