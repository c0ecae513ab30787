using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;

namespace VmStateGen.Generator.Tests;

/// <summary>
/// Compares texts with <c>Class.Test#Hint.verified.cs</c> beside the test. The file conventions are Verify's, so that
/// Verify.SourceGenerators can take this file's place; see README, "Snapshots".
/// </summary>
internal static class Snapshot
{
    /// <summary>
    /// Every text must equal its verified file, and every verified file of the test must have a text. What differs is written to
    /// <c>.received.cs</c>: rename it to accept it.
    /// </summary>
    public static void Verify(
        string className, IReadOnlyDictionary<string, string> texts, [CallerMemberName] string test = "", [CallerFilePath] string file = "")
    {
        string folder = Path.GetDirectoryName(file)!;
        string prefix = $"{className}.{test}#";
        var problems = new List<string>();
        if (texts.Count == 0)
            problems.Add("nothing was generated");
        foreach ((string hint, string text) in texts)
        {
            string verified = Path.Combine(folder, prefix + hint + ".verified.cs");
            string received = Path.Combine(folder, prefix + hint + ".received.cs");
            File.Delete(received);
            if (File.Exists(verified) && File.ReadAllText(verified).ReplaceLineEndings("\n") == text)
                continue;
            File.WriteAllText(received, text);
            problems.Add($"{Path.GetFileName(received)} differs from its verified file");
        }
        foreach (string orphan in Directory.GetFiles(folder, prefix + "*.verified.cs").Select(path => Path.GetFileName(path)))
        {
            string hint = orphan[prefix.Length..^".verified.cs".Length];
            if (!texts.ContainsKey(hint))
                problems.Add($"{orphan} is generated no more");
        }
        if (problems.Count > 0)
            throw new InvalidOperationException(string.Join("; ", problems));
    }
}
