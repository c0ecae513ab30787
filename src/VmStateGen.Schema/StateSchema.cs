namespace VmStateGen.Schema;

/// <summary>What one type puts on the wire: the lines of a baseline that begin with its key.</summary>
public sealed record StateSchema
{
    /// <summary>CLR metadata name, <c>Acme.Outer+E1000</c>. Wire names are no key: QEMU has an <c>fdc</c> structure inside an <c>fdc</c> section.</summary>
    public required string Key { get; init; }

    /// <summary>QEMU's vmsd name.</summary>
    public required string Name { get; init; }

    /// <summary>A section of its own; otherwise only part of other state.</summary>
    public bool IsSection { get; init; }

    /// <summary>The version that is saved.</summary>
    public int Version { get; init; } = 1;

    /// <summary>The oldest version that is loaded.</summary>
    public int MinimumVersion { get; init; } = 1;

    /// <summary>Priority among sections: a name of MigrationPriority in lower case with dashes.</summary>
    public string Priority { get; init; } = "default";

    /// <summary>The section's predicate, by name.</summary>
    public string? Needed { get; init; }

    /// <summary>Sent in the setup phase.</summary>
    public bool EarlySetup { get; init; }

    /// <summary>Blocks migration.</summary>
    public bool Unmigratable { get; init; }

    /// <summary>Hooks that the type has: <c>before-save</c>, <c>after-save</c>, <c>before-load</c>, <c>after-load</c>, in that order.</summary>
    public EquatableArray<string> Hooks { get; init; }

    /// <summary>Fields and padding in wire order, those of flat subsections among them.</summary>
    public EquatableArray<WireItem> Items { get; init; }

    /// <summary>Subsections in the order in which they are written.</summary>
    public EquatableArray<SubsectionSchema> Subsections { get; init; }

    /// <summary>Subsections that are only read, and thrown away.</summary>
    public EquatableArray<RemovedSubsectionSchema> RemovedSubsections { get; init; }
}

/// <summary>A part of a state that is sent when it is needed.</summary>
public sealed record SubsectionSchema
{
    /// <summary>Its name on the wire.</summary>
    public required string Name { get; init; }

    /// <summary>Key of the type whose state it is; null for a flat one, whose items stand in the parent.</summary>
    public string? Type { get; init; }

    /// <summary>The version that is saved.</summary>
    public int Version { get; init; } = 1;

    /// <summary>The oldest version that is loaded.</summary>
    public int MinimumVersion { get; init; } = 1;

    /// <summary>The predicate, by name.</summary>
    public string? Needed { get; init; }

    /// <summary>The member that keeps whether it came, by wire-independent name.</summary>
    public string? Present { get; init; }

    /// <summary>Without <see cref="Needed"/> and <see cref="Present"/>: written if and only if the member is not null. Otherwise it always is.</summary>
    public bool IsNullable { get; init; }
}

/// <summary>A subsection that older releases sent.</summary>
public sealed record RemovedSubsectionSchema(string Name, string Type);

/// <summary>A section that older releases sent: <c>[assembly: RemovedSection]</c>.</summary>
/// <param name="Name">Its name on the wire.</param>
/// <param name="Type">Key of the frozen type that reads it.</param>
public sealed record RemovedSectionSchema(string Name, string Type);

/// <summary>An enum that a field is of.</summary>
public sealed record EnumSchema(string Key, ScalarKind Underlying, EquatableArray<EnumMember> Members);

/// <summary>A named value of an enum; as text, since it may need all of 64 bits with or without sign.</summary>
public sealed record EnumMember(string Name, string Value);
