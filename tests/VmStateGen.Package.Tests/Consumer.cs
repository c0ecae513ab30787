using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;

namespace VmStateGen.Package.Tests;

/// <summary>A user's folder outside of the repository, with projects that reference the packages.</summary>
internal sealed class Consumer(string folder, string unpacked, string version)
{
    /// <summary>Writes a project of one file into a folder of its name.</summary>
    public Consumer Project(string name, string properties, string source, string packages = "VmStateGen", string projects = "")
    {
        string path = Directory.CreateDirectory(File(name)).FullName;
        string[] references =
        [
            .. Words(packages).Select(id => $"""<PackageReference Include="{id}" Version="{version}" />"""),
            .. Words(projects).Select(other => $"""<ProjectReference Include="../{other}/{other}.csproj" />"""),
        ];
        System.IO.File.WriteAllText(Path.Combine(path, name + ".csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                {properties}
              </PropertyGroup>
              <ItemGroup>
                {string.Join("\n    ", references)}
              </ItemGroup>
            </Project>
            """);
        System.IO.File.WriteAllText(Path.Combine(path, "Source.cs"), source);
        return this;
    }

    /// <summary>Path of a file in the folder.</summary>
    public string File(params string[] path) => Path.Combine([folder, .. path]);

    /// <summary>Names of the files that a restored project hands to its analyzers, sorted.</summary>
    public string[] AdditionalFiles(string project)
    {
        string json = Dotnet("msbuild", File(project), "-getItem:AdditionalFiles").Succeeded().Output;
        return
        [
            .. JsonDocument.Parse(json).RootElement.GetProperty("Items").GetProperty("AdditionalFiles").EnumerateArray()
                .Select(item => Path.GetFileName(item.GetProperty("FullPath").GetString()!))
                .Order(System.StringComparer.Ordinal),
        ];
    }

    public CommandResult Dotnet(params string[] arguments) => Run("dotnet", arguments);

    public CommandResult Run(string command, params string[] arguments) =>
        Tests.Dotnet.Run(folder, command, arguments, new Dictionary<string, string> { ["NUGET_PACKAGES"] = unpacked });

    private static string[] Words(string list) => list.Split(' ', System.StringSplitOptions.RemoveEmptyEntries);
}
