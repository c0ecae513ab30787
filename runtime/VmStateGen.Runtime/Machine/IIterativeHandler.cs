using System;
using System.Collections.Generic;
using VmStateGen.Runtime.Ram;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime;

/// <summary>
/// State that is too large to move while the guest stands still, and so is moved while it runs: RAM, and whatever a VMM has of that kind
/// beside it. Its section is START, any number of PARTs and an END (qemu-migration.md §1.3).
/// </summary>
/// <remarks>
/// Calls come from the migration's own thread, one at a time, in the order in which they are declared here; saving and loading never at once.
/// Whatever throws fails the migration.
/// </remarks>
public interface IIterativeHandler
{
    /// <summary>Version of the section that is written; newer ones are refused before they come here.</summary>
    uint Version { get; }

    /// <summary>Whether there is anything to move. Asked once, before <see cref="Setup"/>; if not, there is no section.</summary>
    bool IsActive { get; }

    /// <summary>Starts to save: begins to track changes and writes the data of START. The guest runs.</summary>
    void Setup(IterationOutput output, MigrationFeatures features);

    /// <summary>Writes the data of one PART. The guest runs.</summary>
    /// <param name="output">Where to. Bandwidth is limited there.</param>
    /// <param name="budget">Bytes after which to stop, so that a cancel is heard and bandwidth is measured; a few more are fine.</param>
    void Iterate(IterationOutput output, long budget);

    /// <summary>What is still to be moved.</summary>
    /// <param name="exact">
    /// Takes in what has changed since (a dirty sync, which ends a round); otherwise what is known without effort, which may be too little.
    /// </param>
    PendingData QueryPending(bool exact);

    /// <summary>Writes the data of END: everything that is left. The guest is stopped.</summary>
    void Complete(IterationOutput output);

    /// <summary>Starts to load, before the first byte.</summary>
    void SetupLoad(MigrationFeatures features);

    /// <summary>Loads the data of one START, PART or END, no byte less or more. Nothing in it is trusted.</summary>
    /// <exception cref="VmStateException">It is no such data.</exception>
    void Load(StreamCursor input, SectionKind kind, uint version);

    /// <summary>
    /// Ends tracking and lets go of what saving or loading held, whatever came of it; also after a <see cref="Setup"/> that has thrown. What it
    /// has taken from a tracker that others share and has not moved goes back: the guest may run on here, and be migrated again.
    /// </summary>
    void Cleanup();
}

/// <summary>Bytes still to be moved.</summary>
/// <param name="Precopy">While the guest runs, or stopped.</param>
/// <param name="Stopcopy">Only once it is stopped.</param>
public readonly record struct PendingData(long Precopy, long Stopcopy = 0)
{
    /// <summary>All of them.</summary>
    public long Total => Precopy + Stopcopy;

    public static PendingData operator +(PendingData a, PendingData b) => new(a.Precopy + b.Precopy, a.Stopcopy + b.Stopcopy);
}

/// <summary>What both sides have agreed on, and handlers must know (qemu-migration.md §1.2, §6.1).</summary>
public sealed record MigrationFeatures
{
    /// <summary>Capability x-ignore-shared: blocks that both sides map are not moved (§5.11).</summary>
    public bool IgnoreShared { get; init; }

    /// <summary>Capability xbzrle: a source sends pages that have changed a little as differences, from the second round on (§5.4). A destination takes them in any case.</summary>
    public bool Xbzrle { get; init; }

    /// <summary>Bytes of pages that the source keeps for it; rounded down to a power of two of pages.</summary>
    public long XbzrleCacheSize { get; init; } = 64 << 20;

    /// <summary>With postcopy: bytes of each block's pages at the destination, which RAM's START then says (§5.2).</summary>
    internal IReadOnlyDictionary<string, int>? PostcopyUnits { get; init; }
}

/// <summary>Takes the data of the section that is open, for an <see cref="IIterativeHandler"/>.</summary>
/// <remarks>For the thread that it was given to, during the call.</remarks>
public abstract class IterationOutput : ISectionWriter
{
    /// <summary>Appends bytes.</summary>
    public abstract void Write(ReadOnlySpan<byte> data);

    /// <summary>Appends guest RAM, without a copy. What the guest writes meanwhile may be in it or not.</summary>
    public abstract void Write(IoVector vector);

    void ISectionWriter.BeginSection(SectionHeader section) => throw new NotSupportedException("A handler writes into the section that is open.");

    void ISectionWriter.EndSection() => throw new NotSupportedException("A handler writes into the section that is open.");
}
