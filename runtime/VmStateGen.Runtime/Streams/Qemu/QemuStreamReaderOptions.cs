using System.Collections.Generic;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>Whether a footer follows each section; machine types of old have none (qemu-migration.md §1.1).</summary>
public enum QemuFooterMode
{
    /// <summary>The first section tells, and all others must be like it.</summary>
    Detect,
    Present,
    Absent,
}

/// <summary>What a reader of a stream may be told; the defaults read every file of a stock QEMU.</summary>
public sealed class QemuStreamReaderOptions
{
    /// <summary>Asked for the bounds of a section before the trailer is; RAM is parsed in any case.</summary>
    public IReadOnlyList<ISectionBounds> Bounds { get; init; } = [];

    /// <summary>Whether sections have footers.</summary>
    public QemuFooterMode Footers { get; init; }

    /// <summary>Target page size in bytes where neither trailer nor configuration says it.</summary>
    public int DefaultPageSize { get; init; } = 4096;

    /// <summary>Looks for the trailer and takes bounds from it. Without it what follows EOF must still be a trailer, or nothing.</summary>
    public bool UseTrailer { get; init; } = true;
}
