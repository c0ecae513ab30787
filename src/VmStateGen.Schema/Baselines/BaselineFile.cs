using System;
using System.Collections.Generic;

namespace VmStateGen.Schema;

/// <summary>A line of a baseline file that says something.</summary>
/// <param name="Number">1-based.</param>
/// <param name="Text">Its words with one space between them, without <c>*REMOVED*</c>.</param>
/// <param name="Key">What it is about: two lines of one key contradict or repeat each other.</param>
/// <param name="Type">Key of the type.</param>
/// <param name="IsRemoval">It retires the key.</param>
public sealed record BaselineLine(int Number, string Text, string Key, string Type, bool IsRemoval);

/// <summary>What is wrong with a file.</summary>
public enum BaselineProblemKind
{
    /// <summary>Neither header nor line can be read.</summary>
    Unreadable,

    /// <summary>Conflict markers of a merge.</summary>
    Conflict,

    /// <summary>Two different lines of one key.</summary>
    Duplicate,

    /// <summary>Two files of one release, or a name and a release that contradict each other.</summary>
    Release,

    /// <summary>There is no such file.</summary>
    Missing,
}

/// <summary>Something wrong with a baseline file.</summary>
/// <param name="Kind">What.</param>
/// <param name="File">The file's name as it was given.</param>
/// <param name="Line">1-based; 0: the file as a whole.</param>
/// <param name="Column">1-based.</param>
/// <param name="Message">Without the place.</param>
/// <param name="OtherLine">The line that it contradicts.</param>
public sealed record BaselineProblem(BaselineProblemKind Kind, string File, int Line, int Column, string Message, int? OtherLine = null);

/// <summary>One baseline file: its lines, and how it is written.</summary>
public sealed class BaselineFile
{
    private const string Removed = "*REMOVED*";

    private BaselineFile(string name) => Name = name;

    /// <summary>As it was given.</summary>
    public string Name { get; }

    /// <summary>What <c>#release</c> says.</summary>
    public string? Release { get; private set; }

    /// <summary>What can be read, without identical duplicates, in the order of the file.</summary>
    public IReadOnlyList<BaselineLine> Lines { get; private set; } = Array.Empty<BaselineLine>();

    /// <summary>Comments, in order; they are kept at the top.</summary>
    public IReadOnlyList<string> Comments { get; private set; } = Array.Empty<string>();

    /// <summary>What is wrong.</summary>
    public IReadOnlyList<BaselineProblem> Problems { get; private set; } = Array.Empty<BaselineProblem>();

    /// <summary>How its lines end.</summary>
    public string NewLine { get; private set; } = "\n";

    /// <summary>Its last line ends too.</summary>
    public bool EndsInNewLine { get; private set; } = true;

    /// <summary>What its lines say together, once that has been asked and is right.</summary>
    internal SchemaSet? Schemas { get; set; }

    /// <summary>Reads a file; whatever is wrong is in <see cref="Problems"/>.</summary>
    /// <param name="name">As messages will say it.</param>
    /// <param name="text">What it says.</param>
    /// <param name="known">Lines that were right in another file: most of a release's are those of the one before.</param>
    public static BaselineFile Parse(string name, string text, IDictionary<string, BaselineLine>? known = null)
    {
        var file = new BaselineFile(name)
        {
            NewLine = text.IndexOf("\r\n", StringComparison.Ordinal) >= 0 ? "\r\n" : "\n",
            EndsInNewLine = text.Length == 0 || text.EndsWith("\n", StringComparison.Ordinal),
        };
        file.Read(text.StartsWith("\ufeff", StringComparison.Ordinal) ? text.Substring(1) : text, known);
        return file;
    }

    /// <summary>The text of a file with these lines, written as this one is.</summary>
    internal string Write(IEnumerable<string> lines, string? release)
    {
        var all = new List<string> { SchemaWriter.Header };
        if (release is not null)
            all.Add("#release " + release);
        all.AddRange(Comments);
        all.AddRange(lines);
        return string.Join(NewLine, all) + (EndsInNewLine ? NewLine : "");
    }

