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

    // Where a pointer to guest RAM becomes a span, or an address for the kernel: nothing else in the rooms of RAM and its pager needs one.
    private static readonly string[] PointerFiles =
    [
        "runtime/VmStateGen.Runtime/Ram/GuestMemory.Access.cs",
        "runtime/VmStateGen.Runtime/Ram/IoVector.cs",
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

    // A managed thread that touches a page which userfaultfd holds can stop the process for good: see GuestMemory.
    [Fact]
    public void Addresses_of_guest_RAM_stay_in_their_rooms()
    {
        string[] strays =
        [
            .. Sources("src", "generator", "analyzers", "runtime", "samples")
                .Where(file => !UnsafeRooms.Any(room => file.StartsWith(room, StringComparison.Ordinal)))
                .Where(file => Code(file).Any(line => GuestAddress().IsMatch(line))),
        ];
        Assert.Empty(strays);
    }

    [Fact]
    public void Pointers_to_guest_RAM_are_made_where_GuestMemory_lends_it_and_nowhere_else()
    {
        string[] strays =
        [
            .. Sources("runtime/VmStateGen.Runtime/Ram", "runtime/VmStateGen.Runtime/Postcopy")
                .Where(file => !PointerFiles.Contains(file))
                .Where(file => Code(file).Any(line => UnsafeWord().IsMatch(line))),
        ];
        Assert.Empty(strays);
        Assert.All(PointerFiles, file => Assert.Contains(Code(file), line => UnsafeWord().IsMatch(line)));
    }

    [Theory]
    [InlineData("var first = (byte*)block.HostAddress;", true)]
    [InlineData("Marshal.ReadByte(ram.HostAddress)", true)]
    [InlineData("using var mapping = SafeMapping.Anonymous(1, 1);", true)]
    [InlineData("Copy(block.Mapping.Address)", true)]
    [InlineData("memory.Read(block, 0, bytes);", false)]
    [InlineData("RamSection Mapped, UnmappedAddress", false)]
    public void Addresses_of_guest_RAM_are_told_by_their_names(string code, bool isOne) => Assert.Equal(isOne, GuestAddress().IsMatch(code));

    /// <summary>The rooms of the runtime, each with those that it may use. Machine is what all of them serve.</summary>
    [Theory]
    [InlineData("Linux")]
    [InlineData("Channels", "Linux", "Ram")]
    [InlineData("Streams", "Linux", "Channels")]
    [InlineData("DirtyTracking", "Linux", "Ram")]
    [InlineData("Ram", "Linux", "DirtyTracking", "Streams")]
    [InlineData("Postcopy", "Linux", "Channels", "Streams", "Ram")]
    [InlineData("Migration", "Linux", "Channels", "Streams", "Ram", "DirtyTracking", "Postcopy")]
    public void Arrows_between_the_rooms_of_the_runtime_point_one_way(string room, params string[] uses)
    {
        const string Runtime = "runtime/VmStateGen.Runtime";
        var others = Directory.GetDirectories(Path.Combine(Root, Runtime)).Select(folder => Path.GetFileName(folder)).Except([room, .. uses])
            .Select(other => (Name: other, Types: Types($"{Runtime}/{other}"))).ToArray();
        string[] files = [.. Sources($"{Runtime}/{room}")];
        string[] strays =
        [
            .. files.SelectMany(file => others.Where(other => Code(file).Any(line => Uses(line, other.Name, other.Types))).Select(other => $"{file} uses {other.Name}")),
        ];
        Assert.NotEmpty(files);
        Assert.Empty(strays);
    }

    [Theory]
    [InlineData("using VmStateGen.Runtime.Postcopy;", true)]
    [InlineData("public void HandOver(Postcopy.UnsentPages unsent)", true)]
    [InlineData("Postcopy.MaxPackage, options.Postcopy.UnsentPages", false)]
    public void A_use_of_a_room_is_told_by_its_namespace(string code, bool isOne) => Assert.Equal(isOne, Uses(code, "Postcopy", new HashSet<string> { "UnsentPages" }));

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

    private static HashSet<string> Types(string folder)
        => [.. Sources(folder).SelectMany(Code).SelectMany(line => TypeDeclaration().Matches(line)).Select(match => match.Groups["name"].Value)];

    /// <summary>A property may be called like a room: behind a dot it is one, and in front of what is no type of the room.</summary>
    private static bool Uses(string code, string room, IReadOnlySet<string> types)
        => code.Contains($"VmStateGen.Runtime.{room}", StringComparison.Ordinal)
            || Regex.Matches(code, $@"(?<![\w.]){room}\.(?<type>\w+)").Any(match => types.Contains(match.Groups["type"].Value));

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

    [GeneratedRegex(@"\b(HostAddress|SafeMapping|MemoryCalls)\b|\.Mapping\b")]
    private static partial Regex GuestAddress();

    [GeneratedRegex(@"\bunsafe\b")]
    private static partial Regex UnsafeWord();

    [GeneratedRegex(@"\b(class|struct|interface|enum|record) (?<name>[A-Z]\w*)")]
    private static partial Regex TypeDeclaration();

    [GeneratedRegex(@"\[\s*(LibraryImport|DllImport)\b")]
    private static partial Regex ImportAttribute();
}
