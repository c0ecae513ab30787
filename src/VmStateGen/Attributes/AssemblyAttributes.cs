using System;

namespace VmStateGen;

/// <summary>Which old releases' streams this assembly's devices still load, and in which directions the build checks it.</summary>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class VmStateSupportAttribute : Attribute
{
    /// <summary>The oldest release still supported, as SemVer (<c>1.2</c>); <see langword="null"/>: every recorded one.</summary>
    public string? Oldest { get; set; }

    /// <summary>The direction that the build checks.</summary>
    public Compatibility Compatibility { get; set; }
}

/// <summary>Which side may be the newer one.</summary>
public enum Compatibility
{
    /// <summary>New code loads old streams.</summary>
    Backward,

    /// <summary>Old code loads new streams.</summary>
    Forward,

    /// <summary>Both.</summary>
    Full,
}

/// <summary>The schema of one type as baseline text (docs/schema.md); written by the generator, read by tools and by other compilations.</summary>
/// <param name="text">Lines of baseline text, without the header.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct, Inherited = false)]
public sealed class VmStateSchemaAttribute(string text) : Attribute
{
    /// <summary>Lines of baseline text, without the header.</summary>
    public string Text { get; } = text;
}
