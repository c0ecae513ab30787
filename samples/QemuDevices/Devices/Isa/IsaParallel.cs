using VmStateGen;

namespace QemuDevices;

/// <summary>A parallel port on the ISA bus: section <c>parallel_isa</c>.</summary>
[VmState("parallel_isa")]
public sealed partial class IsaParallel
{
    [Field("state.dataw")] private byte dataWrite;
    [Field("state.datar")] private byte dataRead;
    [Field("state.status")] private byte status;
    [Field("state.control")] private byte control;
    [Field("state.irq_pending")] private int irqPending;
    [Field("state.epp_timeout")] private int eppTimeout;
}
