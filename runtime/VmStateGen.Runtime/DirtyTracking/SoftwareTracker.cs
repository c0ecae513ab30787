using System.Collections.Generic;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.DirtyTracking;

/// <summary>
/// The runtime's own writes, by a <see cref="DirtyLog"/>. Costs a bit set for each write. Blind to whatever is written past
/// <see cref="GuestMemory"/> and not marked there.
/// </summary>
public sealed class SoftwareTracker : IDirtyTracker
{
    private SoftwareTracker()
    {
    }

    /// <summary>It has no state of its own.</summary>
    public static SoftwareTracker Instance { get; } = new();

    /// <inheritdoc/>
    public string Name => "software";

    /// <inheritdoc/>
    public RamWriters Sees(RamBlock block) => RamWriters.Runtime;

    /// <inheritdoc/>
    public IDirtyTracking Start(GuestMemory memory, IReadOnlyList<RamBlock> blocks) => new Tracking(memory, blocks);

    private sealed class Tracking(GuestMemory memory, IReadOnlyList<RamBlock> blocks) : IDirtyTracking
    {
        // No blocks would mean all.
        private readonly DirtyLog? log = blocks.Count == 0 ? null : memory.StartDirtyLog("tracker", [.. blocks]);

        public void Collect(RamBlock block, DirtyBitmap into) => log![block].CollectInto(into);

        public void Dispose() => log?.Dispose();
    }
}
