using System;

namespace VmStateGen.Runtime.Ram;

/// <summary>Who writes a block's memory. A migration of a block with a writer that no tracker sees would lose what it writes, and is refused.</summary>
[Flags]
public enum RamWriters
{
    /// <summary>Nobody.</summary>
    None = 0,

    /// <summary><see cref="GuestMemory"/>, and whoever tells it afterwards (<see cref="GuestMemory.MarkDirty(RamBlock, long, long)"/>).</summary>
    Runtime = 1 << 0,

    /// <summary>This process, at <see cref="RamBlock.HostAddress"/>: native code, system calls, an interpreter.</summary>
    Process = 1 << 1,

    /// <summary>vCPUs of a KVM machine that has the block in its slots.</summary>
    Kvm = 1 << 2,

    /// <summary>Other mappings of the block's file, in this process or another, and write(2) to it: a device that runs beside (vhost-user).</summary>
    OtherMappings = 1 << 3,

    /// <summary>Hardware, into pages that are pinned: VFIO, RDMA.</summary>
    Hardware = 1 << 4,
}
