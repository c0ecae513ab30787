using System.Collections.Generic;
using System.Linq;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Tool.Inspection;

/// <summary>RAM by block.</summary>
/// <param name="PageSize">Target page size in bytes.</param>
/// <param name="Blocks">Pages of each block, by what was said of them last.</param>
/// <param name="Records">Records by kind, those of pages that came again included; none in a mapped-ram file.</param>
/// <param name="PayloadBytes">Bytes of their payloads.</param>
/// <param name="Contents">
/// Where asked for, a sum over addresses and contents of each block's pages: a changed byte changes it, wherever it is.
/// </param>
internal sealed record RamReport(
    int PageSize,
    IReadOnlyList<RamBlockStatistics> Blocks,
    IReadOnlyDictionary<RamRecordKind, long> Records,
    long PayloadBytes,
    IReadOnlyList<ulong>? Contents)
{
    public bool IsMapped => Blocks.Any(block => block.Block.Mapped != null);
}
