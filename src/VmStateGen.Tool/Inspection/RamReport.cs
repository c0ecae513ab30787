using System.Collections.Generic;
using System.Linq;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Tool.Inspection;

/// <summary>RAM by block.</summary>
internal sealed class RamReport(int pageSize, IReadOnlyList<RamBlockReport> blocks)
{
    public int PageSize { get; } = pageSize;

    public IReadOnlyList<RamBlockReport> Blocks { get; } = blocks;

    public bool IsMapped => Blocks.Any(block => block.Block.Mapped != null);

    public RamBlockReport? Find(string name) => Blocks.FirstOrDefault(block => block.Block.Name == name);
}

/// <summary>What a stream has of one RAM block. Pages are counted once, by what was sent of them last.</summary>
internal sealed class RamBlockReport(RamBlockEntry block, int pageSize)
{
    public RamBlockEntry Block { get; } = block;

    public long Pages { get; } = (block.UsedLength + pageSize - 1) / pageSize;

    /// <summary>Pages that hold data.</summary>
    public long Normal { get; set; }

    /// <summary>Pages of zeros; in a mapped-ram file those that are not in the bitmap.</summary>
    public long Zero { get; set; }

    /// <summary>Pages of which the stream has nothing: of a block that is shared, or sent on other channels.</summary>
    public long Missing => Pages - Normal - Zero;

    /// <summary>Records, pages that were sent again included.</summary>
    public long Records { get; set; }

    /// <summary>Records that are differences (xbzrle).</summary>
    public long Differences { get; set; }

    /// <summary>Records that are compressed.</summary>
    public long Compressed { get; set; }

    /// <summary>Payload bytes.</summary>
    public long Bytes { get; set; }

    /// <summary>A sum over addresses and contents of all pages sent, if it was asked for: two streams of equal sums hold the same.</summary>
    public ulong? Checksum { get; set; }
}
