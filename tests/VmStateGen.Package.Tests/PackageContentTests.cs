using System;
using System.IO.Compression;
using System.Linq;
using System.Xml.Linq;

namespace VmStateGen.Package.Tests;

/// <summary>What is in the packages, and what is not.</summary>
[Collection(Packed.Name)]
public sealed class PackageContentTests(PackedRepository repository)
{
    [Fact]
    public void Packs_without_a_warning()
        => Assert.DoesNotContain("warning", repository.PackOutput, StringComparison.OrdinalIgnoreCase);

    [Fact]
    public void VmStateGen_carries_the_library_the_compiler_parts_and_their_wiring()
        => Assert.Equal(
            [
                "README.md",
                "analyzers/dotnet/cs/VmStateGen.Analyzers.dll",
                "analyzers/dotnet/cs/VmStateGen.CodeFixes.dll",
                "analyzers/dotnet/cs/VmStateGen.Generator.dll",
                "analyzers/dotnet/cs/VmStateGen.Parsing.dll",
                "analyzers/dotnet/cs/VmStateGen.Schema.dll",
                "buildTransitive/VmStateGen.targets",
                "lib/net10.0/VmStateGen.dll",
                "lib/net10.0/VmStateGen.xml",
                "lib/net8.0/VmStateGen.dll",
                "lib/net8.0/VmStateGen.xml",
            ],
            Files("VmStateGen"));

    [Fact]
    public void Runtime_carries_its_library()
        => Assert.Equal(
            [
                "README.md",
                "lib/net10.0/VmStateGen.Runtime.dll",
                "lib/net10.0/VmStateGen.Runtime.xml",
                "lib/net8.0/VmStateGen.Runtime.dll",
                "lib/net8.0/VmStateGen.Runtime.xml",
            ],
            Files("VmStateGen.Runtime"));

    [Fact]
    public void Tool_carries_what_it_runs_with()
        => Assert.Equal(
            [
                "README.md",
                "THIRD-PARTY-NOTICES.txt",
                "tools/net10.0/any/DotnetToolSettings.xml",
                "tools/net10.0/any/Spectre.Console.dll",
                "tools/net10.0/any/System.CommandLine.dll",
                "tools/net10.0/any/VmStateGen.Runtime.dll",
                "tools/net10.0/any/VmStateGen.Schema.dll",
                "tools/net10.0/any/VmStateGen.dll",
                "tools/net10.0/any/vmstate.deps.json",
                "tools/net10.0/any/vmstate.dll",
                "tools/net10.0/any/vmstate.runtimeconfig.json",
            ],
            Files("VmStateGen.Tool").Where(name => !name.EndsWith(".pdb", StringComparison.Ordinal)));

    [Fact]
    public void Exactly_these_packages_are_made()
        => Assert.Equal(["VmStateGen", "VmStateGen.Runtime", "VmStateGen.Tool"], repository.Packages);

    [Fact]
    public void VmStateGen_depends_on_nothing() => Assert.Empty(Dependencies("VmStateGen"));

    [Fact]
    public void Runtime_depends_on_VmStateGen_with_its_generator()
        // The SDK hands analyzers on even where a package does not say so; this one says so.
        => Assert.Equal(
            ["net10.0: VmStateGen All", "net8.0: VmStateGen All"],
            Dependencies("VmStateGen.Runtime"));

    [Theory]
    [InlineData("VmStateGen")]
    [InlineData("VmStateGen.Runtime")]
    [InlineData("VmStateGen.Tool")]
    public void Says_what_it_is(string id)
    {
        XElement metadata = Metadata(id);
        Assert.Equal("MIT", Value(metadata, "license"));
        Assert.Equal("README.md", Value(metadata, "readme"));
        Assert.False(string.IsNullOrWhiteSpace(Value(metadata, "description")));
        Assert.NotEqual("Package Description", Value(metadata, "description"));
    }

    private string[] Files(string id)
    {
        using ZipArchive package = Open(id);
        return
        [
            .. package.Entries.Select(entry => entry.FullName)
                .Where(name => !name.EndsWith(".nuspec", StringComparison.Ordinal) && !name.StartsWith("_rels/", StringComparison.Ordinal)
                    && !name.StartsWith("package/", StringComparison.Ordinal) && name != "[Content_Types].xml")
                .Order(StringComparer.Ordinal),
        ];
    }

    private string[] Dependencies(string id) =>
    [
        .. Metadata(id).Descendants().Where(element => element.Name.LocalName == "dependency")
            .Select(dependency => $"{Attribute(dependency.Parent!, "targetFramework")}: {Attribute(dependency, "id")} {Attribute(dependency, "include")}"),
    ];

    private XElement Metadata(string id)
    {
        using ZipArchive package = Open(id);
        using System.IO.Stream file = package.GetEntry(id + ".nuspec")!.Open();
        return XDocument.Load(file).Root!.Elements().Single(element => element.Name.LocalName == "metadata");
    }

    private ZipArchive Open(string id) => ZipFile.OpenRead(repository.Package(id));

    private static string? Value(XElement metadata, string name) => metadata.Elements().SingleOrDefault(element => element.Name.LocalName == name)?.Value;

    private static string? Attribute(XElement element, string name) => element.Attribute(name)?.Value;
}
