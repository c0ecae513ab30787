using System;
using System.Collections.Generic;
using System.Threading;

namespace VmStateGen.Runtime.DirtyTracking;

/// <summary>struct kvm_dirty_gfn: a page that a vCPU has written.</summary>
internal struct KvmDirtyPage
{
    public const uint Dirty = 1 << 0;
    public const uint Reset = 1 << 1;

    public uint Flags;
    public uint Slot;
    public ulong Page;
}

/// <summary>
/// One vCPU's ring of dirty pages. The kernel fills entries in order and marks them dirty; whoever harvests them marks them to be reset, in
/// order too; a reset call then frees them and protects their pages again (linux/kvm.h, "KVM dirty GFN flags").
/// </summary>
internal sealed class DirtyRing
{
    private uint next;

    /// <summary>Entries that were taken so far.</summary>
    public long Harvested { get; private set; }

    /// <summary>Takes every entry that is dirty now.</summary>
    /// <param name="entries">The ring: a power of two of entries.</param>
    /// <param name="found">Called for each.</param>
    /// <returns>How many. They are reused after the next reset.</returns>
    public int Harvest(Span<KvmDirtyPage> entries, Action<uint, ulong> found)
    {
        var count = 0;
        for (; count < entries.Length; count++)
        {
            ref var entry = ref entries[(int)(next & (uint)(entries.Length - 1))];

            // The flag is written last by the kernel, and read first here.
            if (Volatile.Read(ref entry.Flags) != KvmDirtyPage.Dirty)
                break;
            found(entry.Slot, entry.Page);
            Volatile.Write(ref entry.Flags, KvmDirtyPage.Reset);
            next++;
        }
        Harvested += count;
        return count;
    }
}

/// <summary>When rings are reaped, and when to give up on them. Follows from what was reaped; no clock.</summary>
internal sealed class DirtyRingPolicy
{
    /// <summary>A vCPU that finds its ring full stands still, and KVM may never let it go on (performance.md): reaped at a quarter.</summary>
    private const int Share = 4;

    private const int FullsToGiveUp = 2;

    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(50);

    private readonly int capacity;
    private readonly Dictionary<int, (long Harvested, int Count)> emptyFulls = [];

    public DirtyRingPolicy(int capacity)
    {
        this.capacity = capacity;
        Delay = Shortest;
    }

    /// <summary>How long until the rings are to be reaped again.</summary>
    public TimeSpan Delay { get; private set; }

    /// <summary>A vCPU has said again that its ring is full while nothing was in it, twice in a row: it will say so for ever.</summary>
    public bool HasGivenUp { get; private set; }

    /// <summary>Takes in what was reaped.</summary>
    /// <param name="most">Entries of the fullest ring.</param>
    public void Reaped(int most)
    {
        // Half the time that filling the share takes; a guest that starts to write all at once then meets an almost empty ring.
        var next = most == 0 ? Delay * 2 : Delay * ((double)capacity / Share / most / 2);
        Delay = next < Shortest ? Shortest : next > Delay * 2 ? Min(Delay * 2, Longest) : Min(next, Longest);
    }

    /// <summary>Takes in that a vCPU has left KVM_RUN because its ring is full.</summary>
    /// <param name="vcpu">Which.</param>
    /// <param name="harvested">Entries that were taken from its ring so far, those that it then had included.</param>
    public void Full(int vcpu, long harvested)
    {
        // The reaper may have been there first, so that a ring is empty once is nothing; that it has got nothing since the last time is.
        var count = emptyFulls.TryGetValue(vcpu, out var last) && last.Harvested == harvested ? last.Count + 1 : 0;
        emptyFulls[vcpu] = (harvested, count);
        HasGivenUp |= count >= FullsToGiveUp;
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
