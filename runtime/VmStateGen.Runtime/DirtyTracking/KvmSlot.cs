using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using VmStateGen.Runtime.Linux;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.DirtyTracking;

/// <summary>A memory slot of a KVM machine, as it was given to KVM_SET_USER_MEMORY_REGION.</summary>
/// <param name="Number">Number of the slot; the address space is in its upper 16 bits.</param>
/// <param name="GuestAddress">Guest physical address.</param>
/// <param name="Block">The block that it shows.</param>
/// <param name="Offset">Bytes from the block's start, a multiple of the host's page size.</param>
/// <param name="Length">Bytes, the same.</param>
/// <param name="IsReadOnly">The guest cannot write it (KVM_MEM_READONLY).</param>
public sealed record KvmSlot(uint Number, ulong GuestAddress, RamBlock Block, long Offset, long Length, bool IsReadOnly = false)
{
    internal long PageCount => Length / Environment.SystemPageSize;

    /// <summary>Marks pages of the slot in a bitmap of its block.</summary>
    internal void Mark(DirtyBitmap bitmap, long page, long count)
        => bitmap.MarkBytes(Offset + page * Environment.SystemPageSize, count * Environment.SystemPageSize);

    /// <summary>Whether any of the slots shows a block.</summary>
    internal static bool Show(IReadOnlyList<KvmSlot> slots, RamBlock block)
    {
        foreach (var slot in slots)
        {
            if (slot.Block == block)
                return true;
        }
        return false;
    }
}

/// <summary>Has KVM note what the guest writes into slots, from <see cref="Add"/> until it is disposed of.</summary>
internal sealed class KvmLogging(SafeHandle machine) : IDisposable
{
    private readonly List<KvmSlot> logged = [];

    public IReadOnlyList<KvmSlot> Slots => logged;

    public void Add(IReadOnlyList<KvmSlot> slots, IReadOnlyList<RamBlock> blocks)
    {
        foreach (var slot in slots)
        {
            foreach (var block in blocks)
            {
                if (slot.Block != block)
                    continue;
                Set(slot, isLogged: true);
                logged.Add(slot);
            }
        }
    }

    public void Dispose()
    {
        foreach (var slot in logged)
        {
            try
            {
                Set(slot, isLogged: false);
            }
            catch (SystemCallException)
            {
                // The machine has changed the slot meanwhile, and logs it no more.
            }
            catch (ObjectDisposedException)
            {
                // The machine is gone.
            }
        }
        logged.Clear();
    }

    private void Set(KvmSlot slot, bool isLogged)
        => KvmCalls.SetLogging(machine, slot.Number, slot.GuestAddress, slot.Block.Mapping, slot.Offset, slot.Length, slot.IsReadOnly, isLogged);
}
