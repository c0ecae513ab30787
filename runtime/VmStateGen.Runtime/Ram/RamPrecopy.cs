using System;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Ram;

/// <summary>Guest RAM as the section <c>ram</c> that QEMU has (qemu-migration.md §5.1–5.3): sent while the guest runs, and again what it writes.</summary>
/// <remarks>
/// Sees the writes that the software tracker sees (<see cref="DirtyLog"/>), in a log of its own that lasts as long as the migration: a failed one
/// takes nothing from anybody, and the next begins with all pages.
/// </remarks>
public sealed class RamPrecopy : IIterativeHandler
{
    private readonly GuestMemory memory;
    private RamSaver? saver;
    private RamLoader? loader;
    private RamTraffic traffic = new(0, 0, 0, 0, 0, 0, 0);

    internal RamPrecopy(GuestMemory memory) => this.memory = memory;

    /// <inheritdoc/>
    public uint Version => QemuWire.RamVersion;

    /// <inheritdoc/>
    public bool IsActive => MigratableBlocks(memory).Length > 0;

    /// <summary>What was moved so far, or by the last migration. Any thread; the numbers may be of different moments.</summary>
    public RamTraffic Traffic => saver?.Traffic ?? loader?.Traffic ?? traffic;

    /// <inheritdoc/>
    public void Setup(IterationOutput output, MigrationFeatures features)
    {
        saver = new RamSaver(memory);
        saver.Setup(output, features);
    }

    /// <inheritdoc/>
    public void Iterate(IterationOutput output, long budget) => Saver.Iterate(output, budget);

    /// <inheritdoc/>
    public PendingData QueryPending(bool exact)
    {
        if (exact)
            Saver.Synchronize();
        return new PendingData(Saver.RemainingBytes);
    }

    /// <inheritdoc/>
    public void Complete(IterationOutput output) => Saver.Complete(output);

    /// <summary>Says what the destination lacks, once the guest is stopped: the rest goes by postcopy.</summary>
    internal void SwitchToPostcopy(Postcopy.UnsentPages unsent) => Saver.HandOver(unsent);

    /// <inheritdoc/>
    public void SetupLoad(MigrationFeatures features) => loader = new RamLoader(memory, features);

    /// <inheritdoc/>
    public void Load(StreamCursor input, SectionKind kind, uint version)
    {
        if (version != QemuWire.RamVersion)
            throw new VmStateException($"version {QemuWire.RamVersion}", $"version {version}", input.Position);
        (loader ?? throw new InvalidOperationException("Loading has not begun.")).Load(input, kind);
    }

    /// <inheritdoc/>
    public void Cleanup()
    {
        traffic = Traffic;
        saver?.Dispose();
        (saver, loader) = (null, null);
    }

    internal static RamBlock[] MigratableBlocks(GuestMemory memory) => Array.FindAll([.. memory.Blocks], static block => block.IsMigratable);

    /// <summary>Whether both sides map the block, so that it is not moved (qemu-migration.md §5.11).</summary>
    internal static bool IsIgnored(RamBlock block, MigrationFeatures features) => features.IgnoreShared && block.IsShared && block.File != null;

    /// <summary>Where the guest sees the block's first byte; 0 if it does not.</summary>
    internal static ulong GuestAddress(GuestMemory memory, RamBlock block)
    {
        foreach (var range in memory.Ranges)
        {
            if (range.Block == block && range.Offset == 0)
                return range.Address;
        }
        return 0;
    }

    private RamSaver Saver => saver ?? throw new InvalidOperationException("Saving has not begun.");
}

/// <summary>How much RAM was moved: the numbers of QEMU's query-migrate (qemu-migration.md §6.3).</summary>
/// <param name="Total">Bytes of RAM, those included that are not moved because they are shared.</param>
/// <param name="Remaining">Bytes that are known to be dirty.</param>
/// <param name="Transferred">Bytes of the section's pages, headers included.</param>
/// <param name="ZeroPages">Pages that were zeros (QEMU: duplicate).</param>
/// <param name="NormalPages">Pages that were sent as they are.</param>
/// <param name="DirtySyncCount">How often the tracker was asked.</param>
/// <param name="DirtyPagesPerSecond">Newly dirtied, measured over a second at least; 0 before.</param>
public sealed record RamTraffic(
    long Total, long Remaining, long Transferred, long ZeroPages, long NormalPages, long DirtySyncCount, long DirtyPagesPerSecond);
