using System;
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

    /// <summary>
    /// The pipe is the connection to a machine that is being migrated: nothing is waited for that may never come. It need not be closed
    /// where the stream ends, so that devices are kept until a trailer is there that ends where the data does (0x06, length, JSON). What
    /// cannot be bounded before is an error by its name: sections that come in parts and are unknown here.
    /// </summary>
    public bool IsLive { get; init; }

    /// <summary>
    /// Of a live stream only: told the offset and the value of a PING that stands at the end of what is kept. Its source may wait for the
    /// answer before it sends the rest; as an element it is only found after that.
    /// </summary>
    public Action<long, uint>? KeptPing { get; init; }

    /// <summary>
    /// Of a live stream only: waits for a while, and tells whether nothing came. Asked when what is kept could be all of a stream without a
    /// trailer: if it is whole, device by device up to EOF, the stream ends there. Without it only a trailer or the end of the connection ends it.
    /// </summary>
    public Func<bool>? IsQuiet { get; init; }
}
