using VmStateGen;

namespace QemuDevices;

/// <summary>Address line 20 and reset: section <c>port92</c>.</summary>
[VmState("port92")]
public sealed partial class Port92
{
    [Field] private byte outport;
}
