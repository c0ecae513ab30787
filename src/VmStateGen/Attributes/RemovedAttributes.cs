using System;
using System.Diagnostics.CodeAnalysis;

namespace VmStateGen;

/// <summary>
/// Padding where a field used to be: zeros out, ignored in. It stands before the wire item of the member that carries it;
/// several in written order; on the type with <see cref="AtEnd"/>, after the last field.
/// </summary>
/// <param name="name">What stood there; for people and tools, the trailer says <c>unused</c>.</param>
/// <param name="size">Bytes (with <see cref="CountFrom"/>: bytes an element), 1 or more.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct | AttributeTargets.Field | AttributeTargets.Property, AllowMultiple = true, Inherited = false)]
public sealed class RemovedAttribute(string name, int size) : Attribute
{
    /// <summary>What stood there.</summary>
    public string Name { get; } = name;

    /// <summary>Bytes, or bytes an element.</summary>
    public int Size { get; } = size;

    /// <summary>First version of the type whose streams have the padding.</summary>
    public int Version { get; set; }

    /// <summary>Last version of the type whose streams have the padding. -1: all.</summary>
    public int Until { get; set; } = -1;

    /// <summary>Name of a predicate that alone decides whether the padding is there.</summary>
    public string? When { get; set; }

    /// <summary>Name of the integer member that holds the number of elements.</summary>
    public string? CountFrom { get; set; }

    /// <summary>Most elements that a load accepts.</summary>
    public int Max { get; set; } = -1;

    /// <summary>On a type: the padding follows the last field.</summary>
    public bool AtEnd { get; set; }

    /// <summary>The flat subsection that the padding belongs to.</summary>
    public string? Subsection { get; set; }

    /// <summary>Place on the wire, as <see cref="FieldAttribute.Order"/>.</summary>
    public int Order { get; set; } = int.MinValue;
}

/// <summary>A subsection that older releases sent: it is read into a throw-away object and never written.</summary>
/// <param name="name">Its name on the wire.</param>
/// <param name="type">The frozen type that reads it.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct, AllowMultiple = true, Inherited = false)]
public sealed class RemovedSubsectionAttribute(string name, Type type) : Attribute
{
    /// <summary>Its name on the wire.</summary>
    public string Name { get; } = name;

    /// <summary>The frozen type that reads it.</summary>
    public Type Type { get; } = type;
}

/// <summary>A section that older releases sent: it is read into a throw-away object and never written.</summary>
/// <param name="name">Its name on the wire.</param>
/// <param name="type">The frozen type that reads it.</param>
[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
public sealed class RemovedSectionAttribute(
    string name,
    [DynamicallyAccessedMembers(RemovedSectionAttribute.Created)] Type type) : Attribute
{
    // A machine makes an object of the type: a trimmer must leave it its constructor.
    private const DynamicallyAccessedMemberTypes Created =
        DynamicallyAccessedMemberTypes.PublicParameterlessConstructor | DynamicallyAccessedMemberTypes.NonPublicConstructors;

    /// <summary>Its name on the wire.</summary>
    public string Name { get; } = name;

    /// <summary>The frozen type that reads it.</summary>
    [DynamicallyAccessedMembers(Created)]
    public Type Type { get; } = type;
}
