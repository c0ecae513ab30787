using VmStateGen;

namespace QemuDevices;

/// <summary>A mouse with absolute positions, behind VMware's port: section <c>vmmouse</c>.</summary>
[VmState("vmmouse", Version = 0, MinimumVersion = 0)]
public sealed partial class VmMouse
{
    private const int QueueSize = 1024;

    [Field(Expect = Expect.Equal)] private readonly int queueSize = QueueSize;
    [Field(Length = QueueSize)] private readonly uint[] queue = new uint[QueueSize];
    [Field] private ushort nbQueue;
    [Field] private ushort status;
    [Field] private byte absolute;
}
