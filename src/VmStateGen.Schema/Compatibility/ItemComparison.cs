using System;
using System.Collections.Generic;

namespace VmStateGen.Schema;

/// <summary>Classifies what differs between an item and what it became, without looking into nested state.</summary>
internal static class ItemComparison
{
    /// <summary>What is said of two fields that are both there.</summary>
    internal readonly record struct Change(CompatibilityRule Rule, Verdict Verdict, string Message, FixKind? Fix = null, string? Target = null, string? Value = null);

    /// <summary>The one change of the bytes that says most, or null.</summary>
    public static Change? Layout(WireItem old, WireItem current, Func<string, string, bool> isSameCount)
    {
        if (old.When != current.When && (old.When is null || current.When is null))
        {
            return new Change(CompatibilityRule.PredicateChanged, Verdict.Error,
                old.When is null ? $"it is now there only when {current.When}, and always was" : $"it was there only when {old.When}, and now always is",
                FixKind.Restore, "When", old.When ?? "");
        }
        if ((old.Codec, old.CodecVersion) != (current.Codec, current.CodecVersion) && (old.Codec ?? current.Codec) is not null)
            return Encoding($"its codec was {Codec(old)} and is {Codec(current)}", "Codec", old.Codec);
        if ((old.Via is null) != (current.Via is null))
            return Encoding(old.Via is null ? $"{current.Via} is on the wire instead of it" : $"{old.Via} was on the wire instead of it", "Via", old.Via);
        if (old.Nulls != current.Nulls)
            return Encoding($"null entries were marked {Marking(old)} and are marked {Marking(current)}", "NullMarker", old.Nulls?.ToString());
        if (old.Shape is WireShape.List && current.Shape is WireShape.List && (old.Marker is null) != (current.Marker is null))
        {
            return Encoding(old.Marker is null ? $"a 1 stood before each element, and now {current.Marker} does" : $"{old.Marker} stood before each element, and now a 1 does",
                "Marker", old.Marker);
        }
        return Shape(old, current, isSameCount) ?? Part(old, current);
    }

    /// <summary>Changes that leave the bytes as they were, and may still break or surprise.</summary>
    public static IEnumerable<Change> Meaning(WireItem old, WireItem current, Func<string, string, bool> isSameCount)
    {
        if (old.When != current.When && old.When is not null && current.When is not null)
        {
            yield return new Change(CompatibilityRule.PredicateChanged, Verdict.Warning,
                $"its predicate was {old.When} and is {current.When}; only if both say the same do old streams load", FixKind.Accept);
        }
        if (old.Expect != current.Expect && current.Shape is not WireShape.Padding && old.Shape is not WireShape.Padding)
        {
            yield return new Change(CompatibilityRule.EncodingChanged, Verdict.Warning,
                $"the incoming value could be {Expected(old)} and must now be {Expected(current)}", FixKind.Restore, "Expect", old.Expect.ToString());
        }
        if (Kinds(old, current) is (ScalarKind left, ScalarKind right) && SameBytes(left, right))
        {
            yield return new Change(CompatibilityRule.KindChanged, Verdict.Warning,
                $"it was {left.Token()} and is {right.Token()}: the bytes are the same, what they mean may not be", FixKind.KeepEncoding, null, left.Token());
        }
        if (old.Max is int max && current.Max is int lower && lower < max)
        {
            yield return new Change(CompatibilityRule.CountChanged, Verdict.Warning,
                $"a load accepted {max} elements and now refuses more than {lower}", FixKind.Restore, "Max", max.ToString(System.Globalization.CultureInfo.InvariantCulture));
        }
        if (old.Default != current.Default && old.Default is not null && (current.Since > 0 || current.When is not null))
        {
            yield return new Change(CompatibilityRule.DefaultChanged, Verdict.Warning,
                $"a stream without it made it {old.Default}, and now {(current.Default is null ? "leaves it as it is" : "makes it " + current.Default)}",
                FixKind.Restore, "Default", old.Default);
        }
        if (old.Count != current.Count && IsConfiguration(old) && IsConfiguration(current) && !isSameCount(old.Count!, current.Count!))
        {
            yield return new Change(CompatibilityRule.CountChanged, Verdict.Warning,
                $"its number of elements was {old.Count} and is {current.Count}; only if both are the same do old streams load", FixKind.Accept);
        }
    }

