using System;
using System.Collections.Generic;
using System.Numerics;
using System.Runtime.InteropServices;
using VmStateGen.Runtime.Linux;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.DirtyTracking;

/// <summary>
/// KVM's dirty log: what vCPUs write. With manual protection (Linux 5.1) the log is read without a lock over all of the guest and cleared in
/// pieces, so that a large guest never waits long for it.
/// </summary>
/// <remarks>Blind to whatever is not a vCPU: the VMM's own writes, other processes, hardware. The slots must stay as they are while it tracks.</remarks>
public sealed class KvmLogTracker : IDirtyTracker
{
    // 1 GiB of guest: what is cleared under one hold of KVM's lock.
    private const int PagesAtOnce = 1 << 18;

    private readonly SafeHandle machine;
    private readonly KvmSlot[] slots;
    private readonly bool hasManualProtect;

    /// <param name="machine">Descriptor of the machine (KVM_CREATE_VM). Stays the caller's. Manual protection is turned on for it.</param>
    /// <param name="slots">Its slots that show RAM blocks.</param>
    public KvmLogTracker(SafeHandle machine, params IReadOnlyList<KvmSlot> slots)
    {
        ArgumentNullException.ThrowIfNull(machine);
        ArgumentNullException.ThrowIfNull(slots);
        this.machine = machine;
        this.slots = [.. slots];
        hasManualProtect = KvmCalls.TryEnableManualProtect(machine);
    }

    /// <inheritdoc/>
    public string Name => "KVM dirty log";

    /// <inheritdoc/>
    public RamWriters Sees(RamBlock block) => KvmSlot.Show(slots, block) ? RamWriters.Kvm : RamWriters.None;

    /// <inheritdoc/>
    public IDirtyTracking Start(GuestMemory memory, IReadOnlyList<RamBlock> blocks)
    {
        ArgumentNullException.ThrowIfNull(blocks);
        var tracking = new Tracking(machine, hasManualProtect);
        try
        {
            tracking.Logging.Add(slots, blocks);
            return tracking;
        }
        catch
        {
            tracking.Dispose();
            throw;
        }
    }

    private sealed class Tracking(SafeHandle machine, bool hasManualProtect) : IDirtyTracking
    {
        private ulong[] words = [];

        public KvmLogging Logging { get; } = new(machine);

        public void Collect(RamBlock block, DirtyBitmap into)
        {
            foreach (var slot in Logging.Slots)
            {
                if (slot.Block == block)
                    Collect(slot, into);
            }
        }

        public void Dispose() => Logging.Dispose();

        private void Collect(KvmSlot slot, DirtyBitmap into)
        {
            var length = (int)((slot.PageCount + 63) / 64);
            if (words.Length < length)
                words = new ulong[length];
            var log = words.AsSpan(0, length);
            KvmCalls.GetDirtyLog(machine, slot.Number, log);
            for (var first = 0L; first < slot.PageCount; first += PagesAtOnce)
            {
                var count = (int)Math.Min(PagesAtOnce, slot.PageCount - first);
                var piece = log.Slice((int)(first / 64), (count + 63) / 64);
                if (piece.IndexOfAnyExcept(0UL) < 0)
                    continue;

                // Before anybody reads the pages: what is written after this is in the log again.
                if (hasManualProtect)
                    KvmCalls.ClearDirtyLog(machine, slot.Number, first, count, piece);
                Mark(slot, first, piece, into);
            }
        }

        private static void Mark(KvmSlot slot, long first, ReadOnlySpan<ulong> bits, DirtyBitmap into)
        {
            for (var i = 0; i < bits.Length; i++)
            {
                var word = bits[i];
                while (word != 0)
                {
                    var start = BitOperations.TrailingZeroCount(word);
                    var count = BitOperations.TrailingZeroCount(~(word >> start));
                    slot.Mark(into, first + 64L * i + start, Math.Min(count, 64 - start));
                    word = start + count >= 64 ? 0 : word & ulong.MaxValue << (start + count);
                }
            }
        }
    }
}
