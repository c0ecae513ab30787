using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;

namespace VmStateGen.House.Tests;

/// <summary>Rules about the source tree that no compiler checks.</summary>
public sealed partial class HouseRulesTests
{
    private const int LongestFile = 700;

    // Guest memory and system calls are handled where a reviewer expects them, and nowhere else.
    private static readonly string[] UnsafeRooms =
    [
        "runtime/VmStateGen.Runtime/Linux/",
        "runtime/VmStateGen.Runtime/Ram/",
        "runtime/VmStateGen.Runtime/DirtyTracking/",
        "runtime/VmStateGen.Runtime/Postcopy/",
    ];

    private static readonly string Root = FindRoot();

    [Fact]
    public void Unsafe_code_lives_in_its_rooms_only()
    {
        string[] strays =
        [
            .. Sources("src", "generator", "analyzers", "runtime")
                .Where(file => !UnsafeRooms.Any(room => file.StartsWith(room, StringComparison.Ordinal)))
                .Where(file => Code(file).Any(line => UnsafeWord().IsMatch(line))),
        ];
        Assert.Empty(strays);
    }

    [Fact]
    public void System_calls_are_made_in_Linux_only()
    {
        string[] strays =
        [
            .. Sources("src", "generator", "analyzers", "runtime")
                .Where(file => !file.StartsWith(UnsafeRooms[0], StringComparison.Ordinal))
                .Where(file => Code(file).Any(line => ImportAttribute().IsMatch(line))),
        ];
        Assert.Empty(strays);
    }

    [Fact]
    public void No_source_file_is_longer_than_a_reader_can_hold()
    {
        string[] tooLong =
        [
            .. Sources("src", "generator", "analyzers", "runtime", "samples", "tests")
                .Select(file => (File: file, Lines: File.ReadLines(Path.Combine(Root, file)).Count()))
                .Where(file => file.Lines > LongestFile)
                .Select(file => $"{file.File}: {file.Lines} lines"),
        ];
        Assert.Empty(tooLong);
    }

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        // One that is not is not built by test.sh, and a test project would silently run as it was last built.
        string solution = File.ReadAllText(Path.Combine(Root, "VmStateGen.sln")).Replace('\\', '/');
        string[] missing =
        [
            .. new[] { "src", "generator", "analyzers", "runtime", "samples", "tests" }
                .Select(folder => Path.Combine(Root, folder))
                .Where(Directory.Exists)
                .SelectMany(folder => Directory.EnumerateFiles(folder, "*.csproj", SearchOption.AllDirectories))
                .Select(Relative)
                .Where(file => !IsBuilt(file) && !solution.Contains($"\"{file}\"", StringComparison.Ordinal)),
        ];
        Assert.Empty(missing);
    }

    private static IEnumerable<string> Sources(params string[] folders)
        => folders
            .Select(folder => Path.Combine(Root, folder))
            .Where(Directory.Exists)
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories))
            .Select(Relative)
            .Where(file => !IsBuilt(file));

    /// <summary>The lines without their strings and comments, as far as a line shows them.</summary>
    private static IEnumerable<string> Code(string file)
        => File.ReadLines(Path.Combine(Root, file)).Select(line => CommentOrString().Replace(line, " "));

    private static string Relative(string file) => Path.GetRelativePath(Root, file).Replace('\\', '/');

    private static bool IsBuilt(string file) => file.Contains("/bin/", StringComparison.Ordinal) || file.Contains("/obj/", StringComparison.Ordinal);

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "VmStateGen.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException($"VmStateGen.sln is not above {AppContext.BaseDirectory}");
    }

    [GeneratedRegex("""  "(\\.|[^"\\])*"  |  //.*  """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex CommentOrString();

    [GeneratedRegex(@"\bunsafe\b")]
    private static partial Regex UnsafeWord();

    [GeneratedRegex(@"\[\s*(LibraryImport|DllImport)\b")]
    private static partial Regex ImportAttribute();
}
