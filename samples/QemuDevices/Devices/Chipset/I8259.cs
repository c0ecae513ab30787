using VmStateGen;

namespace QemuDevices;

/// <summary>One of the two interrupt controllers of a PC: sections <c>i8259</c>, instance 0 and 1.</summary>
[VmState("i8259")]
public sealed partial class I8259
{
    [Field] private byte lastIrr;
    [Field] private byte irr;
    [Field] private byte imr;
    [Field] private byte isr;
    [Field] private byte priorityAdd;
    [Field] private byte irqBase;
    [Field] private byte readRegSelect;
    [Field] private byte poll;
    [Field] private byte specialMask;
    [Field] private byte initState;
    [Field] private byte autoEoi;
    [Field] private byte rotateOnAutoEoi;
    [Field] private byte specialFullyNestedMode;
    [Field] private byte init4;
    [Field] private byte singleMode;
    [Field] private byte elcr;
}
