using System;

namespace VmStateGen;

/// <summary>
/// The type's state is saved and loaded by generated code. With a name it is a section, to be registered with a machine;
/// without one, or with <see cref="Nested"/>, it is part of other state: a member of this type, or a subsection. The type must
/// be partial, and every instance field must be <see cref="FieldAttribute"/>, <see cref="SubsectionAttribute"/> or
/// <see cref="IgnoreAttribute"/>.
/// </summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct, Inherited = false)]
public sealed class VmStateAttribute : Attribute
{
    /// <summary>Nested state, known to the stream's trailer by the type's name in snake_case.</summary>
    public VmStateAttribute()
    {
    }

    /// <summary>A section of that name (QEMU's <c>vmsd</c> name), 1 to 255 bytes of UTF-8.</summary>
    public VmStateAttribute(string name) => Name = name;

    /// <summary>The wire name, or <see langword="null"/> for the type's name in snake_case.</summary>
    public string? Name { get; }

    /// <summary>The type has a name of its own, but is only ever part of other state: not a section.</summary>
    public bool Nested { get; set; }

    /// <summary>The version that is saved, 0 or more.</summary>
    public int Version { get; set; } = 1;

    /// <summary>
    /// The oldest version that is still loaded, 0 to <see cref="Version"/>. If it is not set: 1, or 0 where Version is 0; so a
    /// bump of Version alone never drops an old stream.
    /// </summary>
    public int MinimumVersion { get; set; } = 1;

    /// <summary>Sections of a higher priority are saved and loaded first (qemu-migration.md §2.8).</summary>
    public MigrationPriority Priority { get; set; }

    /// <summary>
    /// Name of a method <c>bool M()</c>: whether the section is sent at all. A subsection states its own with
    /// <see cref="SubsectionAttribute.Needed"/>.
    /// </summary>
    public string? Needed { get; set; }

    /// <summary>The section is sent in the setup phase, while the guest still runs (QEMU's <c>early_setup</c>).</summary>
    public bool EarlySetup { get; set; }

    /// <summary>A machine with such a device cannot be migrated; says so instead of losing its state.</summary>
    public bool Unmigratable { get; set; }
}

/// <summary>Order of sections in a stream: higher first, registration order within one priority (qemu-migration.md §2.8).</summary>
public enum MigrationPriority
{
    /// <summary>After everything else (QEMU 10.2).</summary>
    Low = -1,

    /// <summary>Where nothing is said.</summary>
    Default = 0,

    /// <summary>An IOMMU, before the devices behind it.</summary>
    Iommu = 1,

    /// <summary>A PCI bus, before its devices.</summary>
    PciBus = 2,

    /// <summary>virtio-mem, before whatever depends on its plugged blocks.</summary>
    VirtioMem = 3,

    /// <summary>A local APIC (QEMU 10.2).</summary>
    Apic = 4,

    /// <summary>A GICv3 interrupt translation service.</summary>
    GicV3Its = 5,

    /// <summary>A GICv3, before its translation service.</summary>
    GicV3 = 6,
}
