using System.Collections.Generic;

namespace VmStateGen.Schema;

/// <summary>The schemas of several types, found by key. Not thread-safe while it is filled.</summary>
public sealed class SchemaSet
{
    private readonly Dictionary<string, StateSchema> states = new();
    private readonly Dictionary<string, EnumSchema> enums = new();
    private readonly Dictionary<string, RemovedSectionSchema> removedSections = new();

    /// <summary>A set without types.</summary>
    public SchemaSet()
    {
    }

    /// <summary>A set of these types; of two with one key the first stays.</summary>
    public SchemaSet(IEnumerable<StateSchema> states)
    {
        foreach (StateSchema state in states)
            Add(state);
    }

    /// <summary>All states, in the order in which they were added.</summary>
    public IEnumerable<StateSchema> States => states.Values;

    /// <summary>All enums, in the order in which they were added.</summary>
    public IEnumerable<EnumSchema> Enums => enums.Values;

    /// <summary>Sections that are only read, and thrown away, in the order in which they were added.</summary>
    public IEnumerable<RemovedSectionSchema> RemovedSections => removedSections.Values;

    /// <summary>What reads a removed section of that name on the wire, or null.</summary>
    public RemovedSectionSchema? FindRemovedSection(string name) =>
        removedSections.TryGetValue(name, out RemovedSectionSchema? found) ? found : null;

    /// <summary>The state of that key, or null.</summary>
    public StateSchema? Find(string key) => states.TryGetValue(key, out StateSchema? state) ? state : null;

    /// <summary>The enum of that key, or null.</summary>
    public EnumSchema? FindEnum(string key) => enums.TryGetValue(key, out EnumSchema? found) ? found : null;

    /// <summary>Adds a state.</summary>
    /// <returns>False if its key is there already.</returns>
    public bool Add(StateSchema state)
    {
        if (states.ContainsKey(state.Key))
            return false;
        states.Add(state.Key, state);
        return true;
    }

    /// <summary>Adds an enum.</summary>
    /// <returns>False if its key is there already.</returns>
    public bool Add(EnumSchema value)
    {
        if (enums.ContainsKey(value.Key))
            return false;
        enums.Add(value.Key, value);
        return true;
    }

    /// <summary>Adds a removed section.</summary>
    /// <returns>False if its name is there already.</returns>
    public bool Add(RemovedSectionSchema removed)
    {
        if (removedSections.ContainsKey(removed.Name))
            return false;
        removedSections.Add(removed.Name, removed);
        return true;
    }
}
