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

    /// <summary>
    /// Guesses the end of a section that nothing describes from its footer and what follows; such elements are marked
    /// (<see cref="QemuStreamElement.IsGuessed"/>). Otherwise they are errors.
    /// </summary>
    public bool GuessBounds { get; init; } = true;

    /// <summary>
    /// Bytes of a pipe that are kept at most: from the first section that nothing but the trailer describes, up to the end. Past it such
    /// sections are guessed.
    /// </summary>
    public int SpoolLimit { get; init; } = 32 * 1024 * 1024;
}
