using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;
using VmStateGen.Runtime.Linux;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.DirtyTracking;

/// <summary>
/// KVM's dirty rings: each vCPU notes the pages that it writes in a ring of its own, which costs by what is written and not by how large the
/// guest is. A thread reaps them well before they are full.
/// </summary>
/// <remarks>
/// <para>Blind to whatever is not a vCPU, as <see cref="KvmLogTracker"/>. The machine must have KVM_CAP_DIRTY_LOG_RING enabled before its vCPUs
/// are made; it then has no dirty log.</para>
/// <para>A vCPU's thread that leaves KVM_RUN with KVM_EXIT_DIRTY_RING_FULL calls <see cref="HandleFull"/>. Some kernels report that for
/// ever once a ring was full: two more reports with nothing in the ring since, and the fallback takes over, with every page dirty.</para>
/// </remarks>
public sealed class KvmRingTracker : IDirtyTracker
{
    private readonly SafeHandle machine;
    private readonly SafeHandle[] vcpus;
    private readonly KvmSlot[] slots;
    private readonly int entries;
    private readonly IDirtyTracker fallback;
    private Tracking? running;

    /// <param name="machine">Descriptor of the machine. Stays the caller's.</param>
    /// <param name="vcpus">Descriptors of all its vCPUs, the same.</param>
    /// <param name="entries">Entries of a ring: the bytes given to KVM_CAP_DIRTY_LOG_RING divided by 16.</param>
    /// <param name="fallback">What tracks when a ring fails: it must see vCPUs, as <see cref="PagemapTracker"/> does.</param>
    /// <param name="slots">The machine's slots that show RAM blocks.</param>
    public KvmRingTracker(SafeHandle machine, IReadOnlyList<SafeHandle> vcpus, int entries, IDirtyTracker fallback, params IReadOnlyList<KvmSlot> slots)
    {
        ArgumentNullException.ThrowIfNull(machine);
        ArgumentNullException.ThrowIfNull(vcpus);
        ArgumentNullException.ThrowIfNull(fallback);
        ArgumentNullException.ThrowIfNull(slots);
        if (entries < 256 || !int.IsPow2(entries))
            throw new ArgumentOutOfRangeException(nameof(entries), entries, "A ring has a power of two of entries, 256 at least.");
        this.machine = machine;
        this.vcpus = [.. vcpus];
        this.entries = entries;
        this.fallback = fallback;
        this.slots = [.. slots];
    }

    /// <inheritdoc/>
    public string Name => "KVM dirty ring";

    /// <summary>Whether a ring has failed and the fallback tracks instead.</summary>
    public bool HasFallenBack => Volatile.Read(ref running)?.HasFallenBack == true;

    /// <inheritdoc/>
    public RamWriters Sees(RamBlock block) => KvmSlot.Show(slots, block) ? RamWriters.Kvm : RamWriters.None;

    /// <inheritdoc/>
    public IDirtyTracking Start(GuestMemory memory, IReadOnlyList<RamBlock> blocks)
    {
        ArgumentNullException.ThrowIfNull(memory);
        ArgumentNullException.ThrowIfNull(blocks);
        var rings = new KvmRings(machine, vcpus, entries);
        var logging = new KvmLogging(machine);
        try
        {
            logging.Add(slots, blocks);
            var tracking = new Tracking(rings, logging, () => fallback.Start(memory, blocks), entries, blocks, memory.PageSize);
            Volatile.Write(ref running, tracking);
            return tracking;
        }
        catch
        {
            logging.Dispose();
            rings.Dispose();
            throw;
        }
    }

    /// <summary>Empties the rings for a vCPU that has found its own full, so that it can go on.</summary>
    /// <param name="vcpu">Its place in the list that the tracker was made with.</param>
    public void HandleFull(int vcpu) => Volatile.Read(ref running)?.HandleFull(vcpu);

    /// <summary>The state of one tracking, whatever the rings are: a kernel's, or a test's.</summary>
    internal sealed class Tracking : IDirtyTracking
    {
        private readonly object gate = new();
        private readonly IDirtyRings rings;
        private readonly KvmLogging? logging;
        private readonly Func<IDirtyTracking> startFallback;
        private readonly DirtyRingPolicy policy;
        private readonly Dictionary<RamBlock, DirtyBitmap> found = [];
        private readonly Dictionary<uint, KvmSlot> slots = [];
        private readonly ManualResetEventSlim stop = new();
        private readonly Thread reaper;
        private IDirtyTracking? fallback;
        private Exception? failure;
        private bool isEnded;

