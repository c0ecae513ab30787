using System;
using System.Collections.Generic;

namespace VmStateGen.Runtime.Ram;

/// <summary>Where the guest sees a block, or a part of it.</summary>
/// <param name="Address">Guest physical address.</param>
/// <param name="Block">The block.</param>
/// <param name="Offset">Bytes from its start.</param>
/// <param name="Length">Bytes.</param>
public readonly record struct GuestRange(ulong Address, RamBlock Block, long Offset, long Length)
{
    /// <summary>Address of its last byte: a range may end where addresses do.</summary>
    public ulong Last => Address + (ulong)Length - 1;

    /// <inheritdoc/>
    public override string ToString() => $"{Block.Name} at 0x{Address:x}–0x{Last:x}";
}

/// <summary>The ranges in ascending order. Never changed: a change makes a new one.</summary>
internal sealed class GuestMap(GuestRange[] ranges)
{
    public IReadOnlyList<GuestRange> Ranges => ranges;

    public GuestMap With(GuestRange added)
    {
        foreach (var range in ranges)
        {
            if (added.Address <= range.Last && range.Address <= added.Last)
                throw new ArgumentException($"{added} overlaps {range}.");
        }
        GuestRange[] all = [.. ranges, added];
        Array.Sort(all, static (a, b) => a.Address.CompareTo(b.Address));
        return new GuestMap(all);
    }

    public GuestMap Without(ulong address)
    {
        var index = IndexOf(address);
        if (index < 0 || ranges[index].Address != address)
            throw new GuestAddressException(address, 0, $"No range of RAM begins at 0x{address:x}.");
        return new GuestMap([.. ranges[..index], .. ranges[(index + 1)..]]);
    }

    /// <summary>Checks that all of a range is RAM.</summary>
    /// <exception cref="GuestAddressException">It is not.</exception>
    public void Check(ulong address, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if (length == 0)
            return;
        if (address + (ulong)(length - 1) < address)
            throw new GuestAddressException(address, length, $"0x{length:x} bytes at 0x{address:x} go past the last address.");
        for (ulong done = 0; done < (ulong)length;)
        {
            var index = IndexOf(address + done);
            if (index < 0)
                throw NoRam(address, length, address + done);
            done += ranges[index].Last - (address + done) + 1;
        }
    }

    /// <summary>The block and offset of an address, and how much of what follows is there too.</summary>
    /// <param name="address">Guest physical address.</param>
    /// <param name="length">Bytes wanted, positive.</param>
    /// <exception cref="GuestAddressException">There is no RAM at the address.</exception>
    public (RamBlock Block, long Offset, long Length) Find(ulong address, long length)
    {
        var index = IndexOf(address);
        if (index < 0)
            throw NoRam(address, length, address);
        ref readonly var range = ref ranges[index];
        var skip = (long)(address - range.Address);
        return (range.Block, range.Offset + skip, Math.Min(length, range.Length - skip));
    }

    private int IndexOf(ulong address)
    {
        var (low, high) = (0, ranges.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) >> 1;
            ref readonly var range = ref ranges[middle];
            if (address < range.Address)
                high = middle - 1;
            else if (address > range.Last)
                low = middle + 1;
            else
                return middle;
        }
        return -1;
    }

    private GuestAddressException NoRam(ulong address, long length, ulong missing)
    {
        GuestRange? below = null;
        foreach (var range in ranges)
        {
            if (range.Last < missing)
                below = range;
        }
        var nearest = below is { } found ? $"; RAM below it: {found}" : "";
        return new GuestAddressException(address, length, $"0x{length:x} bytes at guest physical 0x{address:x}: 0x{missing:x} is no RAM{nearest}.");
    }
}
