using System;

namespace VmStateGen;

/// <summary>The instance field is not migrated, and why: configuration, a host handle, derived in <see cref="AfterLoadAttribute"/>.</summary>
/// <param name="why">The reason, for the next reader.</param>
[AttributeUsage(AttributeTargets.Field | AttributeTargets.Property | AttributeTargets.Event)]
public sealed class IgnoreAttribute(string why) : Attribute
{
    /// <summary>The reason.</summary>
    public string Why { get; } = why;
}

/// <summary>
/// The member of nested state that holds its owner; generated code of the owner sets it before saving and loading.
/// </summary>
[AttributeUsage(AttributeTargets.Field | AttributeTargets.Property)]
public sealed class ParentAttribute : Attribute;

/// <summary><c>void M()</c> that runs before the state is saved; never on a running guest. At most one a type.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class BeforeSaveAttribute : Attribute;

/// <summary><c>void M()</c> that runs after the save, whatever its outcome, once BeforeSave succeeded. At most one a type.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class AfterSaveAttribute : Attribute;

/// <summary><c>void M()</c> that runs before the first field is loaded. At most one a type.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class BeforeLoadAttribute : Attribute;

/// <summary>
/// <c>void M()</c> or <c>void M(int version)</c> that runs when all fields and subsections of the state are loaded, before the
/// parent's later fields. It may throw a <see cref="VmStateException"/>: the migration fails, with that reason. At most one a type.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class AfterLoadAttribute : Attribute;

/// <summary>
/// <c>bool M()</c> or <c>bool M(int version)</c>: what must hold, checked on save before anything is written and on load where the
/// fields before it are loaded (QEMU's VALIDATE). Nothing on the wire.
/// </summary>
/// <param name="reason">What does not hold when it returns false.</param>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ValidateAttribute(string reason) : Attribute
{
    /// <summary>What does not hold.</summary>
    public string Reason { get; } = reason;
}

/// <summary>Says on a codec what it puts on the wire, for the schema and for the stream's trailer.</summary>
/// <param name="typeName">The type name in the trailer.</param>
/// <param name="size">Bytes that it writes; with <see cref="IsVariable"/>, the most of them.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct, Inherited = false)]
public sealed class VmStateCodecAttribute(string typeName, int size) : Attribute
{
    /// <summary>The type name in the trailer.</summary>
    public string TypeName { get; } = typeName;

    /// <summary>Bytes that it writes, or the most of them.</summary>
    public int Size { get; } = size;

    /// <summary>It writes fewer bytes for some values.</summary>
    public bool IsVariable { get; set; }

    /// <summary>Bumped when the encoding changes; the compatibility rules compare it.</summary>
    public int Version { get; set; } = 1;
}
