using System;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace VmStateGen.Package.Tests;

/// <summary>
/// The repository's packages in a feed of their own, packed once a run, and a folder outside of the repository for the projects
/// that use them. Nothing stale can be picked up: the packages of consumers are unpacked into this folder too.
/// </summary>
public sealed class PackedRepository : IDisposable
{
#if DEBUG
    private const string Configuration = "Debug";
#else
    private const string Configuration = "Release";
#endif

    private readonly string folder = Directory.CreateTempSubdirectory("vmstategen-packages-").FullName;

    /// <summary>Packs.</summary>
    public PackedRepository()
    {
        Feed = Directory.CreateDirectory(Path.Combine(folder, "feed")).FullName;
        PackOutput = Dotnet.Run(Root, "pack", "VmStateGen.sln", "-c", Configuration, "-o", Feed).Succeeded().Output;

        // Beside the machine's own sources, which stay as they are configured.
        File.WriteAllText(Path.Combine(folder, "nuget.config"), $"""
            <configuration>
              <packageSources>
                <add key="packed" value="{Feed}" />
              </packageSources>
            </configuration>
            """);
        File.Copy(Path.Combine(Root, "global.json"), Path.Combine(folder, "global.json"));
        // Whatever lies above the temporary folder is not a consumer's.
        foreach (string name in new[] { "Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props" })
            File.WriteAllText(Path.Combine(folder, name), "<Project />");
        File.WriteAllText(Path.Combine(folder, ".editorconfig"), "root = true\n");
    }

    /// <summary>The folder of VmStateGen.sln.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Version of all packages: the repository's, which its assemblies carry.</summary>
    public string Version { get; } =
        typeof(PackedRepository).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    /// <summary>Folder of the .nupkg files.</summary>
    public string Feed { get; }

    /// <summary>What `dotnet pack` said.</summary>
    public string PackOutput { get; }

    /// <summary>Ids of the packed packages, sorted.</summary>
    public string[] Packages =>
    [
        .. Directory.EnumerateFiles(Feed, "*.nupkg").Select(file => Path.GetFileName(file)[..^$".{Version}.nupkg".Length]).Order(StringComparer.Ordinal),
    ];

    /// <summary>Path of a packed package.</summary>
    public string Package(string id) => Path.Combine(Feed, $"{id}.{Version}.nupkg");

    /// <summary>An empty folder for the projects of one test.</summary>
    internal Consumer Consumer([CallerMemberName] string test = "") =>
        new(Directory.CreateDirectory(Path.Combine(folder, "work", test)).FullName, Path.Combine(folder, "unpacked"), Version);

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "VmStateGen.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException($"VmStateGen.sln is not above {AppContext.BaseDirectory}");
    }
}

/// <summary>The tests that share one pack; they run one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class Packed : ICollectionFixture<PackedRepository>
{
    /// <summary>The collection's name.</summary>
    public const string Name = "packed";
}
