using System;
using System.Collections.Generic;
using VmStateGen.Runtime.DirtyTracking;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Ram;

/// <summary>Guest RAM as the section <c>ram</c> that QEMU has (qemu-migration.md §5.1–5.3): sent while the guest runs, and again what it writes.</summary>
/// <remarks>
/// Sees the writes of the runtime itself (<see cref="DirtyLog"/>) and those that <see cref="Tracker"/> sees, from the start of a migration to its
/// end: a failed one takes nothing from anybody, and the next begins with all pages.
/// </remarks>
public sealed class RamPrecopy : IIterativeHandler
{
    private readonly GuestMemory memory;
    private RamSaver? saver;
    private RamLoader? loader;
    private RamTraffic traffic = new(0, 0, 0, 0, 0, 0, 0);

    internal RamPrecopy(GuestMemory memory) => this.memory = memory;

    /// <summary>
    /// What sees the writes that <see cref="GuestMemory"/> does not make itself, such as the vCPUs'; the runtime's own are seen in any case. A
    /// change holds for the next migration.
    /// </summary>
    public IDirtyTracker Tracker { get; set; } = SoftwareTracker.Instance;

    /// <summary>Why the machine cannot be migrated away: writers of a block that nobody sees. Empty if it can.</summary>
    public IReadOnlyList<string> UnseenWriters
    {
        get
        {
            var tracker = AllTrackers;
            var reasons = new List<string>();
            foreach (var block in MigratableBlocks(memory))
            {
                if ((block.Writers & ~tracker.Sees(block)) is not 0 and var unseen)
                    reasons.Add($"dirty tracking: {block.Name} is written by {unseen}, which {tracker.Name} does not see");
            }
            return reasons;
        }
    }

    /// <inheritdoc/>
    public uint Version => QemuWire.RamVersion;

    /// <inheritdoc/>
    public bool IsActive => MigratableBlocks(memory).Length > 0;

    /// <summary>What was moved so far, or by the last migration. Any thread; the numbers may be of different moments.</summary>
    public RamTraffic Traffic => saver?.Traffic ?? loader?.Traffic ?? traffic;

    /// <inheritdoc/>
    public void Setup(IterationOutput output, MigrationFeatures features)
    {
        saver = new RamSaver(memory, AllTrackers);
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

    /// <summary>Says of each block what the destination lacks, once the guest is stopped: the rest goes by postcopy.</summary>
    internal IReadOnlyList<PagesLeft> SwitchToPostcopy() => Saver.HandOver();

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

    /// <summary>What loads, while something does.</summary>
    internal RamLoader? Loader => loader;

    private IDirtyTracker AllTrackers => new CombinedTracker(SoftwareTracker.Instance, Tracker);

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
    long Total, long Remaining, long Transferred, long ZeroPages, long NormalPages, long DirtySyncCount, long DirtyPagesPerSecond)
{
    /// <summary>XBZRLE; <see langword="null"/> where it is not on.</summary>
    public XbzrleTraffic? Xbzrle { get; init; }
}
