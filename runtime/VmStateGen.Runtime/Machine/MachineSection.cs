using System;
using VmStateGen.Runtime.Streams;

namespace VmStateGen.Runtime;

/// <summary>What a machine has registered: a device, or state that is moved in rounds. Immutable.</summary>
public sealed class MachineSection
{
    internal MachineSection(uint id, string name, uint instanceId, RegistrationOptions options, (string Name, uint InstanceId)? legacy, IVmState? device, IIterativeHandler? handler)
    {
        Id = id;
        Name = name;
        InstanceId = instanceId;
        Alias = options.Alias;
        Legacy = legacy;
        IsUnplugPending = options.IsUnplugPending;
        Device = device;
        Handler = handler;
    }

    /// <summary>Number of the section in streams of this machine; counts every registration.</summary>
    public uint Id { get; }

    /// <summary>Name in the stream (QEMU's idstr), with the path.</summary>
    public string Name { get; }

    /// <summary>Tells sections of one name apart.</summary>
    public uint InstanceId { get; }

    /// <summary>Another instance that is accepted on load.</summary>
    public uint? Alias { get; }

    /// <summary>Name and instance that streams from before the path have.</summary>
    public (string Name, uint InstanceId)? Legacy { get; }

    /// <summary>The device; <see langword="null"/> where there is a <see cref="Handler"/>.</summary>
    public IVmState? Device { get; }

    /// <summary>The handler; <see langword="null"/> where there is a <see cref="Device"/>.</summary>
    public IIterativeHandler? Handler { get; }

    /// <summary>Whether its device is being unplugged; <see langword="null"/> of one that never is.</summary>
    internal Func<bool>? IsUnplugPending { get; }

    /// <summary>Version that is written, and the newest that is loaded.</summary>
    public uint Version => Handler?.Version ?? (uint)Device!.StateType.Version;

    /// <summary>Place in the stream.</summary>
    public MigrationPriority Priority => Device?.StateType.Priority ?? MigrationPriority.Default;

    /// <summary>What its device cost when it was last saved; nothing before. The migration's thread, or the one that measures.</summary>
    internal Migration.SectionCost? LastCost { get; set; }

    internal SectionHeader Header(SectionKind kind) => new(kind, Id, Name, InstanceId, Version);

    internal bool Is(string name, uint instanceId) => Name == name && (InstanceId == instanceId || Alias == instanceId);

    /// <summary>Only a name that is a part of the full one is an old name of it (qemu-migration.md §1.3).</summary>
    internal bool WasOnce(string name, uint instanceId)
        => Legacy is { } legacy && legacy.Name == name && (legacy.InstanceId == instanceId || Alias == instanceId)
            && Name.Contains(name, StringComparison.Ordinal);

    /// <inheritdoc/>
    public override string ToString() => InstanceId == 0 ? Name : $"{Name}#{InstanceId}";
}
