using System;
using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Schema.Tests;

/// <summary>Baseline files: reading, merging, and what the commands make of them.</summary>
public sealed class BaselineTests
{
    private const string Header = "#vmstate-baseline 1\n";

    private const string Nic = """
        Acme.Nic @section "nic" version 1 min 1 priority default
        Acme.Nic#000 "ctrl" u32
        Acme.Nic#001 "status" u32

        """;

    [Fact]
    public void Merge_replaces_and_retires()
    {
        BaselineSet set = Load(shipped: Nic + "Acme.Old @section \"old\" version 1 min 1 priority default\nAcme.Old#000 \"a\" u8\n",
            unshipped: "Acme.Nic#001 \"status\" u32 until 1\n*REMOVED* Acme.Old @section \"old\"\n*REMOVED* Acme.Gone#007\n");
        Assert.Empty(set.Problems);
        StateSchema nic = Assert.Single(set.Recorded.States);
        Assert.Equal(1, nic.Items[1].Until);
        Assert.Equal(2, set.Supported().Single().Schemas.States.Count());
    }

    [Theory]
    [InlineData("", 1, 1, BaselineProblemKind.Unreadable)]
    [InlineData("Acme.Nic @state \"n\" version 1 min 1", 1, 1, BaselineProblemKind.Unreadable)]
    [InlineData("#vmstate-baseline 2\n", 1, 1, BaselineProblemKind.Unreadable)]
    [InlineData(Header + "#release one\n", 2, 10, BaselineProblemKind.Unreadable)]
    [InlineData(Header + "Acme.Nic#x \"a\" u8\n", 2, 1, BaselineProblemKind.Unreadable)]
    [InlineData(Header + "Acme.Nic#000 \"a\" u8 until 3 since 2\n", 2, 29, BaselineProblemKind.Unreadable)]
    [InlineData(Header + "Acme.Nic#000 \"a u8\n", 2, 14, BaselineProblemKind.Unreadable)]
    [InlineData(Header + "Acme.Nic @thing\n", 2, 10, BaselineProblemKind.Unreadable)]
    [InlineData(Header + "<<<<<<< mine\nAcme.Nic#000 \"a\" u8\n=======\n", 2, 1, BaselineProblemKind.Conflict)]
    [InlineData(Header + "Acme.Nic#000 \"a\" u8\nAcme.Nic#0 \"b\" u8\n", 3, 1, BaselineProblemKind.Duplicate)]
    public void Problem_has_its_place(string text, int line, int column, BaselineProblemKind kind)
    {
        BaselineProblem problem = Assert.Single(BaselineFile.Parse("VmState.Unshipped.txt", text).Problems);
        Assert.Equal((kind, line, column), (problem.Kind, problem.Line, problem.Column));
    }

    [Fact]
    public void Item_without_its_type_is_named_in_its_file()
    {
        BaselineSet set = Load(shipped: Nic, unshipped: "\nAcme.Other#000 \"a\" u8\n");
        BaselineProblem problem = Assert.Single(set.Problems);
        Assert.Equal(("VmState.Unshipped.txt", 3), (problem.File, problem.Line));
        Assert.Equal(CompatibilityRule.BrokenBaseline, Assert.Single(set.Check(new SchemaSet()).Findings).Rule);
    }

    /// <summary>Rule 3 against releases: reuse is an error even where the release is not supported; putting the old section back is none.</summary>
    [Theory]
    [InlineData("Acme.New @section \"hub\" version 1 min 1 priority default\nAcme.New#000 \"a\" u32\n", null, true)]
    [InlineData("Acme.New @section \"hub\" version 1 min 1 priority default\nAcme.New#000 \"a\" u32\n", "2.0", true)]
    [InlineData("Acme.New @section \"hub\" version 1 min 1 priority default\nAcme.New#000 \"a\" u8\n", null, false)]
    [InlineData("Acme.New @section \"usb-hub\" version 1 min 1 priority default\nAcme.New#000 \"a\" u32\nAcme.Hub @state \"hub\" version 1 min 1\nAcme.Hub#000 \"a\" u8\nAcme.Hub @removed-section \"hub\"\n", null, false)]
    public void A_retired_name_is_not_used_again(string added, string? oldest, bool isError)
    {
        BaselineSet files = BaselineSet.Load([
            ("VmState.Shipped.1.0.txt", Header + Nic + "Acme.Hub @section \"hub\" version 1 min 1 priority default\nAcme.Hub#000 \"a\" u8\n"),
            ("VmState.Shipped.txt", Header + "#release 2.0\n" + Nic)]);
        List<Finding> errors = [.. files.Check(SchemaParser.Parse(Nic + added), oldest: oldest).Findings.Where(finding => finding.Verdict == Verdict.Error)];
        Assert.Equal(isError ? [(CompatibilityRule.DuplicateSection, "Acme.New", "1.0")] : [],
            errors.Select(finding => (finding.Rule, finding.Type, finding.Releases[0])));
    }

