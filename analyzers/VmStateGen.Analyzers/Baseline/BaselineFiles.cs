using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;
using VmStateGen.Schema;

namespace VmStateGen.Analyzers;

/// <summary>The baseline files among a project's additional files. A text is read once, however many compilations see it.</summary>
internal static class BaselineFiles
{
    private static readonly ConditionalWeakTable<SourceText, BaselineFile> Known = new();

    public static bool Any(ImmutableArray<AdditionalText> files) => files.Any(file => BaselineSet.IsBaseline(file.Path));

    /// <summary>All of them together. Names are paths, so that problems say where they are.</summary>
    public static BaselineSet Load(ImmutableArray<AdditionalText> files, CancellationToken cancel) => BaselineSet.Combine(Read(files, cancel));

    private static IEnumerable<BaselineFile> Read(ImmutableArray<AdditionalText> files, CancellationToken cancel)
    {
        var lines = new Dictionary<string, BaselineLine>();
        foreach (AdditionalText file in files.Where(file => BaselineSet.IsBaseline(file.Path)))
        {
            cancel.ThrowIfCancellationRequested();
            if (file.GetText(cancel) is SourceText text)
                yield return Read(file.Path, text, lines);
        }
    }

    public static BaselineFile Read(string path, SourceText text, IDictionary<string, BaselineLine>? lines = null)
    {
        if (Known.TryGetValue(text, out BaselineFile known) && known.Name == path)
            return known;
        BaselineFile file = BaselineFile.Parse(path, text.ToString(), lines);
        if (known is null)
            Known.GetValue(text, _ => file);
        return file;
    }
}
