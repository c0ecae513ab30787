using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Schema;

/// <summary>Compares the fields of two descriptions.</summary>
internal sealed class DumpFields
{
    private const string Unused = "unused";

    private readonly DumpComparison comparison;
    private readonly QemuDumpState from;
    private readonly QemuDumpState to;
    private readonly List<QemuDumpField> written;
    private readonly List<QemuDumpField> read;

    /// <param name="comparison">The whole of it.</param>
    /// <param name="from">What is written, at its own version.</param>
    /// <param name="to">What is read.</param>
    /// <param name="readAt">At this version.</param>
    public DumpFields(DumpComparison comparison, QemuDumpState from, QemuDumpState to, int readAt)
    {
        this.comparison = comparison;
        this.from = from;
        this.to = to;
        written = from.Fields.Where(field => field.HasPredicate || field.Version <= from.Version).ToList();
        read = to.Fields.Where(field => field.HasPredicate || field.Version <= readAt).ToList();
    }

    public List<Difference> Compare()
    {
        var found = new List<Difference>();
        (List<(int Written, int Read)> pairs, List<(int Written, int Read)> moved) = Pair();
        int atWritten = 0, atRead = 0;
        foreach ((int i, int j) in pairs.Concat(new[] { (written.Count, read.Count) }))
        {
            List<QemuDumpField> left = Between(written, atWritten, i, moved.Select(pair => pair.Written)), right = Between(read, atRead, j, moved.Select(pair => pair.Read));
            found.AddRange(Gap(left, right));
            if (i < written.Count)
                found.AddRange(Both(written[i], read[j]));
            (atWritten, atRead) = (i + 1, j + 1);
        }
        found.AddRange(moved.Select(pair => DumpComparison.Of(from, CompatibilityRule.FieldsReordered, "it is at another place", written[pair.Written].Name)));
        return found;
    }

    private static List<QemuDumpField> Between(List<QemuDumpField> fields, int start, int end, IEnumerable<int> without) =>
        Enumerable.Range(start, end - start).Except(without).Select(index => fields[index]).ToList();

    /// <summary>Fields of one name, the n-th with the n-th; those that are in order, and the others.</summary>
    private (List<(int, int)> InOrder, List<(int, int)> Moved) Pair()
    {
        var places = new Dictionary<(string, int), int>();
        var seen = new Dictionary<string, int>();
        for (int j = 0; j < read.Count; j++)
        {
            if (read[j].Name != Unused)
                places[Key(to, read[j], seen)] = j;
        }
        seen.Clear();
        var all = new List<(int, int)>();
        for (int i = 0; i < written.Count; i++)
        {
            if (written[i].Name != Unused && places.TryGetValue(Key(from, written[i], seen), out int j))
                all.Add((i, j));
        }
        HashSet<int> kept = ItemMatcher.Increasing(all.Select(pair => pair.Item2).ToList());
        return (all.Where((_, index) => kept.Contains(index)).ToList(), all.Where((_, index) => !kept.Contains(index)).ToList());
    }

    private static (string, int) Key(QemuDumpState state, QemuDumpField field, Dictionary<string, int> seen)
    {
        string name = QemuFacts.Field(state.Name, field.Name);
        seen.TryGetValue(name, out int count);
        seen[name] = count + 1;
        return (name, count);
    }

    private IEnumerable<Difference> Both(QemuDumpField left, QemuDumpField right)
    {
        if (left.HasPredicate != right.HasPredicate)
        {
            yield return Of(CompatibilityRule.PredicateChanged, left.HasPredicate ? "it had a predicate and has none" : "it has a predicate and had none", left, Verdict.Warning);
        }
        if (left.State is not null && right.State is not null)
        {
            if (left.Count is int one && right.Count is int other && one != other)
                yield return Of(CompatibilityRule.CountChanged, $"it has {one} elements on the one side and {other} on the other", left);
            foreach (Difference difference in comparison.Nested(left.State, right.State))
                yield return difference.Inside(left.Name);
        }
        else if (left.State is not null || right.State is not null)
        {
            // One description may say in pieces what the other says in one.
            if (!CanBeEqual(new[] { left }, new[] { right }))
                yield return Of(CompatibilityRule.EncodingChanged, left.State is null ? "it has a description and had none" : "it had a description and has none", left);
        }
        else if (left.Count is not null && right.Count is not null && left.Count != right.Count)
        {
            yield return Of(CompatibilityRule.CountChanged, $"{left.Count} elements are written and {right.Count} are read", left);
        }
        else if (IsNumber(left.Size) && IsNumber(right.Size) && left.Size != right.Size)
        {
            yield return Of(CompatibilityRule.WidthChanged, $"{left.Size} bytes are written and {right.Size} are read", left);
        }
        else if (IsBuffer(left.Size) && IsBuffer(right.Size) && left.Size != right.Size)
        {
            yield return Of(CompatibilityRule.CountChanged,
                $"its size is {left.Size} on the one side and {right.Size} on the other; that is a break unless it is the size of a structure", left, Verdict.Warning);
        }
    }