    private static Change? Shape(WireItem old, WireItem current, Func<string, string, bool> isSameCount)
    {
        WireShape left = WireProjection.Normal(old), right = WireProjection.Normal(current);
        if (left is WireShape.Scalar a && right is WireShape.Scalar b)
            return a.Kind != b.Kind && !SameBytes(a.Kind, b.Kind) ? Kind(a.Kind, b.Kind) : Extent(old, current, a.Array, b.Array, isSameCount);
        if (left is WireShape.State before && right is WireShape.State after)
            return Extent(old, current, before.Array, after.Array, isSameCount);
        if (left is WireShape.Tree tree && right is WireShape.Tree other)
        {
            bool isNumber = ScalarKinds.TryParse(tree.KeyType, out _);
            return isNumber == ScalarKinds.TryParse(other.KeyType, out _) && (!isNumber || tree.KeyType == other.KeyType)
                ? null : Encoding($"its keys were {tree.KeyType} and are {other.KeyType}", null, null);
        }
        if (left is WireShape.Bitmap && right is WireShape.Bitmap)
            return Extent(old, current, ArrayExtent.Counted, ArrayExtent.Counted, isSameCount);
        // Elements of lists are compared as nested state; counted bitmaps and bytes that are one kind have no more to them.
        if (left.GetType() == right.GetType() && left is not WireShape.Bytes { Array.IsCounted: false })
            return null;
        return left.Equals(right) ? null : Encoding($"it was {old.Shape} and is {current.Shape}", null, null);
    }

    private static Change? Extent(WireItem old, WireItem current, ArrayExtent? left, ArrayExtent? right, Func<string, string, bool> isSameCount)
    {
        bool isCounted = left is { IsCounted: true };
        if (isCounted != right is { IsCounted: true })
        {
            return Count(isCounted ? $"it had as many elements as {old.Count ?? "it said itself"} and now has always {right?.Length ?? 1}"
                : $"it always had {left?.Length ?? 1} elements and now has as many as {current.Count ?? "it says itself"}");
        }
        if (!isCounted)
            return (left?.Length ?? 1) == (right?.Length ?? 1) ? null : Count($"it had {left?.Length ?? 1} elements and has {right?.Length ?? 1}");
        if (old.Count == current.Count || (old.Count is not null && current.Count is not null && isSameCount(old.Count, current.Count))
            || (IsConfiguration(old) && IsConfiguration(current)))
        {
            return null;
        }
        return Count($"it had as many elements as {old.Count ?? "it said itself"} and has as many as {current.Count ?? "it says itself"}");

        Change Count(string message) => new(CompatibilityRule.CountChanged, Verdict.Error, message, FixKind.Restore, "Length", left?.ToString());
    }

    private static Change? Part(WireItem old, WireItem current)
    {
        if (old.Element == current.Element && (old.RangeStart ?? 0) == (current.RangeStart ?? 0))
            return null;
        return new Change(CompatibilityRule.CountChanged, Verdict.Error, $"it was {Text(old)} of the array and is {Text(current)}", FixKind.Restore, "Element");

        static string Text(WireItem item) => item.Element is int element ? $"element {element}" : $"the part from {item.RangeStart ?? 0}";
    }

    private static Change Kind(ScalarKind left, ScalarKind right)
    {
        CompatibilityRule rule = Class(left) != Class(right) ? CompatibilityRule.KindChanged
            : left.Size() != right.Size() ? CompatibilityRule.WidthChanged
            : CompatibilityRule.SignednessChanged;
        return new Change(rule, Verdict.Error, $"it was {left.Token()} and is {right.Token()}", FixKind.KeepEncoding, null, left.Token());
    }

    private static (ScalarKind, ScalarKind)? Kinds(WireItem old, WireItem current) =>
        WireProjection.Normal(old) is WireShape.Scalar left && WireProjection.Normal(current) is WireShape.Scalar right && left.Kind != right.Kind
            ? (left.Kind, right.Kind) : null;

    /// <summary>Every value of one is a value of the other: only what it is called differs.</summary>
    private static bool SameBytes(ScalarKind left, ScalarKind right) =>
        left.Size() == right.Size() && Class(left) != Class(right) && Class(left) is not ('f' or 'd') && Class(right) is not ('f' or 'd');

    private static char Class(ScalarKind kind) => kind switch
    {
        ScalarKind.Bool => 'b',
        ScalarKind.F32 or ScalarKind.F64 => 'f',
        ScalarKind.Timer => 't',
        ScalarKind.Guid => 'g',
        ScalarKind.Fd => 'd',
        _ => 'i',
    };

    private static bool IsConfiguration(WireItem item) => item.Count is { Length: > 0 } count && count[0] == '@';

    private static string Codec(WireItem item) => item.Codec is null ? "none" : $"{item.Codec}/{item.CodecVersion}";

    private static string Marking(WireItem item) => item.Nulls switch { null => "not at all", NullMarking.Nulls => "alone", _ => "as all entries are" };

    private static string Expected(WireItem item) => item.Expect switch
    {
        Expectation.Equal => "the local one",
        Expectation.NotAbove => "0 up to the local one",
        _ => "any",
    };

    private static Change Encoding(string message, string? target, string? value) =>
        new(CompatibilityRule.EncodingChanged, Verdict.Error, message, FixKind.Restore, target, value);
}