    [Fact]
    public void Identical_duplicates_and_the_order_of_lines_do_not_matter()
    {
        BaselineSet straight = Load(shipped: Nic), shuffled = Load(shipped: string.Join("\n", (Nic + Nic).Split('\n').Reverse()));
        Assert.Empty(shuffled.Problems);
        Assert.Equal(straight.Recorded.States, shuffled.Recorded.States);
    }

    [Fact]
    public void Two_files_of_one_release_are_an_error()
    {
        BaselineSet set = BaselineSet.Load([("VmState.Shipped.txt", Header + "#release 1.2.0\n"), ("VmState.Shipped.1.2.txt", Header), ("VmState.Shipped.1.1.txt", Header + "#release 1.0\n")]);
        Assert.Equal([BaselineProblemKind.Release, BaselineProblemKind.Release], set.Problems.Select(problem => problem.Kind));
    }

    [Fact]
    public void Accept_records_only_what_changed_and_keeps_ordinals()
    {
        BaselineSet set = Load(shipped: Nic);
        SchemaSet current = SchemaParser.Parse("""
            Acme.Nic @section "nic" version 2 min 1 priority default
            Acme.Nic#000 "ctrl" u32
            Acme.Nic#001 "timer" u16 since 2
            Acme.Nic#002 "extra" u16 since 2
            Acme.Nic#003 "status" u32
            Acme.Nic#004 "last" u8 since 2
            """);
        string text = BaselineEditor.Accept(set, current);
        Assert.Equal(Header + """
            Acme.Nic @section "nic" version 2 min 1 priority default
            Acme.Nic#000.1 "timer" u16 since 2
            Acme.Nic#000.2 "extra" u16 since 2
            Acme.Nic#002 "last" u8 since 2

            """, text);
        BaselineSet accepted = Load(shipped: Nic, unshippedText: text);
        Assert.DoesNotContain(accepted.Check(current).Findings, finding => finding.Rule >= CompatibilityRule.NotRecorded);
        Assert.Equal(text, BaselineEditor.Accept(accepted, current));
    }

