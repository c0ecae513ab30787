using VmStateGen;

namespace QemuDevices;

/// <summary>The PS/2 mouse: section <c>ps2mouse</c>.</summary>
[VmState("ps2mouse", Version = 2, MinimumVersion = 2)]
public sealed partial class Ps2Mouse : Ps2Device
{
    [Field] private byte mouseStatus;
    [Field] private byte mouseResolution;
    [Field] private byte mouseSampleRate;
    [Field] private byte mouseWrap;
    [Field] private byte mouseType;
    [Field] private byte mouseDetectState;
    [Field] private int mouseDx;
    [Field] private int mouseDy;
    [Field] private int mouseDz;
    [Field] private byte mouseButtons;
}
