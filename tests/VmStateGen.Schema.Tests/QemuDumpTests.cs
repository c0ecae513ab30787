using System.Linq;

namespace VmStateGen.Schema.Tests;

/// <summary>Dumps of QEMU: what they can tell, and what they cannot.</summary>
public sealed class QemuDumpTests
{
    private const string Same = """
        "field": "a", "version_id": 0, "field_exists": false, "size": 4
        """;

    [Theory]
    [InlineData("nothing", "{" + Same + "}", "{" + Same + "}", "")]
    [InlineData("field gone", "{" + Same + "}, {\"field\": \"b\", \"version_id\": 0, \"field_exists\": false, \"size\": 1}", "{" + Same + "}", "FieldRemoved b")]
    [InlineData("field added at the end", "{" + Same + "}", "{" + Same + "}, {\"field\": \"b\", \"version_id\": 0, \"field_exists\": false, \"size\": 1}", "FieldAdded b")]
    [InlineData("field added for later versions", "{" + Same + "}", "{" + Same + "}, {\"field\": \"b\", \"version_id\": 9, \"field_exists\": false, \"size\": 1}", "")]
    [InlineData("field added under a predicate", "{" + Same + "}", "{" + Same + "}, {\"field\": \"b\", \"version_id\": 0, \"field_exists\": true, \"size\": 1}", "")]
    [InlineData("wider", "{" + Same + "}", "{\"field\": \"a\", \"version_id\": 0, \"field_exists\": false, \"size\": 8}", "WidthChanged a")]
    [InlineData("renamed", "{" + Same + "}", "{\"field\": \"b\", \"version_id\": 0, \"field_exists\": false, \"size\": 4}", "")]
    [InlineData("pointers", "{\"field\": \"a\", \"version_id\": 0, \"field_exists\": false, \"num\": 3, \"size\": 8}", "{\"field\": \"a\", \"version_id\": 0, \"field_exists\": false, \"num\": 3, \"size\": 0}", "")]
    [InlineData("elements", "{\"field\": \"a\", \"version_id\": 0, \"field_exists\": false, \"num\": 3, \"size\": 8}", "{\"field\": \"a\", \"version_id\": 0, \"field_exists\": false, \"num\": 4, \"size\": 8}", "CountChanged a")]
    [InlineData("elements not told by an old dump", "{\"field\": \"a\", \"version_id\": 0, \"field_exists\": false, \"size\": 1}", "{\"field\": \"unused\", \"version_id\": 0, \"field_exists\": false, \"size\": 5}, {\"field\": \"n\", \"version_id\": 9, \"field_exists\": false, \"num\": 1, \"size\": 1}", "")]
    [InlineData("unused", "{" + Same + "}", "{\"field\": \"unused\", \"version_id\": 0, \"field_exists\": false, \"size\": 4}", "")]
    [InlineData("unused of another size", "{" + Same + "}, {\"field\": \"n\", \"version_id\": 9, \"field_exists\": false, \"num\": 1, \"size\": 1}", "{\"field\": \"unused\", \"version_id\": 0, \"field_exists\": false, \"size\": 5}, {\"field\": \"n\", \"version_id\": 9, \"field_exists\": false, \"num\": 1, \"size\": 1}", "PaddingChanged a")]
    [InlineData("structure's size", "{\"field\": \"d\", \"version_id\": 0, \"field_exists\": false, \"size\": 2608, \"Description\": {\"name\": \"in\", \"version_id\": 1, \"minimum_version_id\": 1, \"Fields\": [{" + Same + "}]}}", "{\"field\": \"d\", \"version_id\": 0, \"field_exists\": false, \"size\": 2736, \"Description\": {\"name\": \"in\", \"version_id\": 1, \"minimum_version_id\": 1, \"Fields\": [{" + Same + "}]}}", "")]
    [InlineData("tail of a structure", "{\"field\": \"d\", \"version_id\": 0, \"field_exists\": false, \"size\": 2608, \"Description\": {\"name\": \"in\", \"version_id\": 1, \"minimum_version_id\": 1, \"Fields\": [{" + Same + "}]}}", "{\"field\": \"d\", \"version_id\": 0, \"field_exists\": false, \"size\": 2736, \"Description\": {\"name\": \"in\", \"version_id\": 1, \"minimum_version_id\": 1, \"Fields\": [{" + Same + "}, {\"field\": \"b\", \"version_id\": 0, \"field_exists\": false, \"size\": 1}]}}", "FieldAdded b")]
    public void Fields(string what, string old, string current, string expected)
    {
        Assert.NotEmpty(what);
        Assert.Equal(expected, Find(Dump(Device(old)), Dump(Device(current))));
    }