    [Fact]
    public void Accept_makes_room_before_the_first_item_and_gives_no_ordinal_twice()
    {
        BaselineSet set = Load(shipped: Nic, unshipped: "*REMOVED* Acme.Nic#001\n");
        SchemaSet current = SchemaParser.Parse("""
            Acme.Nic @section "nic" version 2 min 1 priority default
            Acme.Nic#000 "new" u32 since 2
            Acme.Nic#001 "ctrl" u32
            Acme.Nic#002 "other" u64 since 2
            """);
        string text = BaselineEditor.Accept(set, current);
        BaselineSet accepted = Load(shipped: Nic, unshippedText: text);
        Assert.Empty(accepted.Problems);
        Assert.Equal(["new", "ctrl", "other"], accepted.Recorded.States.Single().Items.Select(item => item.Name));
        Assert.DoesNotContain("Acme.Nic#001 \"other\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Accept_of_one_type_leaves_the_others()
    {
        BaselineSet set = Load(shipped: Nic, unshipped: "Acme.Hub @section \"hub\" version 1 min 1 priority default\n");
        SchemaSet current = SchemaParser.Parse(Nic.Replace("\"ctrl\" u32", "\"ctrl\" u64", StringComparison.Ordinal));
        string text = BaselineEditor.Accept(set, current, ["Acme.Nic"]);
        Assert.Contains("Acme.Hub @section", text, StringComparison.Ordinal);
        Assert.Contains("Acme.Nic#000 \"ctrl\" u64", text, StringComparison.Ordinal);
        Assert.DoesNotContain("REMOVED", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Accept_retires_what_is_gone()
    {
        BaselineSet set = Load(shipped: Nic + "Acme.Mode @enum u8 A=0\nAcme.V1 @removed-section \"v\"\nAcme.Nic @subsection \"nic/x\" Acme.X version 1 min 1 needed N\n"
            + "Acme.Hub @section \"a hub\" version 1 min 1 priority default\nAcme.Hub#000 \"a\" u8\n");
        string text = BaselineEditor.Accept(set, SchemaParser.Parse(Nic));
        Assert.Equal(Header + """
            *REMOVED* Acme.Hub @section "a hub"
            *REMOVED* Acme.Mode @enum
            *REMOVED* Acme.Nic @subsection "nic/x"
            *REMOVED* Acme.V1 @removed-section "v"

            """, text);
        BaselineSet accepted = Load(shipped: set.Shipped!.Lines.Aggregate("", (all, line) => all + line.Text + "\n"), unshippedText: text);
        Assert.Empty(accepted.Problems);
        Assert.Single(accepted.Recorded.States);
        Assert.Empty(accepted.Recorded.RemovedSections);
    }

    [Theory]
    [InlineData("\r\n", true)]
    [InlineData("\n", false)]
    public void Line_ends_stay(string newLine, bool isEnded)
    {
        string shipped = (Header + "#release 1.0\n# kept\n" + Nic).TrimEnd('\n').Replace("\n", newLine, StringComparison.Ordinal) + (isEnded ? newLine : "");
        BaselineSet set = BaselineSet.Load([("VmState.Shipped.txt", shipped), ("VmState.Unshipped.txt", Header)]);
        BaselineEdit old = BaselineEditor.Ship(set, "1.1").Single(edit => edit.Name == "VmState.Shipped.1.0.txt");
        Assert.Equal(shipped, old.Text);
    }

    [Fact]
    public void Ship_folds_and_keeps_the_last_release()
    {
        BaselineSet set = BaselineSet.Load([("a/VmState.Shipped.txt", Header + "#release 1.2\n" + Nic), ("a/VmState.Unshipped.txt", Header + "Acme.Nic#000.1 \"timer\" u16 since 2\n")]);
        Assert.Throws<ArgumentException>(() => BaselineEditor.Ship(set, "1.2.0"));
        Assert.Throws<ArgumentException>(() => BaselineEditor.Ship(set, "1.2-rc.1"));
        IReadOnlyList<BaselineEdit> edits = BaselineEditor.Ship(set, "1.3");
        Assert.Equal(["VmState.Shipped.1.2.txt", "VmState.Shipped.txt", "VmState.Unshipped.txt"], edits.Select(edit => edit.Name));
        Assert.Equal(Header + "#release 1.2\n" + Nic, edits[0].Text);
        Assert.Equal(Header + "#release 1.3\n" + Nic.Replace("Acme.Nic#001", "Acme.Nic#000.1 \"timer\" u16 since 2\nAcme.Nic#001", StringComparison.Ordinal), edits[1].Text);
        Assert.Equal(Header, edits[2].Text);
    }

    [Fact]
    public void Window_decides_what_breaks_and_what_can_go()
    {
        string old = Nic.Replace("version 1", "version 0", StringComparison.Ordinal).Replace("min 1", "min 0", StringComparison.Ordinal);
        BaselineSet set = BaselineSet.Load([("VmState.Shipped.1.0-rc.1.txt", Header + "#release 1.0-rc.1\n" + old), ("VmState.Shipped.txt", Header + "#release 1.0\n" + Nic)]);
        SchemaSet current = SchemaParser.Parse(Nic + "Acme.Nic @removed-subsection \"nic/x\" Acme.X\n");
        Assert.Equal(["1.0-rc.1"], set.Check(current).Findings.Single(finding => finding.Rule == CompatibilityRule.MinimumVersionRaised).Releases);
        Assert.DoesNotContain(set.Check(current, oldest: "1.0").Findings, finding => finding.Rule == CompatibilityRule.MinimumVersionRaised);
        SchemaSet lenient = SchemaParser.Parse(old.Replace("version 0", "version 1", StringComparison.Ordinal) + "Acme.Nic#002 \"late\" u8 since 1\nAcme.Nic @removed-subsection \"nic/x\" Acme.X\n");
        Assert.Equal(["VmState.Shipped.1.0-rc.1.txt", "MinimumVersion", "late", "subsection \"nic/x\""], Pruning.Find(set, lenient, "1.0").Select(found => found.Subject));
    }

    [Fact]
    public void Releases_that_break_are_all_named()
    {
        BaselineSet set = BaselineSet.Load([("VmState.Shipped.txt", Header + "#release 1.10\n" + Nic), ("VmState.Shipped.1.9.txt", Header + "#release 1.9\n" + Nic)]);
        Finding finding = set.Check(SchemaParser.Parse(Nic.Replace("u32", "u64", StringComparison.Ordinal))).Findings.First();
        Assert.Equal(["1.9", "1.10"], finding.Releases);
    }

    [Fact]
    public void Unrecorded_change_is_reported_once()
    {
        BaselineSet set = Load(shipped: Nic);
        string bumped = Nic.Replace("version 1", "version 2", StringComparison.Ordinal) + "Acme.Nic#002 \"last\" u8 since 2 default 0\n";
        Assert.Equal([CompatibilityRule.NotRecorded], set.Check(SchemaParser.Parse(bumped)).Findings.Select(finding => finding.Rule));
        Assert.Equal([CompatibilityRule.SectionRemoved], set.Check(new SchemaSet()).Findings.Select(finding => finding.Rule));
        Assert.Equal([CompatibilityRule.NotInCode], Load(shipped: "Acme.X @state \"x\" version 1 min 1\n").Check(new SchemaSet()).Findings.Select(finding => finding.Rule));
    }

    [Fact]
    public void Second_line_of_a_key_gets_an_ordinal_of_its_own()
    {
        string text = Header + Nic + "Acme.Nic#001 \"mine\" u8\nAcme.Nic#002 \"next\" u8\n";
        BaselineProblem problem = Assert.Single(BaselineFile.Parse("VmState.Unshipped.txt", text).Problems);
        string mended = BaselineEditor.Renumber(text, problem)!;
        Assert.Contains("Acme.Nic#001.1 \"mine\" u8\n", mended, StringComparison.Ordinal);
        Assert.Empty(BaselineFile.Parse("VmState.Unshipped.txt", mended).Problems);
    }

    [Theory]
    [InlineData("1.0-alpha", "1.0.0-alpha.1")]
    [InlineData("1.0.0-alpha.1", "1.0.0-alpha.beta")]
    [InlineData("1.0.0-alpha.beta", "1.0.0-beta")]
    [InlineData("1.0.0-beta.2", "1.0.0-beta.11")]
    [InlineData("1.0.0-rc.1", "1.0")]
    [InlineData("1.9", "1.10")]
    [InlineData("99999999999999999999", "100000000000000000000")]
    public void Releases_are_ordered(string lower, string higher)
    {
        Assert.True(ReleaseVersion.TryParse(lower, out ReleaseVersion? a) && ReleaseVersion.TryParse(higher, out ReleaseVersion? b) && a!.CompareTo(b) < 0 && b!.CompareTo(a) > 0);
    }

    [Theory, InlineData("1.02"), InlineData("1.0-"), InlineData("1.0-01"), InlineData("v1"), InlineData(""), InlineData("1.2.3.4"), InlineData("1.0+")]
    public void Other_texts_are_no_releases(string text) => Assert.False(ReleaseVersion.TryParse(text, out _));

    private static BaselineSet Load(string shipped, string unshipped = "", string? unshippedText = null) =>
        BaselineSet.Load([("VmState.Shipped.txt", Header + shipped), ("VmState.Unshipped.txt", unshippedText ?? Header + unshipped)]);
}
