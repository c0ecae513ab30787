using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace VmStateGen.Tool.Scaffolding;

/// <summary>C# names from wire names.</summary>
internal static class Identifiers
{
    // Contextual keywords are harmless as members.
    private static readonly HashSet<string> Keywords =
    [
        "abstract", "as", "base", "bool", "break", "byte", "case", "catch", "char", "checked", "class", "const", "continue", "decimal", "default",
        "delegate", "do", "double", "else", "enum", "event", "explicit", "extern", "false", "finally", "fixed", "float", "for", "foreach", "goto",
        "if", "implicit", "in", "int", "interface", "internal", "is", "lock", "long", "namespace", "new", "null", "object", "operator", "out",
        "override", "params", "private", "protected", "public", "readonly", "ref", "return", "sbyte", "sealed", "short", "sizeof", "stackalloc",
        "static", "string", "struct", "switch", "this", "throw", "true", "try", "typeof", "uint", "ulong", "unchecked", "unsafe", "ushort",
        "using", "virtual", "void", "volatile", "while", "field", "value", "record", "required", "scoped", "file",
    ];

    // Names of the annotations' own vocabulary, which a class of that name would hide.
    private static readonly HashSet<string> Reserved =
    [
        "Field", "Subsection", "Ignore", "Removed", "VmState", "VmTimer", "Expect", "WireType", "Parent", "Validate", "IVmState", "BeforeSave",
        "AfterSave", "BeforeLoad", "AfterLoad", "VmStateGen", "NullMarker", "System",
    ];

    /// <summary><c>pit channel</c> is <c>PitChannel</c>.</summary>
    public static string Class(string wireName, ISet<string> used)
    {
        var text = new StringBuilder();
        foreach (string word in Words(wireName))
            text.Append(char.ToUpperInvariant(word[0])).Append(IsAllUpper(word) && word.Length > 2 ? word[1..].ToLowerInvariant() : word[1..]);
        string name = text.Length == 0 ? "State" : text.ToString();
        if (char.IsAsciiDigit(name[0]) || Reserved.Contains(name) || name.EndsWith("Attribute", StringComparison.Ordinal))
            name = char.IsAsciiDigit(name[0]) ? "State" + name : name + "State";
        return Unique(name, used);
    }

    /// <summary><c>env.cr[0]</c> is <c>envCr0</c>.</summary>
    public static string Member(string wireName, ISet<string> used)
    {
        var text = new StringBuilder();
        foreach (string word in Words(wireName))
        {
            string lower = IsAllUpper(word) ? word.ToLowerInvariant() : word;
            text.Append(text.Length == 0 ? char.ToLowerInvariant(lower[0]) : char.ToUpperInvariant(lower[0])).Append(lower.AsSpan(1));
        }
        string name = text.Length == 0 ? "state" : text.ToString();
        if (char.IsAsciiDigit(name[0]))
            name = "n" + name;
        if (Keywords.Contains(name))
            name += "Value";
        return Unique(name, used);
    }

    /// <summary><c>identify_data</c> has the predicate <c>HasIdentifyData</c>.</summary>
    public static string Predicate(string wireName, ISet<string> used)
    {
        string name = Member("has_" + wireName, new HashSet<string>());
        return Unique(char.ToUpperInvariant(name[0]) + name[1..], used);
    }

    /// <summary>A C# string literal.</summary>
    public static string Literal(string text)
    {
        var literal = new StringBuilder("\"");
        foreach (char c in text)
        {
            if (c is '"' or '\\')
                literal.Append('\\').Append(c);
            else if (c is < ' ' or > '~')
                literal.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else
                literal.Append(c);
        }
        return literal.Append('"').ToString();
    }

    /// <summary>Text for a comment of one line.</summary>
    public static string Comment(string text)
    {
        var safe = new StringBuilder();
        foreach (char c in text)
            safe.Append(c is >= ' ' and <= '~' ? c : '?');
        return safe.ToString();
    }

    /// <summary>Text for a documentation comment.</summary>
    public static string Xml(string text) => Comment(text).Replace("&", "&amp;", StringComparison.Ordinal)
        .Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal);

    private static string Unique(string name, ISet<string> used)
    {
        string candidate = name;
        // A name that ends in a digit and a number after it would read as another name.
        for (int i = 2; !used.Add(candidate); i++)
            candidate = $"{name}{(char.IsAsciiDigit(name[^1]) ? "_" : "")}{i}";
        return candidate;
    }

    private static bool IsAllUpper(string word) => word.Equals(word.ToUpperInvariant(), StringComparison.Ordinal) && word.Length > 1;

    private static IEnumerable<string> Words(string name)
    {
        int start = -1;
        for (int i = 0; i <= name.Length; i++)
        {
            bool isPart = i < name.Length && char.IsAsciiLetterOrDigit(name[i]);
            if (isPart && start < 0)
                start = i;
            if (!isPart && start >= 0)
            {
                yield return name[start..i];
                start = -1;
            }
        }
    }
}
