using System;
using System.Collections.Generic;
using VmStateGen.Tool.Inspection;

namespace VmStateGen.Tool.Diffing;

/// <summary>Compares two whole streams.</summary>
internal static class StreamDiffer
{
    /// <param name="a">The first stream, with its image of RAM.</param>
    /// <param name="b">The second one.</param>
    /// <param name="patterns">What to leave out.</param>
    /// <param name="progress">Told the bytes of RAM that were compared.</param>
    public static DiffReport Compare(StreamReport a, StreamReport b, IReadOnlyList<string> patterns, IProgress<long>? progress = null)
    {
        var ignore = new IgnorePatterns(patterns);
        var streams = new List<ValueDifference>();
        Add("machine", a.Configuration?.MachineType, b.Configuration?.MachineType);
        Add("page_size", (a.PageSize ?? a.Ram?.PageSize)?.ToString(), (b.PageSize ?? b.Ram?.PageSize)?.ToString());
        Add("uuid", Uuid(a), Uuid(b));
        IReadOnlyList<SectionDifference> sections = SectionDiffer.Compare(a, b, ignore);
        IReadOnlyList<BlockDifference> blocks = RamDiffer.Compare(a.Image, b.Image, ignore, progress);
        return new DiffReport(streams, sections, blocks, ignore.Count);

        void Add(string what, string? left, string? right)
        {
            if (left != right && !ignore.IgnoresAll(what))
                streams.Add(new ValueDifference(what, "", left, right));
        }
    }

    private static string? Uuid(StreamReport report) =>
        report.Configuration is { Uuid.IsEmpty: false } configuration ? new Guid(configuration.Uuid.Span, bigEndian: true).ToString() : null;
}