    [Fact]
    public void Every_difference_is_seen_and_not_the_first_only() =>
        Assert.Equal("WidthChanged a, FieldRemoved b, SubsectionRemoved dev/x", string.Join(", ", QemuDumpChecker.Compare(
            QemuDump.Parse(Dump(Device("{" + Same + "}, {\"field\": \"b\", \"version_id\": 0, \"field_exists\": false, \"size\": 1}, {\"field\": \"c\", \"version_id\": 0, \"field_exists\": false, \"size\": 1}", "{\"name\": \"dev/x\", \"version_id\": 1, \"minimum_version_id\": 1}"))),
            QemuDump.Parse(Dump(Device("{\"field\": \"a\", \"version_id\": 0, \"field_exists\": false, \"size\": 2}, {\"field\": \"c\", \"version_id\": 0, \"field_exists\": false, \"size\": 1}"))))
            .Findings.Select(finding => $"{finding.Rule} {finding.Path}").Order().OrderBy(text => text.StartsWith("Width", System.StringComparison.Ordinal) ? 0 : 1)));

    [Fact]
    public void Versions_and_devices()
    {
        Assert.Equal("VersionLowered ", Find(Dump(Device("{" + Same + "}", version: 3)), Dump(Device("{" + Same + "}"))));
        Assert.Equal("MinimumVersionRaised ", Find(Dump(Device("{" + Same + "}")), Dump(Device("{" + Same + "}", version: 3, minimum: 3))));
        Assert.Equal("SectionRemoved ", Find(Dump(Device("{" + Same + "}")), Dump("")));
        Assert.Equal("", Find(Dump(""), Dump(Device("{" + Same + "}"))));
        // The stream has the state's name, whatever the type is called.
        Assert.Equal("", Find(Dump(Device("{" + Same + "}")), Dump(Device("{" + Same + "}").Replace("\"type\"", "\"other\"", System.StringComparison.Ordinal))));
    }

    [Theory]
    [InlineData("[]", 1, 1)]
    [InlineData("{\"a\": }", 1, 7)]
    [InlineData("{\n  \"a\": 01}", 2, 8)]
    [InlineData("{\"a\": {}, \"a\": {}}", 1, 11)]
    [InlineData("{\"vmschkmachine\": {\"Name\": \"pc\"}} x", 1, 35)]
    [InlineData("{\"a\": \"\\q\"}", 1, 9)]
    public void Damage_has_its_place(string text, int line, int column)
    {
        SchemaException e = Assert.Throws<SchemaException>(() => QemuDump.Parse(text));
        Assert.Equal((line, column), (e.Line, e.Column));
    }

    private static string Find(string old, string current) => string.Join(", ",
        QemuDumpChecker.Compare(QemuDump.Parse(old), QemuDump.Parse(current)).Findings.Select(finding => $"{finding.Rule} {finding.Path}"));

    private static string Device(string fields, string subsections = "", int version = 2, int minimum = 1)
    {
        string body = $"\"version_id\": {version}, \"minimum_version_id\": {minimum}";
        return $"\"type\": {{\"Name\": \"dev\", {body}, \"Description\": {{\"name\": \"dev\", {body}, \"Fields\": [{fields}], \"Subsections\": [{subsections}]}}}}";
    }

    private static string Dump(string devices) => "{\"vmschkmachine\": {\"Name\": \"pc\"}" + (devices.Length == 0 ? "" : ", " + devices) + "}";
}