    /// <summary>Fields without a partner, between two that have one.</summary>
    private IEnumerable<Difference> Gap(List<QemuDumpField> left, List<QemuDumpField> right)
    {
        // Whether a field with a predicate is in a stream is not in a dump; machine types decide it more often than not.
        left = left.Where(field => !field.HasPredicate).ToList();
        right = right.Where(field => !field.HasPredicate).ToList();
        if (left.Count == 0 && right.Count == 0)
            return Enumerable.Empty<Difference>();
        if (left.Count > 0 && right.Count > 0)
        {
            // Renamed, made unused, or taken from unused: the bytes are where they were.
            if (CanBeEqual(left, right))
                return Enumerable.Empty<Difference>();
            if (left.Concat(right).Any(field => field.Name == Unused))
            {
                return new[]
                {
                    Of(CompatibilityRule.PaddingChanged, $"{Names(left)} on the one side, {Names(right)} on the other, of other sizes", left[0]),
                };
            }
        }
        return left.Select(field => Of(field.Name == Unused ? CompatibilityRule.PaddingChanged : comparison.OnlyWritten, "it is written, and not read", field))
            .Concat(right.Select(field => Of(field.Name == Unused ? CompatibilityRule.PaddingChanged : comparison.OnlyRead, "it is read, and not written", field)));
    }

    private bool CanBeEqual(IEnumerable<QemuDumpField> left, IEnumerable<QemuDumpField> right)
    {
        Bytes one = Sum(left, comparison.WriterHasCounts), other = Sum(right, comparison.ReaderHasCounts);
        // What is not known comes in steps of so many bytes.
        long difference = one.Least - other.Least;
        return (difference == 0)
            || (difference > 0 && other.Step > 0 && difference % other.Step == 0)
            || (difference < 0 && one.Step > 0 && difference % one.Step == 0)
            || (one.Step > 0 && other.Step > 0 && difference % GreatestDivisor(one.Step, other.Step) == 0);
    }

    private static Bytes Sum(IEnumerable<QemuDumpField> fields, bool hasCounts)
    {
        long least = 0, step = 0;
        foreach (QemuDumpField field in fields)
        {
            Bytes element = field.State is null ? new Bytes(field.Size, IsNumber(field.Size) ? 0 : 1)
                : field.State.Fields.Any(inner => inner.HasPredicate) || field.State.Subsections.Count > 0 ? new Bytes(0, 1)
                : Sum(field.State.Fields.Where(inner => inner.Version <= field.State.Version), hasCounts);
            // Buffers are as large as they say; structures that are written by code are not, and cannot be told from them.
            if (field.Name == Unused || (field.State is null && IsBuffer(field.Size)))
                element = new Bytes(field.Size, 0);
            least += element.Least * (field.Count ?? 1);
            step = GreatestDivisor(step, element.Step);
            if (!hasCounts && field.Name != Unused)
                step = GreatestDivisor(step, element.Least);
        }
        return new Bytes(least, step);
    }

    /// <summary>At least so many, and any number of steps more.</summary>
    private readonly record struct Bytes(long Least, long Step);

    private static long GreatestDivisor(long a, long b)
    {
        while (b != 0)
            (a, b) = (b, a % b);
        return a;
    }

    private static bool IsNumber(int size) => size is 1 or 2 or 4 or 8;

    /// <summary>A pointer's size and none at all say nothing, nor does that of a timer, which is a structure here and a pointer there.</summary>
    private static bool IsBuffer(int size) => size is not (0 or 8 or 48);

    private Difference Of(CompatibilityRule rule, string message, QemuDumpField field, Verdict verdict = Verdict.Error) =>
        DumpComparison.Of(from, rule, message, field.Name, verdict);

    private static string Names(IEnumerable<QemuDumpField> fields) => string.Join(", ", fields.Select(field => $"{field.Name} ({field.Size} bytes)"));
}
