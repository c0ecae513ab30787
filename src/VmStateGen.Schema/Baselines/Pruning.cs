using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Schema;

/// <summary>Something that no supported release needs.</summary>
/// <param name="Type">Key of the type that has it; null: a file.</param>
/// <param name="Subject">The item, subsection, property or file.</param>
/// <param name="Reason">Why it can go, and what becomes of it.</param>
public sealed record Deletable(string? Type, string Subject, string Reason);

/// <summary>Finds what the support window has left behind.</summary>
public static class Pruning
{
    /// <summary>Files below the window, and what of the code only they need.</summary>
    public static IReadOnlyList<Deletable> Find(BaselineSet files, SchemaSet current, string? oldest)
    {
        var found = files.Files().Where(file => !BaselineSet.IsSupported(file, oldest) && file != files.Shipped)
            .Select(file => new Deletable(null, file.Name, $"release {BaselineSet.Release(file)} is below {oldest}")).ToList();
        IReadOnlyList<Baseline> supported = files.Supported(oldest);
        if (supported.Count == 0)
            return found;
        foreach (StateSchema state in current.States)
            State(state, supported, found);
        foreach (RemovedSectionSchema removed in current.RemovedSections
            .Where(removed => !supported.Any(baseline => baseline.Schemas.States.Any(state => state.IsSection && state.Name == removed.Name))))
        {
            found.Add(new Deletable(removed.Type, $"section \"{removed.Name}\"", "no supported release writes it"));
        }
        return found;
    }

    private static void State(StateSchema state, IReadOnlyList<Baseline> supported, List<Deletable> found)
    {
        List<StateSchema> before = supported
            .Select(baseline => baseline.Schemas.Find(state.Key) ?? (state.IsSection ? baseline.Schemas.States.FirstOrDefault(other => other.IsSection && other.Name == state.Name) : null))
            .Where(other => other is not null).Select(other => other!).ToList();
        if (before.Count == 0)
            return;
        bool isOnWire = state.IsSection || supported.Any(baseline => baseline.Schemas.States.Any(parent => parent.Subsections.Any(subsection => subsection.Type == state.Key)));
        if (isOnWire)
            Versions(state, null, state.MinimumVersion, before.Min(other => other.Version), found);
        foreach (SubsectionSchema subsection in state.Subsections.Where(subsection => subsection.Type is null))
        {
            int[] written = before.SelectMany(other => other.Subsections).Where(other => other.Name == subsection.Name).Select(other => other.Version).ToArray();
            if (written.Length > 0)
                Versions(state, subsection.Name, subsection.MinimumVersion, written.Min(), found);
        }
        foreach (RemovedSubsectionSchema removed in state.RemovedSubsections
            .Where(removed => !before.Any(other => other.Subsections.Any(subsection => subsection.Name == removed.Name))))
        {
            found.Add(new Deletable(state.Key, $"subsection \"{removed.Name}\"", "no supported release writes it"));
        }
    }

    private static void Versions(StateSchema state, string? subsection, int minimum, int oldestWritten, List<Deletable> found)
    {
        string where = subsection is null ? "" : $" of subsection \"{subsection}\"";
        if (minimum < oldestWritten)
        {
            string versions = minimum + 1 == oldestWritten ? $"version {minimum}" : $"versions {minimum} to {oldestWritten - 1}";
            found.Add(new Deletable(state.Key, "MinimumVersion" + where, $"no supported release writes {versions}: it can be {oldestWritten}"));
        }
        foreach (WireItem item in state.Items(subsection).Where(item => item.When is null))
        {
            if (item.Until < oldestWritten)
                found.Add(new Deletable(state.Key, item.Name, $"no supported release writes version {item.Until} or below: the item can go"));
            else if (item.Since > 0 && item.Since <= oldestWritten)
                found.Add(new Deletable(state.Key, item.Name, $"every supported release writes version {item.Since} or above: its Version can go"));
        }
    }
}
