using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Linq;
using System.Reflection;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime;

/// <content>What is registered, and under which name a stream knows it (qemu-migration.md §1.3, §2.8, §2.9).</content>
public sealed partial class Machine
{
    private readonly List<MachineSection> sections = [];
    private readonly Dictionary<string, Func<IVmState>> removed = new(StringComparer.Ordinal);

    // Not 0: to a QEMU that loads, 0 is the id of every section that has not come yet, and it would take RAM's pages for the first of them
    // (qemu-migration.md §1.3).
    private uint nextId = 1;

    /// <summary>All sections in order of registration. A snapshot.</summary>
    public IReadOnlyList<MachineSection> Sections
    {
        get
        {
            lock (gate)
                return [.. sections];
        }
    }

    /// <summary>All sections in the order of the stream: higher priority first, then order of registration. A snapshot.</summary>
    public IReadOnlyList<MachineSection> SaveOrder
    {
        get
        {
            var order = new List<MachineSection>(Sections);
            order.Sort(static (a, b) => a.Priority != b.Priority ? b.Priority.CompareTo(a.Priority) : a.Id.CompareTo(b.Id));
            return order;
        }
    }

    /// <summary>Whether a stream of this machine, or one that it reads, may bring file descriptors.</summary>
    internal bool PassesDescriptors
    {
        get
        {
            lock (gate)
            {
                return sections.Exists(static section => section.Device?.StateType.PassesDescriptors == true)
                    || removed.Values.Any(static create => create().StateType.PassesDescriptors);
            }
        }
    }

    /// <summary>A section whose device is still to be unplugged; <see langword="null"/> if none is.</summary>
    internal MachineSection? Unplugging
    {
        get
        {
            foreach (var section in Sections)
            {
                if (section.IsUnplugPending?.Invoke() == true)
                    return section;
            }
            return null;
        }
    }

    /// <summary>Registers a device.</summary>
    /// <param name="device">An object of a section's type, for as long as the machine lives or it is unregistered.</param>
    /// <param name="options">Nothing: a device without a path, the next instance of its name.</param>
    /// <exception cref="ArgumentException">The type is no section, a name does not fit, or the identity is another's.</exception>
    /// <exception cref="InvalidOperationException">The machine is being migrated.</exception>
    public MachineSection Register(IVmState device, RegistrationOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (!device.StateType.IsSection)
            throw new ArgumentException($"{device.StateType.Name} is part of other state, not a section of its own.", nameof(device));
        return Register(device.StateType.Name, device, null, options);
    }

    /// <summary>Registers state that is moved in rounds.</summary>
    /// <param name="name">Name of its section, without path.</param>
    /// <param name="handler">What moves it.</param>
    /// <param name="options">Nothing: no path, the next instance of its name.</param>
    /// <exception cref="ArgumentException">A name does not fit, or the identity is another's.</exception>
    /// <exception cref="InvalidOperationException">The machine is being migrated.</exception>
    public MachineSection Register(string name, IIterativeHandler handler, RegistrationOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return Register(name, null, handler, options);
    }

    /// <summary>Takes a section out, as when its device is unplugged. Its id is not used again.</summary>
    /// <exception cref="InvalidOperationException">
    /// The machine is being migrated, and the section was not registered with <see cref="RegistrationOptions.IsUnplugPending"/>.
    /// </exception>
    public void Unregister(MachineSection section)
    {
        ArgumentNullException.ThrowIfNull(section);
        lock (gate)
        {
            if (section.IsUnplugPending is null)
                ThrowIfMigrating();
            if (!sections.Remove(section))
                throw new ArgumentException($"{section} is not registered here.", nameof(section));
        }
    }

    /// <summary>
    /// Has sections that older releases sent read and thrown away: those that <see cref="RemovedSectionAttribute"/>s of an assembly name.
    /// </summary>
    public void AcceptRemovedSections(Assembly assembly)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        foreach (var attribute in assembly.GetCustomAttributes<RemovedSectionAttribute>())
            AcceptRemovedSection(attribute.Name, Factory(attribute));
    }

    /// <summary>Has a section that older releases sent read and thrown away.</summary>
    /// <param name="name">Its name in the stream, without path.</param>
    /// <param name="create">Makes the object that reads it.</param>
    public void AcceptRemovedSection(string name, Func<IVmState> create)
    {
        WireName.Check(name, nameof(name));
        ArgumentNullException.ThrowIfNull(create);
        lock (gate)
        {
            ThrowIfMigrating();
            removed[name] = create;
        }
    }

    /// <summary>What a stream means by a name and an instance; <see langword="null"/> if there is nothing of the kind.</summary>
    internal MachineSection? Find(string name, uint instanceId)
    {
        var all = Sections;
        foreach (var section in all)
        {
            if (section.Is(name, instanceId))
                return section;
        }
        foreach (var section in all)
        {
            if (section.WasOnce(name, instanceId))
                return section;
        }
        return null;
    }

    /// <summary>The object that reads a section which nobody has any more; <see langword="null"/> if the machine never had it.</summary>
    internal IVmState? CreateRemoved(string name)
    {
        lock (gate)
        {
            if (removed.TryGetValue(name, out var create))
                return create();

            // With the path that the device had.
            foreach (var (bare, make) in removed)
            {
                if (name.EndsWith("/" + bare, StringComparison.Ordinal))
                    return make();
            }
            return null;
        }
    }

    private static Func<IVmState> Factory(RemovedSectionAttribute attribute)
        => () => Create(attribute.Type) as IVmState
            ?? throw new InvalidOperationException($"{attribute.Type}, which is to read the removed section {attribute.Name}, is no [VmState] type with a constructor without parameters.");

    private static object? Create(
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicParameterlessConstructor | DynamicallyAccessedMemberTypes.NonPublicConstructors)] Type type)
        => Activator.CreateInstance(type, nonPublic: true);

    private MachineSection Register(string name, IVmState? device, IIterativeHandler? handler, RegistrationOptions? options)
    {
        WireName.Check(name, nameof(name));
        options ??= new RegistrationOptions();
        var full = string.IsNullOrEmpty(options.Path) ? name : $"{options.Path}/{name}";
        WireName.Check(full, nameof(options));
        var hasPath = full != name;
        if (hasPath && options.Instance is not (null or 0))
            throw new ArgumentException($"{full}: a section with a path has instance 0.", nameof(options));
        lock (gate)
        {
            ThrowIfMigrating();
            var instance = options.Instance ?? (hasPath ? 0 : NextInstance(name, static section => (section.Name, section.InstanceId)));
            (string, uint)? legacy = null;
            if (hasPath)
            {
                var bare = options.LegacyName ?? name;
                legacy = (bare, NextInstance(bare, static section => section.Legacy ?? default));
            }
            foreach (var other in sections)
            {
                // An alias of one must not be the instance of another: which of them a stream means would depend on their order.
                if (other.Is(full, instance) || options.Alias is { } alias && other.Is(full, alias))
                    throw new ArgumentException($"{full}, instance {instance}, is registered already{(other.Alias is null && options.Alias is null ? "" : " (or its alias is)")}.", nameof(options));
            }
            var section = new MachineSection(nextId++, full, instance, options, legacy, device, handler);
            sections.Add(section);
            return section;
        }
    }

    /// <summary>One past the highest that is in use, 0 if none is.</summary>
    private uint NextInstance(string name, Func<MachineSection, (string? Name, uint InstanceId)> identity)
    {
        var next = 0u;
        foreach (var section in sections)
        {
            if (identity(section) is var (used, instance) && used == name)
                next = Math.Max(next, instance + 1);
        }
        return next;
    }
}