    private void Read(string text, IDictionary<string, BaselineLine>? seen)
    {
        var lines = new List<BaselineLine>();
        var comments = new List<string>();
        var problems = new List<BaselineProblem>();
        var known = new Dictionary<string, BaselineLine>();
        bool hasHeader = false;
        string[] raw = text.Split('\n');
        for (int i = 0; i < raw.Length; i++)
        {
            string content = raw[i].TrimEnd('\r');
            if (IsConflict(content))
            {
                problems.Add(new BaselineProblem(BaselineProblemKind.Conflict, Name, i + 1, 1, "conflict marker of a merge: keep the lines that are right, then delete it"));
                // The lines of both sides would only repeat it.
                break;
            }
            if (content.Trim().Length == 0)
                continue;
            if (!hasHeader)
            {
                hasHeader = true;
                if (content.TrimEnd() == SchemaWriter.Header)
                    continue;
                problems.Add(new BaselineProblem(BaselineProblemKind.Unreadable, Name, i + 1, 1,
                    content.StartsWith("#vmstate-baseline", StringComparison.Ordinal)
                        ? $"unknown format: expected {SchemaWriter.Header}" : $"expected {SchemaWriter.Header} in the first line"));
                break;
            }
            try
            {
                if (content[0] == '#')
                    ReadDirective(content, i + 1, comments);
                else
                    Add(seen is not null && seen.TryGetValue(content, out BaselineLine? same) ? same with { Number = i + 1 } : Keep(content, ReadLine(content, i + 1)));
            }
            catch (SchemaException e)
            {
                problems.Add(new BaselineProblem(BaselineProblemKind.Unreadable, Name, e.Line, e.Column, e.Problem));
            }
        }
        if (!hasHeader && problems.Count == 0)
            problems.Add(new BaselineProblem(BaselineProblemKind.Unreadable, Name, 1, 1, $"expected {SchemaWriter.Header} in the first line"));
        (Lines, Comments, Problems) = (lines, comments, problems);

        BaselineLine Keep(string content, BaselineLine line)
        {
            if (seen is not null)
                seen[content] = line;
            return line;
        }

        void Add(BaselineLine line)
        {
            if (!known.TryGetValue(line.Key, out BaselineLine? first))
            {
                known.Add(line.Key, line);
                lines.Add(line);
            }
            else if (first.IsRemoval != line.IsRemoval || (!line.IsRemoval && first.Text != line.Text))
            {
                problems.Add(new BaselineProblem(BaselineProblemKind.Duplicate, Name, line.Number, 1,
                    $"a second line for {line.Key}; line {first.Number} says: {(first.IsRemoval ? Removed + " " : "")}{first.Text}", first.Number));
            }
        }
    }

    private void ReadDirective(string content, int number, List<string> comments)
    {
        if (!content.StartsWith("#release", StringComparison.Ordinal))
        {
            comments.Add(content);
            return;
        }
        string release = content.Substring("#release".Length).Trim();
        if (!ReleaseVersion.TryParse(release, out _))
            throw new SchemaException($"expected a release such as 1.3 or 2.0.0-rc.1, found {release}", number, "#release ".Length + 1);
        if (Release is not null && Release != release)
            throw new SchemaException($"a second #release; the first says {Release}", number, 1);
        Release = release;
    }

    private static BaselineLine ReadLine(string content, int number)
    {
        var line = new SchemaLine(content, number);
        bool isRemoval = line.Take(Removed);
        string type = line.Token("a type's key");
        int hash = type.LastIndexOf('#');
        string key;
        if (hash >= 0)
        {
            if (!ItemNumber.TryParse(type.Substring(hash + 1), out ItemNumber place))
                throw line.Wrong("expected an ordinal such as 003 or 003.1 behind #", last: true);
            type = type.Substring(0, hash);
            key = $"{type}#{place}";
        }
        else
        {
            string word = line.Token("@section, @state, @enum, @subsection, @removed-subsection or @removed-section");
            key = word switch
            {
                "@section" or "@state" => type + " @type",
                "@enum" => type + " @enum",
                "@subsection" or "@removed-subsection" => $"{type} {word} {SchemaWriter.Quote(line.Quoted("the subsection's name"))}",
                "@removed-section" => $"{word} {SchemaWriter.Quote(line.Quoted("the section's name"))}",
                _ => throw line.Wrong("expected @section, @state, @subsection, @removed-subsection, @removed-section or @enum", last: true),
            };
        }
        string text = line.Canonical;
        if (isRemoval)
            return new BaselineLine(number, text.Substring(Removed.Length + 1), key, type, true);
        SchemaParser.Check(content, number);
        return new BaselineLine(number, text, key, type, false);
    }

    private static bool IsConflict(string line) =>
        line.StartsWith("<<<<<<<", StringComparison.Ordinal) || line.StartsWith(">>>>>>>", StringComparison.Ordinal)
        || line.StartsWith("|||||||", StringComparison.Ordinal) || line == "=======";
}
