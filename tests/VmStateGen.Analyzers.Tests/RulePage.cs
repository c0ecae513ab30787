using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;

namespace VmStateGen.Analyzers.Tests;

/// <summary>The page of a rule, as people read it.</summary>
internal sealed partial record RulePage(string Id, string Title, string Category, string Severity, string Fix, string Text, string Old, string Bad, string Good)
{
    /// <summary>Rules about annotations.</summary>
    public static IEnumerable<DiagnosticDescriptor> Descriptors => new DefinitionAnalyzer().SupportedDiagnostics;

    /// <summary>Rules about releases and what records them.</summary>
    public static IEnumerable<DiagnosticDescriptor> ReleaseDescriptors => new CompatibilityAnalyzer().SupportedDiagnostics;

    public static IEnumerable<DiagnosticDescriptor> AllDescriptors => Descriptors.Concat(ReleaseDescriptors);

    public static IEnumerable<string> Files => Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "docs"), "VMS*.md");

    public static RulePage Read(string id)
    {
        string text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "docs", id + ".md")).ReplaceLineEndings("\n");
        Match title = TitlePattern().Match(text);
        Match facts = FactsPattern().Match(text);
        string[] code = CodePattern().Matches(text).Select(match => match.Groups[1].Value).ToArray();
        Assert.True(title.Success && facts.Success, $"{id}.md: title or table");
        // What a release had, what is reported, what is right. The one rule for what no rule knows has no example.
        bool isDefinition = Descriptors.Any(rule => rule.Id == id);
        Assert.True(isDefinition ? code.Length == 2 : code.Length is 2 or 3 || id == "VMS205", $"{id}.md: examples");
        code = code.Length == 3 ? code : [.. Enumerable.Repeat("", 3 - code.Length), .. code];
        return new RulePage(title.Groups[1].Value, title.Groups[2].Value, facts.Groups[1].Value, facts.Groups[2].Value, facts.Groups[3].Value, text, code[0], code[1], code[2]);
    }

    [GeneratedRegex(@"\A# (VMS\d+): (.+)\n")]
    private static partial Regex TitlePattern();

    [GeneratedRegex(@"^\| (VmState\.\w+) \| (\w+) \| (.+) \|$", RegexOptions.Multiline)]
    private static partial Regex FactsPattern();

    [GeneratedRegex(@"```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodePattern();
}
