using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using VmStateGen.Schema;

namespace VmStateGen.Analyzers.Tests;

/// <summary>
/// The pages' examples are pairs: what a release had and what the code has. The whole engine runs over each, so every rule is run over
/// every other rule's pair.
/// </summary>
public class ReleasePageTests
{
    public static TheoryData<string> Ids => new(RulePage.ReleaseDescriptors.Select(rule => rule.Id).Where(id => id != "VMS205"));

    public static TheoryData<string> Pairs => new(RulePage.ReleaseDescriptors.Select(rule => rule.Id).Where(id => id.StartsWith("VMS2", StringComparison.Ordinal) && id != "VMS205"));

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task Example_reports_the_rule_and_no_other(string id)
    {
        RulePage page = RulePage.Read(id);
        IReadOnlyList<Diagnostic> found = await Releases.AnalyzeAsync(page.Bad, Files(page, page.Bad));
        Assert.NotEmpty(found);
        Assert.All(found, diagnostic => Assert.Equal(id, diagnostic.Id));
        Assert.All(found, diagnostic => Assert.Equal(RulePage.ReleaseDescriptors.Single(rule => rule.Id == id).DefaultSeverity, diagnostic.Severity));
        // A type that is gone, and a file, have no place in source.
        Assert.All(found, diagnostic => Assert.True(diagnostic.Location.IsInSource || diagnostic.Location.Kind == LocationKind.ExternalFile));
        if (id.StartsWith("VMS2", StringComparison.Ordinal) && page.Severity != "Info")
            Assert.All(found, diagnostic => Assert.Contains("1.0", diagnostic.GetMessage(), StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task Fixed_example_reports_nothing_and_compiles(string id)
    {
        RulePage page = RulePage.Read(id);
        Assert.Empty((await Releases.AnalyzeAsync(page.Good, Files(page, page.Good, isGood: true))).Select(diagnostic => diagnostic.ToString()));
        Assert.Empty(Verifier.CompilerErrors(Verifier.Compile(page.Good)));
        Assert.Empty(Verifier.GeneratedErrors(Verifier.Compile(page.Good)));
        Assert.Empty((await Verifier.AnalyzeAsync(page.Good)).Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error));
        Assert.Empty(Verifier.CompilerErrors(Verifier.Compile(page.Old)));
    }

    [Theory]
    [MemberData(nameof(Pairs))]
    public async Task A_pragma_suppresses_it(string id)
    {
        RulePage page = RulePage.Read(id);
        string source = $"#pragma warning disable {id}\n{page.Bad}";
        // What has no place in source is not reached by a pragma.
        Assert.DoesNotContain(await Releases.AnalyzeAsync(source, Files(page, page.Bad)), diagnostic => diagnostic.Location.IsInSource && diagnostic.Id == id);
    }

    /// <summary>Each fix on offer leaves code that compiles and in which the rule is satisfied.</summary>
    [Theory]
    [MemberData(nameof(Pairs))]
    public async Task Fixes_satisfy_the_rule(string id)
    {
        RulePage page = RulePage.Read(id);
        List<string> keys;
        // At a line of a file; BaselineFixTests has it.
        if (id == "VMS200")
            return;
        using (var project = new Releases([page.Bad], Files(page, page.Bad)))
            keys = [.. (await project.OffersAsync(id)).Select(action => action.EquivalenceKey!)];
        Assert.Equal(page.Fix != "none", keys.Count > 0);
        foreach (string key in keys)
        {
            using var project = new Releases([page.Bad], Files(page, page.Bad));
            CodeAction action = (await project.OffersAsync(id)).First(action => action.EquivalenceKey == key);
            await project.ApplyAsync(action);
            string text = await project.SourceAsync();
            // A field in a subsection needs no new version, which is a second step.
            if (id == "VMS213" && key == "subsection")
            {
                using var second = new Releases([text], Files(page, text));
                await second.ApplyAsync(Assert.Single(await second.OffersAsync(id)));
                text = await second.SourceAsync();
            }
            Assert.Empty(Verifier.CompilerErrors(Verifier.Compile(text)));
            Assert.Empty((await Releases.AnalyzeAsync(text, Files(page, text))).Where(diagnostic => diagnostic.Id == id).Select(diagnostic => $"{key}: {diagnostic}\n{text}"));
        }
    }

    /// <summary>A type without baselines is one diagnostic, whatever else is in the project.</summary>
    [Fact]
    public async Task Without_files_there_is_one_diagnostic()
    {
        Diagnostic found = Assert.Single(await Releases.AnalyzeAsync("[VmState(\"a\")] public partial class A { } [VmState(\"b\")] public partial class B { }", []));
        Assert.Contains("vmstate baseline init", found.GetMessage(), StringComparison.Ordinal);
    }

    private static List<(string Name, string Text)> Files(RulePage page, string source, bool isGood = false)
    {
        switch (page.Id)
        {
            case "VMS300" when !isGood:
            case "VMS301" when !isGood:
                return [(BaselineSet.ShippedName, SchemaWriter.Header + "\n"), (BaselineSet.UnshippedName, BaselineEditor.Accept(BaselineSet.Load([]), Releases.Schema(page.Old)))];
            case "VMS302" when !isGood:
                return [(BaselineSet.ShippedName, Releases.Shipped("1.0", page.Old)),
                    (BaselineSet.UnshippedName, SchemaWriter.Header + "\nUart#001 \"divider\" u16\nUart#001 \"baud\" u32\n")];
            case "VMS207":
                string rest = page.Old[..page.Old.IndexOf("[VmState(\"hub\")]", StringComparison.Ordinal)];
                return [(BaselineSet.NameOf("1.0"), Releases.Shipped("1.0", page.Old)), (BaselineSet.ShippedName, Releases.Shipped("1.1", rest)), .. Releases.Accepted(rest, source).Where(file => file.Name == BaselineSet.UnshippedName)];
            case "VMS303" when !isGood:
                return [];
            case "VMS304":
                return [(BaselineSet.ShippedName, Releases.Shipped("2.0", page.Bad)), .. Releases.Accepted(page.Bad, source).Where(file => file.Name == BaselineSet.UnshippedName),
                    .. isGood ? [] : new[] { (BaselineSet.NameOf("1.0"), Releases.Shipped("1.0", page.Old)) }];
            default:
                return Releases.Accepted(page.Old, source);
        }
    }
}
