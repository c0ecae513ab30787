using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Schema.Tests;

/// <summary>Every rule finds its example, and nothing else is found in it.</summary>
public sealed class RuleTests
{
    public static IEnumerable<object[]> Cases() => RuleCases.All.Select(example => new object[] { example });

    [Theory, MemberData(nameof(Cases))]
    public void Change_is_found_as_what_it_is(RuleCase example)
    {
        Assert.Equal(example.Backward.Order(), Find(example, CompatibilityDirection.Backward).Order());
        Assert.Equal(example.Forward.Order(), Find(example, CompatibilityDirection.Forward).Order());
    }

    [Theory, MemberData(nameof(Cases))]
    public void Both_directions_are_the_sum_of_each(RuleCase example)
    {
        IEnumerable<string> both = Compare(example, CompatibilityDirection.Full).Findings.Where(finding => finding.Verdict > Verdict.Info).Select(Text);
        IEnumerable<string> each = Find(example, CompatibilityDirection.Backward).Concat(Find(example, CompatibilityDirection.Forward));
        Assert.Equal(each.Where(text => !text.Contains(" info ")).Distinct().Order(), both.Order());
    }

    private static IEnumerable<string> Find(RuleCase example, CompatibilityDirection direction) => Compare(example, direction).Findings.Select(Text);

    private static CompatibilityReport Compare(RuleCase example, CompatibilityDirection direction) =>
        CompatibilityChecker.Compare(SchemaParser.Parse(example.Old), SchemaParser.Parse(example.New), direction);

    private static string Text(Finding finding) => $"{(int)finding.Rule} {finding.Verdict.ToString().ToLowerInvariant()} {finding.Type}"
        + (finding.Subsection == null ? "" : ":" + finding.Subsection) + (finding.Path.Length == 0 ? "" : "/" + finding.Path);
}
