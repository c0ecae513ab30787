using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;
using VmStateGen.Schema;

namespace VmStateGen.Analyzers;

/// <summary>What the engine says of a compilation, by the type that it is reported at.</summary>
internal sealed class CompatibilityResult
{
    private readonly Dictionary<string, List<(Finding Finding, WireItem? Use)>> byType = new();
    private readonly Dictionary<string, List<Deletable>> deletable = new();

    private CompatibilityResult(BaselineSet files, CurrentSchema current)
    {
        Files = files;
        Current = current;
    }

    public BaselineSet Files { get; }

    public CurrentSchema Current { get; }

    /// <summary>What is about types that the code does not have any more.</summary>
    public List<Finding> Gone { get; } = new();

    /// <summary>Keys of the types that there is something to say of.</summary>
    public IEnumerable<string> Keys => byType.Keys.Concat(deletable.Keys).Distinct();

    /// <summary>Findings of the type; where the type that differs is another assembly's, with the item that uses it.</summary>
    public IReadOnlyList<(Finding Finding, WireItem? Use)> Of(string key) =>
        byType.TryGetValue(key, out List<(Finding, WireItem?)>? found) ? found : Array.Empty<(Finding, WireItem?)>();

    /// <summary>What of the type only releases below the support window need; of the file, if it is one.</summary>
    public IReadOnlyList<Deletable> DeletableOf(string key) => deletable.TryGetValue(key, out List<Deletable>? found) ? found : Array.Empty<Deletable>();

    public static CompatibilityResult Compute(Compilation compilation, ImmutableArray<AdditionalText> texts, CancellationToken cancel)
    {
        BaselineSet files = BaselineFiles.Load(texts, cancel);
        CurrentSchema current = CurrentSchema.Build(compilation, cancel);
        var result = new CompatibilityResult(files, current);
        // Half a baseline would make every missing line a change; what is wrong with it is reported at the file.
        if (files.Problems.Count > 0)
            return result;
        current.FillIn(files.Recorded);
        cancel.ThrowIfCancellationRequested();
        foreach (Finding finding in files.Check(current.Schemas, current.Direction, current.Oldest).Findings)
            result.Add(finding);
        if (current.Oldest is not null && current.Broken.Count == 0)
        {
            foreach (Deletable entry in Pruning.Find(files, current.Schemas, current.Oldest))
                Add(result.deletable, entry.Type ?? entry.Subject, entry);
        }
        return result;
    }

    private void Add(Finding finding)
    {
        if (Current.Broken.Contains(finding.Type) || IsAccepted(finding))
            return;
        if (finding.IsTypeGone)
            Gone.Add(finding);
        else if (Current.Find(finding.Type) is not null)
            Add(byType, finding.Type, (finding, null));
        else if (UseOf(finding.Type) is (string user, WireItem item))
            Add(byType, user, (finding, item));
        else
            Gone.Add(finding);
    }

    /// <summary>
    /// What only a person can judge is judged by recording it: the files say of the type what the code says. A field's former name does the same.
    /// </summary>
    private bool IsAccepted(Finding finding) =>
        finding.Verdict < Verdict.Error && finding.Rule is not (CompatibilityRule.NotRecorded or CompatibilityRule.NotInCode)
        && finding.Fixes.Any(fix => fix.Kind == FixKind.Accept) && IsRecorded(finding.Type);

    private bool IsRecorded(string key) =>
        Files.Recorded.Find(key) is StateSchema recorded && Current.Schemas.Find(key) is StateSchema current
        && SchemaWriter.Write(Unnumbered(recorded)) == SchemaWriter.Write(Unnumbered(current));

    private static StateSchema Unnumbered(StateSchema state) => state with
    {
        Items = state.Items.Select(item => item with { Number = default }).ToEquatableArray(),
        Subsections = state.Subsections.OrderBy(subsection => subsection.Name, StringComparer.Ordinal).ToEquatableArray(),
    };

    /// <summary>The first item of this compilation that has the other assembly's type or enum inside.</summary>
    private (string User, WireItem Item)? UseOf(string key)
    {
        foreach (StateSchema state in Current.Schemas.States.Where(state => Current.Find(state.Key) is not null).OrderBy(state => state.Key, StringComparer.Ordinal))
        {
            foreach (WireItem item in state.Items)
            {
                if (IsOf(item, key) || SchemaReach.TypesOf(item).Any(type => Current.Find(type) is null
                    && SchemaReach.Closure(Current.Schemas, type).Any(inner => inner == key || Current.Schemas.Find(inner)?.Items.Any(other => IsOf(other, key)) == true)))
                {
                    return (state.Key, item);
                }
            }
        }
        return null;
    }

    private static bool IsOf(WireItem item, string key) => item.Shape is WireShape.Scalar { Enum: string value } && value == key;

    private static void Add<T>(Dictionary<string, List<T>> lists, string key, T value)
    {
        if (!lists.TryGetValue(key, out List<T>? list))
            lists.Add(key, list = new List<T>());
        list.Add(value);
    }
}
