using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Tool.Diffing;

/// <summary>
/// Globs over DEVICE/path: <c>*</c> is any characters, slashes too, <c>?</c> is one, everything else is itself, brackets too, since
/// paths have them.
/// </summary>
internal sealed class IgnorePatterns(IReadOnlyList<string> patterns)
{
    /// <summary>How many times something was ignored.</summary>
    public int Count { get; private set; }

    /// <summary>Whether a field, <c>i8254/channels[0]/count</c>, is to be left out.</summary>
    public bool Ignores(string name)
    {
        if (!patterns.Any(pattern => Matches(pattern, name)))
            return false;
        Count++;
        return true;
    }

    /// <summary>Whether a whole section is: by its name, or by a pattern of all its fields.</summary>
    public bool IgnoresAll(string section)
    {
        if (!patterns.Any(pattern => Matches(pattern, section) || Matches(pattern, section + "/")))
            return false;
        Count++;
        return true;
    }

    /// <summary>Whether the whole text fits the pattern; time is their product at most.</summary>
    public static bool Matches(string pattern, string text)
    {
        int p = 0, t = 0, star = -1, mark = 0;
        while (t < text.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                star = p++;
                mark = t;
            }
            else if (p < pattern.Length && (pattern[p] == '?' || pattern[p] == text[t]))
            {
                p++;
                t++;
            }
            else if (star >= 0)
            {
                p = star + 1;
                t = ++mark;
            }
            else
            {
                return false;
            }
        }
        while (p < pattern.Length && pattern[p] == '*')
            p++;
        return p == pattern.Length;
    }
}
