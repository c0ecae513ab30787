using System;

namespace VmStateGen;

/// <summary>
/// The member is on the wire, in declaration order. Several on one member are several wire items, in written order
/// (elements or ranges of an array, or use sites of nested state by version).
/// </summary>
[AttributeUsage(AttributeTargets.Field | AttributeTargets.Property, AllowMultiple = true)]
public sealed class FieldAttribute : Attribute
{
    /// <summary>A field whose wire name is the member's name in snake_case, without a leading underscore.</summary>
    public FieldAttribute()
    {
    }

    /// <summary>A field of that wire name.</summary>
    public FieldAttribute(string name) => Name = name;

    /// <summary>The wire name, or <see langword="null"/> for the member's name in snake_case.</summary>
    public string? Name { get; }

    /// <summary>First version of the type whose streams have the field. 0: all.</summary>
    public int Version { get; set; }

    /// <summary>Last version of the type whose streams have the field. -1: all.</summary>
    public int Until { get; set; } = -1;

    /// <summary>
    /// Name of a <c>bool M()</c> or <c>bool M(int version)</c> without side effects that alone decides whether the field is
    /// there, on save and on load (QEMU's <c>field_exists</c>); Version and Until cannot stand beside it.
    /// </summary>
    public string? When { get; set; }

    /// <summary>
    /// Value that a load of a stream without the field assigns. Without it the member keeps its value, and the new field
    /// needs an <see cref="AfterLoadAttribute"/> or <see cref="BeforeLoadAttribute"/> method that sets it.
    /// </summary>
    public object? Default { get; set; }

    /// <summary>The encoding on the wire, where it is not the member's own: wider, narrower, or bytes against numbers.</summary>
    public WireType As { get; set; }

    /// <summary>Number of elements (for <see cref="WireType.Bitmap"/>: bits) on the wire.</summary>
    public int Length { get; set; } = -1;

    /// <summary>Elements of a row of a two-dimensional array, whose rows <see cref="Length"/> counts.</summary>
    public int Columns { get; set; } = -1;

    /// <summary>First element of the range on the wire; needs <see cref="Length"/>.</summary>
    public int Start { get; set; }

    /// <summary>The one element of the array that this wire item is.</summary>
    public int Element { get; set; } = -1;

    /// <summary>
    /// Name of the integer member that holds the number of elements: a field loaded earlier, or configuration. Needs <see cref="Max"/>.
    /// </summary>
    public string? CountFrom { get; set; }

    /// <summary>Most elements (for strings: UTF-8 bytes) that a load accepts; more is an error before anything is allocated.</summary>
    public int Max { get; set; } = -1;

    /// <summary>Nested state is saved and loaded at this version of its type instead of the type's own (QEMU's VSTRUCT).</summary>
    public int StructVersion { get; set; } = -1;

    /// <summary>Version at which list elements and tree values are loaded; must equal the element type's Version.</summary>
    public int ElementVersion { get; set; } = -1;

    /// <summary>
    /// Name of a byte member of a list's element type that stands before the element in place of the 1: any number but 0, for
    /// lists whose marker says more than that an element follows.
    /// </summary>
    public string? Marker { get; set; }

    /// <summary>How null references in an array are marked.</summary>
    public NullMarker NullMarker { get; set; }

    /// <summary>What the incoming value must be, compared with the member's current one.</summary>
    public Expect Expect { get; set; }

    /// <summary>A <see cref="IVmStateCodec{T}"/> that writes and reads the member.</summary>
    public Type? Codec { get; set; }

    /// <summary>A companion type that is on the wire in the member's place (QEMU's WITH_TMP).</summary>
    public Type? Via { get; set; }

    /// <summary>The flat subsection that the field belongs to: the name of a <see cref="SubsectionAttribute"/> of the type.</summary>
    public string? Subsection { get; set; }

    /// <summary>
    /// Place on the wire, where it is not declaration order; then every item of the type has one. Required where a type's
    /// state is spread over several partial declarations.
    /// </summary>
    public int Order { get; set; } = int.MinValue;

    /// <summary>
    /// The type name that the stream's trailer gives the field, where it is not the natural one (<c>CPU_Double_U</c>,
    /// <c>pci config</c>); it has no effect on the bytes. State, a list or a tree with one is a single field to the trailer.
    /// </summary>
    public string? TypeName { get; set; }

    /// <summary>The wire name in older releases, so that tools follow a rename.</summary>
    public string? FormerName { get; set; }
}
