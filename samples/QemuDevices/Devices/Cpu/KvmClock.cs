using VmStateGen;

namespace QemuDevices;

/// <summary>The paravirtual clock of KVM: section <c>kvmclock</c>.</summary>
[VmState("kvmclock")]
[Subsection("kvmclock/clock_is_reliable", Present = nameof(hasReliability))]
public sealed partial class KvmClock
{
    [Field] private ulong clock;

    [Ignore("whether its subsection came")] private bool hasReliability;
    [Field(Subsection = "kvmclock/clock_is_reliable")] private bool clockIsReliable;
}
