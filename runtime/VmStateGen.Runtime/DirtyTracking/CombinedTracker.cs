using System;
using System.Collections.Generic;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.DirtyTracking;

/// <summary>Several trackers as one: what any of them sees. For example the runtime's own writes and the vCPUs'.</summary>
public sealed class CombinedTracker : IDirtyTracker
{
    private readonly IDirtyTracker[] trackers;

    /// <param name="trackers">At least one; one that is named twice is used once.</param>
    public CombinedTracker(params ReadOnlySpan<IDirtyTracker> trackers)
    {
        var distinct = new List<IDirtyTracker>();
        foreach (var tracker in trackers)
        {
            ArgumentNullException.ThrowIfNull(tracker);
            if (!distinct.Contains(tracker))
                distinct.Add(tracker);
        }
        if (distinct.Count == 0)
            throw new ArgumentException("Expected at least one tracker.", nameof(trackers));
        this.trackers = [.. distinct];
    }

    /// <inheritdoc/>
    public string Name => string.Join(" + ", Array.ConvertAll(trackers, static tracker => tracker.Name));

    /// <inheritdoc/>
    public RamWriters Sees(RamBlock block)
    {
        var seen = RamWriters.None;
        foreach (var tracker in trackers)
            seen |= tracker.Sees(block);
        return seen;
    }

    /// <inheritdoc/>
    public IDirtyTracking Start(GuestMemory memory, IReadOnlyList<RamBlock> blocks)
    {
        var started = new Tracking();
        try
        {
            foreach (var tracker in trackers)
                started.Parts.Add(tracker.Start(memory, blocks));
            return started;
        }
        catch
        {
            started.Dispose();
            throw;
        }
    }

    private sealed class Tracking : IDirtyTracking
    {
        public List<IDirtyTracking> Parts { get; } = [];

        public void Collect(RamBlock block, DirtyBitmap into)
        {
            foreach (var part in Parts)
                part.Collect(block, into);
        }

        public void Dispose()
        {
            foreach (var part in Parts)
                part.Dispose();
        }
    }
}
