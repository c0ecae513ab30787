using System;

namespace VmStateGen.Runtime;

/// <summary>How a section is identified in a stream (qemu-migration.md §2.9).</summary>
public sealed record RegistrationOptions
{
    /// <summary>
    /// Path of the device on its bus, such as <c>0000:00:03.0</c>. The section is then <c>path/name</c>, instance 0. <see langword="null"/> for
    /// a device without a path: the section has the bare name.
    /// </summary>
    public string? Path { get; init; }

    /// <summary>Instance, for a device without a path. Left out: the next free one of its name.</summary>
    public uint? Instance { get; init; }

    /// <summary>Another instance that is accepted on load, as old streams had it (QEMU's alias_id: an ISA device's port).</summary>
    public uint? Alias { get; init; }

    /// <summary>
    /// Bare name that old streams had for a device with a path, accepted on load with an instance counted in order of registration.
    /// Left out: the type's own name.
    /// </summary>
    public string? LegacyName { get; init; }

    /// <summary>
    /// Whether the device is being unplugged and must be gone before the machine moves (QEMU's dev_unplug_pending: the primary of a failover
    /// pair). A source asks after its setup, some times a second, and waits as long as one says so; the section may be unregistered meanwhile.
    /// On the migration's thread.
    /// </summary>
    public Func<bool>? IsUnplugPending { get; init; }
}
