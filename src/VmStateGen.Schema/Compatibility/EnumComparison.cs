using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Schema;

/// <summary>Compares the values of an enum that both sides persist. The underlying type is a matter of the fields.</summary>
internal static class EnumComparison
{
    /// <summary>What became of the enum's names; one finding at most.</summary>
    public static Finding? Compare(EnumSchema old, EnumSchema current)
    {
        Dictionary<string, string> values = current.Members.GroupBy(member => member.Name).ToDictionary(group => group.Key, group => group.First().Value);
        List<string> moved = old.Members.Where(member => values.TryGetValue(member.Name, out string? value) && value != member.Value)
            .Select(member => $"{member.Name} was {member.Value} and is {values[member.Name]}").ToList();
        // A name that is gone while its value has another one was renamed.
        List<string> gone = old.Members.Where(member => !values.ContainsKey(member.Name) && !values.ContainsValue(member.Value))
            .Select(member => $"{member.Name} = {member.Value} is gone").ToList();
        if (moved.Count + gone.Count == 0)
            return null;
        return new Finding
        {
            Rule = CompatibilityRule.EnumChanged,
            Verdict = moved.Count > 0 ? Verdict.Error : Verdict.Warning,
            Type = current.Key,
            Message = string.Join(", ", moved.Concat(gone)),
            Fixes = old.Members.Where(member => !values.TryGetValue(member.Name, out string? value) || value != member.Value)
                .Select(member => new SuggestedFix(FixKind.Restore, member.Name, member.Value)).ToEquatableArray(),
        };
    }
}
