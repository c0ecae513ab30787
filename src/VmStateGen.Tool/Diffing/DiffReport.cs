using System.Collections.Generic;
using System.Linq;

namespace VmStateGen.Tool.Diffing;

/// <summary>What differs between two streams: what text and JSON are rendered from.</summary>
/// <param name="Streams">Machine, page size, capabilities.</param>
/// <param name="Sections">Sections that differ, in the order of the first stream, then those of the second one only.</param>
/// <param name="Blocks">RAM blocks that differ.</param>
/// <param name="Ignored">Differences that a pattern has left out.</param>
internal sealed record DiffReport(
    IReadOnlyList<ValueDifference> Streams, IReadOnlyList<SectionDifference> Sections, IReadOnlyList<BlockDifference> Blocks, int Ignored)
{
    public bool IsSame => Streams.Count == 0 && Sections.Count == 0 && Blocks.Count == 0;

    public int Fields => Sections.Sum(section => section.Fields.Count);

    public long Pages => Blocks.Sum(block => block.Pages);
}

/// <summary>Something that is in both streams, or in one of them.</summary>
/// <param name="Path">What it is.</param>
/// <param name="Type">The trailer's type.</param>
/// <param name="A">Its value in the first stream, null if it is not there.</param>
/// <param name="B">Its value in the second one.</param>
internal sealed record ValueDifference(string Path, string Type, string? A, string? B);

/// <summary>A section that differs.</summary>
/// <param name="Name">Name and instance.</param>
/// <param name="IsInA">The first stream has it.</param>
/// <param name="IsInB">The second one has it.</param>
/// <param name="Fields">Fields that differ; none if only one stream has the section.</param>
internal sealed record SectionDifference(string Name, bool IsInA, bool IsInB, IReadOnlyList<ValueDifference> Fields);

/// <summary>A RAM block that differs.</summary>
/// <param name="Name">The block.</param>
/// <param name="SizeA">Bytes in the first stream, null if it lacks the block.</param>
/// <param name="SizeB">Bytes in the second one.</param>
/// <param name="Pages">Pages that differ; those of the longer block beyond the other's end included.</param>
/// <param name="PageSize">Bytes of a page.</param>
/// <param name="Ranges">Which, as first and number of pages.</param>
internal sealed record BlockDifference(string Name, long? SizeA, long? SizeB, long Pages, int PageSize, IReadOnlyList<(long First, long Count)> Ranges);
