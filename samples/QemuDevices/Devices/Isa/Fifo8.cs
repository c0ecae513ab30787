using VmStateGen;

namespace QemuDevices;

/// <summary>A ring of bytes. Its capacity is configuration: not on the wire, the same on both sides.</summary>
[VmState("Fifo8", Nested = true)]
public sealed partial class Fifo8
{
    [Ignore("configuration")] private readonly int capacity;
    [Field(CountFrom = nameof(capacity), Max = 256)] private byte[] data;
    [Field] private uint head;
    [Field] private uint num;

    /// <param name="capacity">Bytes that fit, 1 to 256.</param>
    public Fifo8(int capacity)
    {
        this.capacity = capacity;
        data = new byte[capacity];
    }
}
