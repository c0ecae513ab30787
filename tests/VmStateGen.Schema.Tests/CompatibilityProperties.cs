using System;
using System.Collections.Generic;
using System.Linq;
using FsCheck;
using FsCheck.Fluent;

namespace VmStateGen.Schema.Tests;

/// <summary>What must hold of every schema.</summary>
public sealed class CompatibilityProperties
{
    private static readonly Arbitrary<int> Seeds = Gen.Choose(0, int.MaxValue).ToArbitrary();
    private static readonly Config Thorough = Config.QuickThrowOnFailure.WithMaxTest(2000);

    [Fact]
    public void Text_keeps_the_projection() => Check(set =>
    {
        SchemaSet read = SchemaParser.Parse(SchemaWriter.Write(set));
        foreach (StateSchema state in set.States)
        {
            foreach (int version in new[] { 1, 2 })
                Assert.Equal(WireProjection.Project(set, state, version), WireProjection.Project(read, read.Find(state.Key)!, version));
        }
    });

    [Fact]
    public void Schema_is_compatible_with_itself() => Check(set =>
        Assert.Empty(CompatibilityChecker.Compare(set, SchemaParser.Parse(SchemaWriter.Write(set)), CompatibilityDirection.Full).Findings));

    [Fact]
    public void Versioned_field_of_a_section_is_backward_compatible() => Check((set, random) =>
    {
        StateSchema device = set.Find("Acme.Device")!;
        List<WireItem> items = device.Items.ToList();
        items.Insert(random.Next(items.Count + 1), new WireItem { Name = "fresh", Shape = new WireShape.Scalar(ScalarKind.U32), Since = 3, Default = "0" });
        SchemaSet changed = RandomSections.With(set, RandomSections.WithItems(device with { Version = 3 }, items));
        Assert.Empty(CompatibilityChecker.Compare(set, changed).Findings);
        Finding forward = Assert.Single(CompatibilityChecker.Compare(set, changed, CompatibilityDirection.Full).Findings);
        Assert.Equal((CompatibilityRule.VersionedFieldAdded, "fresh"), (forward.Rule, forward.Path));
    });

    [Fact]
    public void Accepted_schema_is_recorded_and_keeps_its_order() => Check((set, random) =>
    {
        const string Header = SchemaWriter.Header + "\n";
        StateSchema device = set.Find("Acme.Device")!;
        List<WireItem> items = device.Items.OrderBy(_ => random.Next(3)).Where(_ => random.Next(4) > 0).ToList();
        items.Insert(random.Next(items.Count + 1), new WireItem { Name = "fresh", Shape = new WireShape.Scalar(ScalarKind.U32) });
        SchemaSet changed = RandomSections.With(set, RandomSections.WithItems(device, items));
        BaselineSet files = BaselineSet.Load([("VmState.Shipped.txt", Header + SchemaWriter.Write(set))]);
        Assert.Equal(set.States.Count(), files.Recorded.States.Count());
        BaselineSet accepted = BaselineSet.Load([("VmState.Shipped.txt", Header + SchemaWriter.Write(set)), ("VmState.Unshipped.txt", BaselineEditor.Accept(files, changed))]);
        Assert.Empty(accepted.Problems);
        Assert.Empty(CompatibilityChecker.Compare(accepted.Recorded, changed, CompatibilityDirection.Full).Findings);
        BaselineSet shipped = BaselineSet.Load(BaselineEditor.Ship(accepted, "1.0").Where(edit => edit.Text != null).Select(edit => (edit.Name, edit.Text!)));
        Assert.Equal(accepted.Recorded.Find("Acme.Device"), shipped.Recorded.Find("Acme.Device"));
    });

    [Fact]
    public void Mutation_is_classified_as_what_it_was() => Check((set, random) =>
    {
        StateSchema state = set.States.Where(state => IsReached(set, state)).OrderBy(_ => random.Next()).First();
        Mutation mutation = Mutations.All[random.Next(Mutations.All.Count)];
        if (mutation.Apply(set, state, random) is not (SchemaSet changed, string path))
            return;
        EquatableArray<Finding> findings = CompatibilityChecker.Compare(set, changed).Findings;
        Finding[] found = findings.ToArray();
        if (mutation.Rules.Count == 0)
        {
            Assert.Empty(found);
            return;
        }
        Assert.True(found.Length == 1, $"{mutation.Name} of {state.Key}/{path}: {string.Join("; ", findings.Select(finding => $"{finding.Rule} {finding.Type}/{finding.Path} {finding.Message}"))}");
        Assert.True(mutation.Rules.Contains(found[0].Rule) && found[0].Type == state.Key && found[0].Path == path,
            $"{mutation.Name} of {state.Key}/{path}: {found[0].Rule} {found[0].Type}/{found[0].Path}");
        // It reaches exactly the sections that are made of the type.
        Assert.Equal(set.States.Where(section => section.IsSection && SchemaReach.Closure(set, section.Key).Contains(state.Key)).Select(section => section.Name).Order(),
            found[0].Sections.Order());
    });

    private static bool IsReached(SchemaSet set, StateSchema state) =>
        set.States.Any(section => section.IsSection && SchemaReach.Closure(set, section.Key).Contains(state.Key));

    private static void Check(Action<SchemaSet> property) => Check((set, _) => property(set));

    private static void Check(Action<SchemaSet, Random> property) => Prop.ForAll(Seeds, seed =>
    {
        var random = new Random(seed);
        property(RandomSections.Make(random), random);
    }).Check(Thorough);
}
