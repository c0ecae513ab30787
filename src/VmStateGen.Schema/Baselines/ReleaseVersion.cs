using System;
using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Schema;

/// <summary>A release, compared as Semantic Versioning 2 says. One or two numbers are enough: <c>1.3</c> is <c>1.3.0</c>.</summary>
public sealed class ReleaseVersion : IComparable<ReleaseVersion>, IEquatable<ReleaseVersion>
{
    private readonly string[] numbers;
    private readonly string[] preRelease;
    private readonly string text;

    private ReleaseVersion(string text, string[] numbers, string[] preRelease)
    {
        this.text = text;
        this.numbers = numbers;
        this.preRelease = preRelease;
    }

    /// <summary>Compares names of releases: those that are none come first, by their characters.</summary>
    public static IComparer<string?> NameComparer { get; } = Comparer<string?>.Create((left, right) =>
        TryParse(left, out ReleaseVersion? a) ? TryParse(right, out ReleaseVersion? b) ? a!.CompareTo(b) : 1
        : TryParse(right, out _) ? -1 : string.CompareOrdinal(left, right));

    /// <summary>Reads <c>1.3</c>, <c>1.3.0-rc.1</c>, <c>1.3.0+build</c>.</summary>
    public static bool TryParse(string? text, out ReleaseVersion? version)
    {
        version = null;
        if (text is null)
            return false;
        int plus = text.IndexOf('+');
        string precedence = plus < 0 ? text : text.Substring(0, plus);
        if (plus >= 0 && !text.Substring(plus + 1).Split('.').All(IsIdentifier))
            return false;
        int dash = precedence.IndexOf('-');
        string[] numbers = (dash < 0 ? precedence : precedence.Substring(0, dash)).Split('.');
        string[] preRelease = dash < 0 ? Array.Empty<string>() : precedence.Substring(dash + 1).Split('.');
        if (numbers.Length > 3 || !numbers.All(IsNumber) || !preRelease.All(part => IsIdentifier(part) && (!part.All(IsDigit) || IsNumber(part))))
            return false;
        version = new ReleaseVersion(text, numbers.Concat(Enumerable.Repeat("0", 3 - numbers.Length)).ToArray(), preRelease);
        return true;
    }

    /// <inheritdoc/>
    public int CompareTo(ReleaseVersion? other)
    {
        if (other is null)
            return 1;
        for (int i = 0; i < numbers.Length; i++)
        {
            int order = CompareNumbers(numbers[i], other.numbers[i]);
            if (order != 0)
                return order;
        }
        if (preRelease.Length == 0 || other.preRelease.Length == 0)
            return other.preRelease.Length - preRelease.Length;
        for (int i = 0; i < Math.Min(preRelease.Length, other.preRelease.Length); i++)
        {
            int order = CompareIdentifiers(preRelease[i], other.preRelease[i]);
            if (order != 0)
                return order;
        }
        return preRelease.Length - other.preRelease.Length;
    }

    /// <summary>The same release, however it is written; build metadata does not count.</summary>
    public bool Equals(ReleaseVersion? other) => other is not null && CompareTo(other) == 0;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is ReleaseVersion other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => string.Join(".", numbers.Concat(preRelease)).GetHashCode();

    /// <summary>As it was written.</summary>
    public override string ToString() => text;

    private static int CompareIdentifiers(string left, string right)
    {
        bool isNumber = left.All(IsDigit), isOtherNumber = right.All(IsDigit);
        // Numbers stand below words.
        return isNumber != isOtherNumber ? (isNumber ? -1 : 1) : isNumber ? CompareNumbers(left, right) : string.CompareOrdinal(left, right);
    }

    /// <summary>Of any length: no overflow.</summary>
    private static int CompareNumbers(string left, string right) =>
        left.Length != right.Length ? left.Length.CompareTo(right.Length) : string.CompareOrdinal(left, right);

    private static bool IsNumber(string part) => part.Length > 0 && part.All(IsDigit) && (part.Length == 1 || part[0] != '0');

    private static bool IsIdentifier(string part) => part.Length > 0 && part.All(c => IsDigit(c) || c is (>= 'a' and <= 'z') or (>= 'A' and <= 'Z') or '-');

    private static bool IsDigit(char c) => c is >= '0' and <= '9';
}
