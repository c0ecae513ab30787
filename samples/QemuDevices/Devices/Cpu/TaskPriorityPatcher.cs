using VmStateGen;

namespace QemuDevices;

/// <summary>
/// QEMU's way to spare a 32-bit guest its slow accesses to the task priority register, with the help of an option ROM: section
/// <c>kvm-tpr-opt</c>, without KVM too.
/// </summary>
[VmState("kvm-tpr-opt")]
public sealed partial class TaskPriorityPatcher
{
    [Field] private readonly TaskPriorityRom romState = new();
    [Field] private uint state;
    [Field] private uint realTprAddr;
    [Field] private uint romStateVaddr;
    [Field] private uint vapicPaddr;
    [Field] private uint romStatePaddr;
}

/// <summary>What the option ROM holds.</summary>
[VmState("kvmvapic-guest-rom", Nested = true)]
public sealed partial class TaskPriorityRom
{
    [Removed("unused", 8)]
    [Field] private uint vaddr;
    [Field] private uint fixupStart;
    [Field] private uint fixupEnd;
    [Field] private uint vapicVaddr;
    [Field] private uint vapicSize;
    [Field] private uint vcpuShift;
    [Field] private uint realTprAddr;
    [Field] private readonly TaskPriorityHandlers up = new();
    [Field] private readonly TaskPriorityHandlers mp = new();
}

/// <summary>Where its routines are, for one processor or for several.</summary>
[VmState("kvmvapic-handlers", Nested = true)]
public sealed partial class TaskPriorityHandlers
{
    [Field] private uint setTpr;
    [Field] private uint setTprEax;
    [Field(Length = 8)] private readonly uint[] getTpr = new uint[8];
    [Field] private uint getTprStack;
}
