using VmStateGen;

namespace QemuDevices;

/// <summary>What CPUs of every architecture have: section <c>cpu_common</c>, one instance each (qemu-migration.md §12).</summary>
[VmState("cpu_common")]
[Subsection("cpu_common/exception_index", Present = nameof(hasExceptionIndex))]
[Subsection("cpu_common/crash_occurred", Present = nameof(hasCrashOccurred))]
public sealed partial class CpuCommon
{
    [Field] private uint halted;
    [Field] private uint interruptRequest;

    [Ignore("whether its subsection came")] private bool hasExceptionIndex;
    [Field(Subsection = "cpu_common/exception_index")] private int exceptionIndex;

    [Ignore("whether its subsection came")] private bool hasCrashOccurred;
    [Field(Subsection = "cpu_common/crash_occurred")] private bool crashOccurred;
}
