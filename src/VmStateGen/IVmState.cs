using System;

namespace VmStateGen;

/// <summary>
/// What the runtime knows of a device: its state can be saved, loaded and described. Generated for every
/// <see cref="VmStateAttribute"/> type; nobody writes it by hand.
/// </summary>
/// <remarks>
/// Not thread-safe; called while the guest is stopped. Nothing here allocates once arrays and nested objects exist, reflects
/// or boxes. <c>version</c> is the version of the type that is written or read: the type's own for a section, a subsection
/// and plain nested state, the n of <see cref="FieldAttribute.StructVersion"/> where that is given.
/// </remarks>
public interface IVmState
{
    /// <summary>Name, versions and size of the type's state; the same object for every instance.</summary>
    VmStateType StateType { get; }

    /// <summary>The type's schema as UTF-8 baseline text (docs/schema.md), without the header line.</summary>
    ReadOnlySpan<byte> Schema { get; }

    /// <summary>Whether the section is to be sent now (<see cref="VmStateAttribute.Needed"/>); true where nothing is said.</summary>
    bool IsNeeded { get; }

    /// <summary>Writes the state as its <paramref name="version"/> has it: fields, then subsections.</summary>
    /// <exception cref="VmStateException">The state cannot be encoded, or <paramref name="version"/> is not one that the type knows.</exception>
    void Save(ref VmStateWriter writer, int version);

    /// <summary>Reads the state into this object, whose arrays and nested objects are reused. After a failure the object is undefined.</summary>
    /// <exception cref="VmStateException">The bytes are not such a state: names field, offset, expected and found.</exception>
    void Load(ref VmStateReader reader, int version);

    /// <summary>
    /// Describes what <see cref="Save"/> would write now, for the stream's trailer: <c>fields</c> and <c>subsections</c> of one object.
    /// The saving hooks run around it as around a save.
    /// </summary>
    void Describe(ref VmDescriptionWriter writer, int version);
}

/// <summary>The unchanging facts of a <see cref="VmStateAttribute"/> type.</summary>
public sealed class VmStateType
{
    /// <summary>For generated code.</summary>
    public VmStateType(string name, int version, int minimumVersion, long maxSize)
    {
        Name = name;
        Version = version;
        MinimumVersion = minimumVersion;
        MaxSize = maxSize;
    }

    /// <summary>The wire name: QEMU's vmsd name, without a device path.</summary>
    public string Name { get; }

    /// <summary>The version that is saved.</summary>
    public int Version { get; }

    /// <summary>The oldest version that is loaded.</summary>
    public int MinimumVersion { get; }

    /// <summary>Most bytes that a save at <see cref="Version"/> writes, all subsections included; <see cref="long.MaxValue"/> if there is no bound.</summary>
    public long MaxSize { get; }

    /// <summary>A section, not only part of other state.</summary>
    public bool IsSection { get; init; }

    /// <summary>Place among the sections of a stream.</summary>
    public MigrationPriority Priority { get; init; }

    /// <summary>Sent in the setup phase.</summary>
    public bool EarlySetup { get; init; }

    /// <summary>Blocks migration.</summary>
    public bool Unmigratable { get; init; }

    /// <summary>Has fields that are file descriptors, itself or in what it nests: they go over a unix: channel only.</summary>
    public bool PassesDescriptors { get; init; }
}
