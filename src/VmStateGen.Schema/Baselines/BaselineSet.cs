using System;
using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Schema;

/// <summary>The baseline files of a project: what releases wrote, and what has been recorded since.</summary>
public sealed class BaselineSet
{
    /// <summary>What the last release wrote.</summary>
    public const string ShippedName = "VmState.Shipped.txt";

    /// <summary>What has changed since.</summary>
    public const string UnshippedName = "VmState.Unshipped.txt";

    private readonly List<BaselineProblem> problems = new();

    private BaselineSet()
    {
    }

    /// <summary>The last release's file, if there is one.</summary>
    public BaselineFile? Shipped { get; private set; }

    /// <summary>The file of changes, if there is one.</summary>
    public BaselineFile? Unshipped { get; private set; }

    /// <summary>Files of older releases, the oldest first.</summary>
    public IReadOnlyList<BaselineFile> Older { get; private set; } = Array.Empty<BaselineFile>();

    /// <summary>What is wrong with the files (rule 34).</summary>
    public IReadOnlyList<BaselineProblem> Problems => problems;

    /// <summary>What the code should have: Unshipped over Shipped.</summary>
    public SchemaSet Recorded { get; private set; } = new();

    /// <summary>Whether a file of that name is a baseline, whatever folder it is in.</summary>
    public static bool IsBaseline(string path) => FileName(path) is UnshippedName or ShippedName || ReleaseOf(path) is not null;

    /// <summary>The name of an older release's file.</summary>
    public static string NameOf(string release) => $"VmState.Shipped.{release}.txt";

    /// <summary>Reads the files; what is none of ours is passed over.</summary>
    /// <param name="files">Names (or paths) and texts.</param>
    public static BaselineSet Load(IEnumerable<(string Name, string Text)> files) =>
        Combine(files.Where(file => IsBaseline(file.Name)).Select(file => BaselineFile.Parse(file.Name, file.Text)));

    /// <summary>Puts files together that are read already: a file that did not change need not be read again.</summary>
    public static BaselineSet Combine(IEnumerable<BaselineFile> files)
    {
        var set = new BaselineSet();
        var older = new List<BaselineFile>();
        foreach (BaselineFile file in files)
        {
            set.problems.AddRange(file.Problems);
            if (FileName(file.Name) == UnshippedName)
                set.Unshipped = set.Only(set.Unshipped, file);
            else if (FileName(file.Name) == ShippedName)
                set.Shipped = set.Only(set.Shipped, file);
            else
                older.Add(file);
        }
        set.Older = older.OrderBy(Release, ReleaseVersion.NameComparer).ToList();
        set.CheckReleases();
        foreach (BaselineFile file in set.Files())
            set.SchemasOf(file);
        // Right after a release they are the same.
        set.Recorded = set.Shipped is not null && set.Unshipped is not { Lines.Count: > 0 } ? set.SchemasOf(set.Shipped) : set.Read(Merge(set.Shipped, set.Unshipped));
        return set;
    }

    /// <summary>What each supported release wrote, the oldest first.</summary>
    /// <param name="oldest">The support window: releases below are not supported; null: all are.</param>
    public IReadOnlyList<Baseline> Supported(string? oldest = null) =>
        Files().Where(file => IsSupported(file, oldest)).Select(file => new Baseline(Release(file), SchemasOf(file))).ToList();

    /// <summary>
    /// Everything that the rules say of the current schema: against every supported release, and against what is recorded (32–34).
    /// </summary>
    public CompatibilityReport Check(SchemaSet current, CompatibilityDirection direction = CompatibilityDirection.Backward, string? oldest = null)
    {
        // Half a baseline would make every missing line a change.
        if (problems.Count > 0)
            return new CompatibilityReport(problems.Select(Broken).ToEquatableArray());
        IReadOnlyList<(StateSchema Section, Baseline Release)> retired = RetiredNames.Find(Supported(), current);
        var names = new HashSet<string>(retired.Select(entry => entry.Section.Name));
        IEnumerable<Baseline> supported = Supported(oldest).Select(release => RetiredNames.Without(release, names));
        var report = new CompatibilityReport(retired.Select(entry => RetiredNames.ToFinding(entry.Section, entry.Release))
            .Concat(CompatibilityChecker.Compare(supported, current, direction).Findings).ToEquatableArray());
        List<Finding> records = RecordComparison.Compare(Recorded, current, report).ToList();
        var stale = new HashSet<string>(records.Select(finding => finding.Type));
        return new CompatibilityReport(report.Findings.Where(finding => finding.Verdict > Verdict.Info || !stale.Contains(finding.Type))
            .Concat(records).OrderBy(finding => finding.Type, StringComparer.Ordinal).ToEquatableArray());
    }

    /// <summary>All files of releases, the oldest first.</summary>
    internal IEnumerable<BaselineFile> Files() => Shipped is null ? Older : Older.Concat(new[] { Shipped });

