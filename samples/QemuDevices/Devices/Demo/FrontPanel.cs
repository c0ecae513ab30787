using QemuDevices;
using VmStateGen;

[assembly: RemovedSection("demo-buzzer", typeof(Buzzer10))]

namespace QemuDevices;

/// <summary>
/// No device of QEMU's: a front panel that shows what two releases can do to a device (README.md beside the project file has its history).
/// Section <c>demo-panel</c>.
/// </summary>
[VmState("demo-panel", Version = 2)]
[Subsection("demo-panel/alarm", Needed = nameof(HasAlarm), Absent = nameof(NoAlarm))]
public sealed partial class FrontPanel
{
    private const int Leds = 4;

    [Field] private byte brightness;
    [Removed("blink_rate", 2)]
    [Field("text", FormerName = "message", Length = 16)] private readonly byte[] message = new byte[16];
    [Field(Length = Leds)] private readonly PanelLed[] leds = [new(), new(), new(), new()];
    [Field(Version = 2, Default = 50)] private byte contrast;
    [Field(Subsection = "demo-panel/alarm")] private byte alarm;

    /// <summary>Since 1.1; a panel of 1.0 has the middle one.</summary>
    public byte Contrast { get => contrast; set => contrast = value; }

    public byte Brightness { get => brightness; set => brightness = value; }

    /// <summary>Since 1.1, and sent only while it sounds: 1.0 can load a panel in which it does not.</summary>
    public byte Alarm { get => alarm; set => alarm = value; }

    public PanelLed this[int index] => leds[index];

    private bool HasAlarm() => alarm != 0;

    private void NoAlarm() => alarm = 0;
}

/// <summary>One lamp of it. Nested state has no version on the wire, so it grows by a subsection.</summary>
[VmState("panel-led", Nested = true)]
[Subsection("panel-led/fade", Needed = nameof(IsFading), Absent = nameof(NoFade))]
public sealed partial class PanelLed
{
    [Field] private uint colour;
    [Field(Subsection = "panel-led/fade")] private ushort fade;

    public uint Colour { get => colour; set => colour = value; }

    public ushort Fade { get => fade; set => fade = value; }

    private bool IsFading() => fade != 0;

    private void NoFade() => fade = 0;
}

/// <summary>The buzzer that a board of 1.0 had: its streams still hold it, so it is read and discarded.</summary>
[VmState]
internal sealed partial class Buzzer10
{
    [Field] private ushort frequency;
    [Field] private byte volume;
}
