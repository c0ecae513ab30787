using System.Collections.Generic;

namespace VmStateGen.Tool.Scaffolding;

/// <summary>What a class has to say of one state: a section, nested state or a subsection.</summary>
/// <param name="Name">The vmsd's name.</param>
/// <param name="Version">The version that was written.</param>
/// <param name="Items">Wire items in order.</param>
/// <param name="Subsections">Subsections that were sent, by any of its instances, in order.</param>
internal sealed record StateShape(string Name, long Version, IReadOnlyList<ItemShape> Items, IReadOnlyList<StateShape> Subsections);

/// <summary>How an item is written.</summary>
internal enum ItemKind
{
    /// <summary>A number, a truth value or a timer, or an array of them.</summary>
    Scalar,

    /// <summary>Bytes that nothing here understands, or that are meant to be bytes.</summary>
    Bytes,

    /// <summary>Nested state, or an array of it.</summary>
    State,

    /// <summary>Zeros where something used to be.</summary>
    Padding,
}

/// <summary>One wire item.</summary>
/// <param name="Name">Its name in the trailer.</param>
/// <param name="Kind">How it is written.</param>
internal sealed record ItemShape(string Name, ItemKind Kind)
{
    /// <summary>C# type of a scalar: <c>uint</c>.</summary>
    public string Type { get; init; } = "";

    /// <summary>The trailer's type name, where it is not the type's natural one.</summary>
    public string? TypeName { get; init; }

    /// <summary>Elements of an array, bytes of a buffer or padding; null for a single value.</summary>
    public long? Length { get; init; }

    /// <summary>The nested state.</summary>
    public StateShape? State { get; init; }

    /// <summary>Nested state at a version that its use site fixes (QEMU's vstruct).</summary>
    public bool IsVersioned { get; init; }

    /// <summary>The trailer has the array element by element, as QEMU does where a predicate decides over it.</summary>
    public bool IsConditional { get; init; }

    /// <summary>Some instances lack it: by what they can be told apart.</summary>
    public FieldCondition? Condition { get; init; }

    /// <summary>An incoming value is compared with the member's: <c>Equal</c> or <c>NotAbove</c>.</summary>
    public string? Expect { get; init; }

    /// <summary>What the member must hold for that before the load.</summary>
    public string? Initial { get; init; }

    /// <summary>What the annotations cannot say of it.</summary>
    public string? Remark { get; init; }

    /// <summary>The trailer that the class describes differs from the stream's in this item.</summary>
    public bool DiffersInTrailer { get; init; }
}
