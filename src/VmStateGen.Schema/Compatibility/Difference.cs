using System.Collections.Generic;

namespace VmStateGen.Schema;

/// <summary>A finding on its way from where it was made to the section that it is in.</summary>
/// <param name="Finding">What will be reported.</param>
/// <param name="IsLayout">It is about bytes: where the bytes of a larger part are equal after all, it was a move and nothing else.</param>
/// <param name="Trail">Names from the state at hand down to the item.</param>
internal sealed record Difference(Finding Finding, bool IsLayout, string Trail)
{
    /// <summary>Seen from the state that has it inside.</summary>
    public Difference Inside(string name) => this with { Trail = Trail.Length == 0 ? name : name + "/" + Trail };
}

/// <summary>A list of fields that is compared: a state's own, or those of a flat subsection.</summary>
internal sealed class WireBody
{
    public WireBody(SchemaSet set, StateSchema state, SubsectionSchema? flat = null)
    {
        Set = set;
        State = state;
        Flat = flat?.Name;
        Version = flat?.Version ?? state.Version;
        MinimumVersion = flat?.MinimumVersion ?? state.MinimumVersion;
        Items = new List<WireItem>(state.Items(Flat));
    }

    public SchemaSet Set { get; }

    public StateSchema State { get; }

    /// <summary>The flat subsection's name, or null.</summary>
    public string? Flat { get; }

    /// <summary>The version that is saved.</summary>
    public int Version { get; }

    public int MinimumVersion { get; }

    public IReadOnlyList<WireItem> Items { get; }
}

/// <summary>How a body's version comes to the one who reads it.</summary>
internal enum VersionSource
{
    /// <summary>On the wire: a section or a subsection.</summary>
    Stream,

    /// <summary>Each side takes its own: nested state.</summary>
    Local,
}
