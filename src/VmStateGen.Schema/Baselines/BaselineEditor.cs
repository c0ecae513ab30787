using System;
using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Schema;

/// <summary>What becomes of a file.</summary>
/// <param name="Name">Its name, without a folder.</param>
/// <param name="Text">Its new text; null: it is deleted.</param>
public sealed record BaselineEdit(string Name, string? Text);

/// <summary>What the commands of <c>vmstate baseline</c> and the editors' fixes do, as functions of the files' texts.</summary>
public static class BaselineEditor
{
    /// <summary>A file that records nothing yet.</summary>
    public static string Empty => SchemaWriter.Header + "\n";

    /// <summary>The text of VmState.Unshipped.txt that records the current schema. Ordinals that are recorded stay what they are.</summary>
    /// <param name="files">The files as they are.</param>
    /// <param name="current">The code's schema.</param>
    /// <param name="types">Only these types are recorded anew; null: all.</param>
    public static string Accept(BaselineSet files, SchemaSet current, ICollection<string>? types = null)
    {
        Dictionary<string, BaselineLine> shipped = Index(files.Shipped);
        Dictionary<string, BaselineLine> wanted = Index(Numbered(files, current));
        if (types is not null)
        {
            // The others stay as they are recorded.
            Dictionary<string, BaselineLine> recorded = BaselineSet.Merge(files.Shipped, files.Unshipped).ToDictionary(entry => entry.Line.Key, entry => entry.Line);
            wanted = recorded.Values.Where(line => !types.Contains(line.Type)).Concat(wanted.Values.Where(line => types.Contains(line.Type)))
                .GroupBy(line => line.Key).ToDictionary(group => group.Key, group => group.Last());
        }

        IEnumerable<BaselineLine> changed = wanted.Values.Where(line => !shipped.TryGetValue(line.Key, out BaselineLine? before) || before.Text != line.Text);
        List<BaselineLine> gone = shipped.Values.Where(line => !wanted.ContainsKey(line.Key)).ToList();
        var retired = new HashSet<string>(gone.Where(IsHeader).Select(line => line.Type));
        IEnumerable<BaselineLine> removals = gone.Where(line => IsHeader(line) || !retired.Contains(line.Type));
        IEnumerable<string> lines = Sorted(changed).Select(line => line.Text).Concat(Sorted(removals).Select(Removal));
        return (files.Unshipped ?? BaselineFile.Parse(BaselineSet.UnshippedName, Empty)).Write(lines, null);
    }

    /// <summary>
    /// Releases: Unshipped goes into Shipped, which is now the release's; what Shipped was stays as the file of its release.
    /// </summary>
    /// <exception cref="ArgumentException">The release is none, or not above the last one.</exception>
    public static IReadOnlyList<BaselineEdit> Ship(BaselineSet files, string release)
    {
        if (!ReleaseVersion.TryParse(release, out ReleaseVersion? version))
            throw new ArgumentException($"{release} is no release such as 1.3 or 2.0.0-rc.1", nameof(release));
        BaselineFile shipped = files.Shipped ?? BaselineFile.Parse(BaselineSet.ShippedName, Empty);
        foreach (BaselineFile known in files.Files())
        {
            if (ReleaseVersion.TryParse(BaselineSet.Release(known), out ReleaseVersion? before) && version!.CompareTo(before) <= 0)
                throw new ArgumentException($"{release} is not above {before}, which is shipped", nameof(release));
        }

        var edits = new List<BaselineEdit>();
        if (shipped.Release is string last)
            edits.Add(new BaselineEdit(BaselineSet.NameOf(last), shipped.Write(shipped.Lines.Select(line => line.Text), last)));
        IEnumerable<BaselineLine> merged = BaselineSet.Merge(files.Shipped, files.Unshipped).Select(entry => entry.Line);
        edits.Add(new BaselineEdit(BaselineSet.ShippedName, shipped.Write(Sorted(merged).Select(line => line.Text), release)));
        edits.Add(new BaselineEdit(BaselineSet.UnshippedName,
            (files.Unshipped ?? BaselineFile.Parse(BaselineSet.UnshippedName, Empty)).Write(Array.Empty<string>(), null)));
        return edits;
    }

