using VmStateGen;

namespace QemuDevices;

/// <summary>A USB mouse or tablet: section <c>usb-ptr</c>.</summary>
[VmState("usb-ptr")]
public sealed partial class UsbPointer
{
    [Field] private readonly UsbDevice dev = new();
    [Field] private readonly HidPointer hid = new();
}

/// <summary>A USB keyboard: section <c>usb-kbd</c>.</summary>
[VmState("usb-kbd")]
public sealed partial class UsbKeyboard
{
    [Field] private readonly UsbDevice dev = new();
    [Field] private readonly HidKeyboard hid = new();
}

/// <summary>Movements and clicks that the guest has not fetched yet.</summary>
[VmState("HIDPointerDevice", Nested = true)]
public sealed partial class HidPointer
{
    private const int QueueLength = 16;

    [Field("ptr.queue", Length = QueueLength)] private readonly HidPointerEvent[] queue = new HidPointerEvent[QueueLength];
    [Field] private uint head;
    [Field] private uint n;
    [Field] private int protocol;
    [Field] private byte idle;
}

/// <summary>One movement.</summary>
[VmState("HIDPointerEventQueue", Nested = true)]
public partial struct HidPointerEvent
{
    [Field] private int xdx;
    [Field] private int ydy;
    [Field] private int dz;
    [Field] private int buttonsState;
}

/// <summary>Keys that are down, and key codes that the guest has not fetched yet.</summary>
[VmState("HIDKeyboardDevice", Nested = true)]
public sealed partial class HidKeyboard
{
    private const int QueueLength = 16;

    [Field("kbd.keycodes", Length = QueueLength)] private readonly uint[] keycodes = new uint[QueueLength];
    [Field] private uint head;
    [Field] private uint n;
    [Field("kbd.modifiers")] private ushort modifiers;
    [Field("kbd.leds")] private byte leds;
    [Field("kbd.key", Length = 16, As = WireType.U8)] private readonly byte[] key = new byte[16];
    [Field("kbd.keys")] private int keys;
    [Field] private int protocol;
    [Field] private byte idle;
}
