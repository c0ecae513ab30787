using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;

namespace VmStateGen.Analyzers.Tests;

/// <summary>The page of a rule, as people read it.</summary>
internal sealed partial record RulePage(string Id, string Title, string Category, string Severity, string Fix, string Text, string Bad, string Good)
{
    /// <summary>Every descriptor of the analyzers.</summary>
    public static IEnumerable<DiagnosticDescriptor> Descriptors => new DefinitionAnalyzer().SupportedDiagnostics;

    public static IEnumerable<string> Files => Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "docs"), "VMS*.md");

    public static RulePage Read(string id)
    {
        string text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "docs", id + ".md")).ReplaceLineEndings("\n");
        Match title = TitlePattern().Match(text);
        Match facts = FactsPattern().Match(text);
        string[] code = CodePattern().Matches(text).Select(match => match.Groups[1].Value).ToArray();
        Assert.True(title.Success && facts.Success, $"{id}.md: title or table");
        Assert.Equal(2, code.Length);
        return new RulePage(title.Groups[1].Value, title.Groups[2].Value, facts.Groups[1].Value, facts.Groups[2].Value, facts.Groups[3].Value, text, code[0], code[1]);
    }

    [GeneratedRegex(@"\A# (VMS\d+): (.+)\n")]
    private static partial Regex TitlePattern();

    [GeneratedRegex(@"^\| (VmState\.\w+) \| (\w+) \| (.+) \|$", RegexOptions.Multiline)]
    private static partial Regex FactsPattern();

    [GeneratedRegex(@"```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodePattern();
}