        public Tracking(IDirtyRings rings, KvmLogging? logging, Func<IDirtyTracking> startFallback, int entries, IReadOnlyList<RamBlock> blocks, int pageSize, IReadOnlyList<KvmSlot>? shown = null)
        {
            this.rings = rings;
            this.logging = logging;
            this.startFallback = startFallback;
            policy = new DirtyRingPolicy(entries);
            foreach (var block in blocks)
                found.Add(block, new DirtyBitmap(block.UsedLength / pageSize, pageSize));
            foreach (var slot in shown ?? logging!.Slots)
                slots.Add(slot.Number, slot);
            reaper = new Thread(ReapInTime) { IsBackground = true, Name = "dirty ring reaper" };
            reaper.Start();
        }

        public bool HasFallenBack => Volatile.Read(ref fallback) != null;

        public void Collect(RamBlock block, DirtyBitmap into)
        {
            lock (gate)
            {
                if (failure != null)
                    throw new InvalidOperationException($"The dirty rings could not be reaped: {failure.Message}", failure);

                // After the reset the pages are protected again, so what is written from now on is another entry.
                Reap();
                found[block].CollectInto(into);
                fallback?.Collect(block, into);
            }
        }

        public void HandleFull(int vcpu)
        {
            lock (gate)
            {
                if (isEnded || fallback != null)
                    return;
                Reap();
                policy.Full(vcpu, rings.Harvested(vcpu));
                if (policy.HasGivenUp)
                    FallBack();
            }
        }

        public void Dispose()
        {
            lock (gate)
            {
                if (isEnded)
                    return;
                isEnded = true;
            }
            stop.Set();
            reaper.Join();
            stop.Dispose();
            logging?.Dispose();
            fallback?.Dispose();
            rings.Dispose();
        }

        private void ReapInTime()
        {
            while (!stop.Wait(policy.Delay))
            {
                lock (gate)
                {
                    try
                    {
                        policy.Reaped(Reap());
                    }
                    catch (Exception e)
                    {
                        // Said to whoever collects: the thread has nobody to tell.
                        failure = e;
                        return;
                    }
                }
            }
        }

        /// <summary>What a vCPU wrote into a ring that is lost is nowhere, so every page counts as written.</summary>
        private void FallBack()
        {
            Volatile.Write(ref fallback, startFallback());
            foreach (var bitmap in found.Values)
                bitmap.SetAll();
        }

        private int Reap() => rings.Reap((number, page) =>
        {
            // Slots of other uses of the log are none of ours.
            if (slots.TryGetValue(number, out var slot) && (long)page < slot.PageCount)
                slot.Mark(found[slot.Block], (long)page, 1);
        });
    }
}

/// <summary>The rings of all vCPUs.</summary>
internal interface IDirtyRings : IDisposable
{
    /// <summary>Harvests every ring and has the entries reset.</summary>
    /// <param name="found">Called with slot and page of each entry.</param>
    /// <returns>Entries of the fullest ring.</returns>
    int Reap(Action<uint, ulong> found);

    /// <summary>Entries that were taken from a vCPU's ring so far.</summary>
    long Harvested(int vcpu);
}

/// <summary>A KVM machine's rings, mapped from its vCPUs.</summary>
internal sealed unsafe class KvmRings : IDirtyRings
{
    private readonly SafeHandle machine;
    private readonly List<(SafeMapping Mapping, DirtyRing Ring)> rings = [];

    public KvmRings(SafeHandle machine, IReadOnlyList<SafeHandle> vcpus, int entries)
    {
        this.machine = machine;
        var page = Environment.SystemPageSize;
        try
        {
            foreach (var vcpu in vcpus)
            {
                var mapping = SafeMapping.File(
                    vcpu, (long)TrackingLibc.KvmRingPageOffset * page, (long)entries * sizeof(KvmDirtyPage), page, isShared: true,
                    "The vCPU has no ring of that size: enable KVM_CAP_DIRTY_LOG_RING before vCPUs are made.");
                rings.Add((mapping, new DirtyRing()));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public int Reap(Action<uint, ulong> found)
    {
        var most = 0;
        foreach (var (mapping, ring) in rings)
            most = Math.Max(most, ring.Harvest(new Span<KvmDirtyPage>((void*)mapping.Address, (int)(mapping.Length / sizeof(KvmDirtyPage))), found));
        if (most > 0)
            KvmCalls.ResetDirtyRings(machine);
        return most;
    }

    public long Harvested(int vcpu) => rings[vcpu].Ring.Harvested;

    public void Dispose()
    {
        foreach (var (mapping, _) in rings)
            mapping.Dispose();
    }
}