    /// <summary>Whether two texts say the same: a merge leaves the lines of two branches in another order, which is no change.</summary>
    public static bool IsSame(string left, string right)
    {
        BaselineFile a = BaselineFile.Parse("", left), b = BaselineFile.Parse("", right);
        return a.Problems.Count == 0 && b.Problems.Count == 0 && a.Release == b.Release
            && new HashSet<(string, bool)>(a.Lines.Select(line => (line.Text, line.IsRemoval))).SetEquals(b.Lines.Select(line => (line.Text, line.IsRemoval)));
    }

    /// <summary>Gives the second of two different lines of one key an ordinal of its own, behind the first: both branches added a field there.</summary>
    /// <param name="text">The file.</param>
    /// <param name="problem">A <see cref="BaselineProblemKind.Duplicate"/> of it.</param>
    /// <returns>Null if the key has no ordinal.</returns>
    public static string? Renumber(string text, BaselineProblem problem)
    {
        string[] lines = text.Split('\n');
        string line = lines[problem.Line - 1];
        int end = line.IndexOf(' '), hash = end < 0 ? -1 : line.LastIndexOf('#', end);
        if (hash < 0 || !ItemNumber.TryParse(line.Substring(hash + 1, end - hash - 1), out ItemNumber number))
            return null;
        string type = line.Substring(0, hash);
        var used = new HashSet<ItemNumber>(lines.Select(other => other.Split(' ')[0]).Where(key => key.StartsWith(type + "#", StringComparison.Ordinal))
            .Select(key => ItemNumber.TryParse(key.Substring(hash + 1), out ItemNumber found) ? found : default));
        ItemNumber? next = used.Where(other => other.CompareTo(number) > 0).OrderBy(other => other).Select(other => (ItemNumber?)other).FirstOrDefault();
        lines[problem.Line - 1] = $"{type}#{ItemNumber.Between(number, next)}{line.Substring(end)}";
        return string.Join("\n", lines);
    }

    private static BaselineFile Numbered(BaselineSet files, SchemaSet current)
    {
        var numbered = new SchemaSet();
        foreach (StateSchema state in current.States)
            numbered.Add(Ordinals.Assign(state, files.Recorded.Find(state.Key), Ordinals.Used(files, state.Key)));
        foreach (EnumSchema value in current.Enums)
            numbered.Add(value);
        foreach (RemovedSectionSchema removed in current.RemovedSections)
            numbered.Add(removed);
        return BaselineFile.Parse("", SchemaWriter.Header + "\n" + SchemaWriter.Write(numbered));
    }

    private static Dictionary<string, BaselineLine> Index(BaselineFile? file) =>
        file is null ? new() : file.Lines.Where(line => !line.IsRemoval).ToDictionary(line => line.Key);

    private static bool IsHeader(BaselineLine line) => line.Key == line.Type + " @type";

    private static string Removal(BaselineLine line)
    {
        // A key and, for people, the name of a section.
        string[] words = line.Text.Split(new[] { ' ' }, 3);
        string text = line.Key == line.Type + " @type" ? $"{words[0]} {words[1]} {Name(words[2])}"
            : line.Key[0] == '@' ? $"{line.Type} {line.Key}" : line.Key;
        return "*REMOVED* " + text;

        static string Name(string rest) => SchemaWriter.Quote(new SchemaLine(rest, 0).Quoted("the name"));
    }

    private static IEnumerable<BaselineLine> Sorted(IEnumerable<BaselineLine> lines) => lines
        .OrderBy(line => line.Type, StringComparer.Ordinal).ThenBy(Rank).ThenBy(Number).ThenBy(line => Rank(line) == 1 ? "" : line.Key[0] == '@' ? line.Key : "", StringComparer.Ordinal);

    private static int Rank(BaselineLine line) =>
        IsHeader(line) ? 0 : line.Key.StartsWith(line.Type + "#", StringComparison.Ordinal) ? 1 : line.Key.IndexOf(" @subsection ", StringComparison.Ordinal) > 0 ? 2 : 3;

    private static ItemNumber Number(BaselineLine line) =>
        Rank(line) == 1 && ItemNumber.TryParse(line.Key.Substring(line.Type.Length + 1), out ItemNumber number) ? number : default;
}
