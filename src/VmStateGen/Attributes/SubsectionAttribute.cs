using System;

namespace VmStateGen;

/// <summary>
/// A part of the state that is sent only when it is needed, under a name of its own. On a member of a
/// <see cref="VmStateAttribute"/> type: that member's state is the subsection. On the type: a flat subsection, whose fields
/// stay members of the type and name it with <see cref="FieldAttribute.Subsection"/>.
/// </summary>
/// <remarks>
/// The name starts with the parent's name. On load any order is accepted, <see cref="Needed"/> is not asked, and an absent
/// subsection assigns nothing: give <see cref="Absent"/>, or reset in a <see cref="BeforeLoadAttribute"/> method.
/// Subsections are written in the order of the type's attributes, then of the members (qemu-migration.md §2.6).
/// </remarks>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct | AttributeTargets.Field | AttributeTargets.Property, AllowMultiple = true, Inherited = false)]
public sealed class SubsectionAttribute : Attribute
{
    /// <summary>Nested: a subsection named <c>parent/member_name</c>.</summary>
    public SubsectionAttribute()
    {
    }

    /// <summary>A subsection of that name.</summary>
    public SubsectionAttribute(string name) => Name = name;

    /// <summary>The name on the wire, or <see langword="null"/> for parent/snake_case(member).</summary>
    public string? Name { get; }

    /// <summary>Flat: the version that is saved. A nested one has its type's.</summary>
    public int Version { get; set; } = 1;

    /// <summary>Flat: the oldest version that is still loaded; if it is not set 1, or 0 where Version is 0.</summary>
    public int MinimumVersion { get; set; } = 1;

    /// <summary>Name of a <c>bool M()</c> or <c>bool M(int version)</c> without side effects: write the subsection now?</summary>
    public string? Needed { get; set; }

    /// <summary>
    /// Name of a bool member that a load sets: true if the subsection came, false if not. Without <see cref="Needed"/> the
    /// subsection is written if it is set.
    /// </summary>
    public string? Present { get; set; }

    /// <summary>Name of a <c>void M()</c> that a load calls when the subsection did not come.</summary>
    public string? Absent { get; set; }

    /// <summary>Place among the type's subsections, where it is not written order; then every subsection of the type has one.</summary>
    public int Order { get; set; } = int.MinValue;
}
