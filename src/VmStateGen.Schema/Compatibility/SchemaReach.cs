using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Schema;

/// <summary>Which types a type is made of.</summary>
public static class SchemaReach
{
    /// <summary>Keys of the states that the item is made of.</summary>
    public static IEnumerable<string> TypesOf(WireItem item)
    {
        if (item.Via is not null)
            yield return item.Via;
        switch (item.Shape)
        {
            case WireShape.State state:
                yield return state.Type;
                break;
            case WireShape.List list:
                yield return list.Type;
                break;
            case WireShape.Tree tree:
                if (!ScalarKinds.TryParse(tree.KeyType, out _))
                    yield return tree.KeyType;
                yield return tree.Type;
                break;
        }
    }

    /// <summary>Keys of the states that a state is made of, without those that only removed subsections have.</summary>
    public static IEnumerable<string> TypesOf(StateSchema state) =>
        state.Items.SelectMany(TypesOf).Concat(state.Subsections.Where(subsection => subsection.Type is not null).Select(subsection => subsection.Type!));

    /// <summary>Keys of all states that are written or read when the state is, itself first.</summary>
    public static IReadOnlyCollection<string> Closure(SchemaSet set, string key)
    {
        var found = new HashSet<string> { key };
        var open = new Queue<string>();
        open.Enqueue(key);
        while (open.Count > 0)
        {
            if (set.Find(open.Dequeue()) is not StateSchema state)
                continue;
            foreach (string inner in TypesOf(state).Concat(state.RemovedSubsections.Select(removed => removed.Type)).Where(found.Add))
                open.Enqueue(inner);
        }
        return found;
    }
}