    internal static string? Release(BaselineFile file) => file.Release ?? ReleaseOf(file.Name);

    internal static bool IsSupported(BaselineFile file, string? oldest) =>
        oldest is null || !ReleaseVersion.TryParse(oldest, out ReleaseVersion? first) || !ReleaseVersion.TryParse(Release(file), out ReleaseVersion? release)
        || release!.CompareTo(first) >= 0;

    /// <summary>Shipped with the lines of Unshipped in their places.</summary>
    internal static IEnumerable<(BaselineFile File, BaselineLine Line)> Merge(BaselineFile? shipped, BaselineFile? unshipped)
    {
        Dictionary<string, BaselineLine> changes = (unshipped?.Lines ?? Array.Empty<BaselineLine>()).ToDictionary(line => line.Key);
        // Without its own line a type has nothing left.
        var retired = new HashSet<string>(changes.Values.Where(line => line.IsRemoval && line.Key == line.Type + " @type").Select(line => line.Type));
        foreach (BaselineLine line in shipped?.Lines ?? Array.Empty<BaselineLine>())
        {
            if (!changes.ContainsKey(line.Key) && !retired.Contains(line.Type))
                yield return (shipped!, line);
        }
        foreach (BaselineLine line in (unshipped?.Lines ?? Array.Empty<BaselineLine>()).Where(line => !line.IsRemoval))
            yield return (unshipped!, line);
    }

    /// <summary>What one file says; kept with the file.</summary>
    private SchemaSet SchemasOf(BaselineFile file)
    {
        if (file.Schemas is not null)
            return file.Schemas;
        int before = problems.Count;
        SchemaSet schemas = Read(file.Lines.Select(line => (file, line)));
        if (problems.Count == before)
            file.Schemas = schemas;
        return schemas;
    }

    private SchemaSet Read(IEnumerable<(BaselineFile File, BaselineLine Line)> lines)
    {
        List<(BaselineFile File, BaselineLine Line)> all = lines.Where(entry => !entry.Line.IsRemoval).ToList();
        try
        {
            return SchemaParser.Parse(all.Select((entry, index) => (entry.Line.Text, index + 1)));
        }
        catch (SchemaException e)
        {
            (BaselineFile file, BaselineLine line) = all[e.Line - 1];
            var problem = new BaselineProblem(BaselineProblemKind.Unreadable, file.Name, line.Number, e.Column, e.Problem);
            if (!problems.Contains(problem))
                problems.Add(problem);
            return new SchemaSet();
        }
    }

    private BaselineFile Only(BaselineFile? known, BaselineFile file)
    {
        if (known is not null)
            problems.Add(new BaselineProblem(BaselineProblemKind.Release, file.Name, 0, 0, $"{known.Name} is there too"));
        return known ?? file;
    }

    private void CheckReleases()
    {
        foreach (BaselineFile file in Older.Where(file => file.Release is string release && ReleaseOf(file.Name) is string name && !IsSame(release, name)))
            problems.Add(new BaselineProblem(BaselineProblemKind.Release, file.Name, 1, 1, $"it says #release {file.Release}, its name {ReleaseOf(file.Name)}"));
        List<BaselineFile> files = Files().Where(file => Release(file) is not null).ToList();
        for (int i = 0; i < files.Count; i++)
        {
            if (files.Take(i).FirstOrDefault(other => IsSame(Release(other)!, Release(files[i])!)) is BaselineFile same)
                problems.Add(new BaselineProblem(BaselineProblemKind.Release, files[i].Name, 1, 1, $"{same.Name} is of release {Release(same)} too"));
        }

        static bool IsSame(string left, string right) =>
            ReleaseVersion.TryParse(left, out ReleaseVersion? a) && ReleaseVersion.TryParse(right, out ReleaseVersion? b) ? a!.Equals(b) : left == right;
    }

    private static Finding Broken(BaselineProblem problem) => new()
    {
        Rule = CompatibilityRule.BrokenBaseline,
        Verdict = Verdict.Error,
        Type = problem.File,
        IsTypeGone = true,
        Message = problem.Line > 0 ? $"line {problem.Line}, column {problem.Column}: {problem.Message}" : problem.Message,
    };

    private static string? ReleaseOf(string path)
    {
        string name = FileName(path);
        const string Start = "VmState.Shipped.", End = ".txt";
        if (!name.StartsWith(Start, StringComparison.Ordinal) || !name.EndsWith(End, StringComparison.Ordinal) || name.Length <= Start.Length + End.Length)
            return null;
        string release = name.Substring(Start.Length, name.Length - Start.Length - End.Length);
        return ReleaseVersion.TryParse(release, out _) ? release : null;
    }

    private static string FileName(string path) => path.Substring(path.LastIndexOfAny(new[] { '/', '\\' }) + 1);
}
