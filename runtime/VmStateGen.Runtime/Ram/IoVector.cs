using System;
using System.Collections.Generic;
using VmStateGen.Runtime.Linux;

namespace VmStateGen.Runtime.Ram;

/// <summary>
/// A list of ranges of guest RAM, with bytes of the caller's between them, that is written or read with one system call and without a copy.
/// Opaque: its addresses are for the kernel, no managed code touches RAM through it. Made by <see cref="GuestMemory.CreateVector"/>.
/// </summary>
/// <remarks>
/// For one thread at a time. It may name ranges that are registered with userfaultfd: only the kernel touches them. It does not keep a
/// block alive: using it after the block was disposed throws, and frees nothing too early. Filling and clearing it allocates nothing.
/// </remarks>
public sealed unsafe class IoVector
{
    private readonly GuestMemory memory;

    // On the pinned heap, so that addresses into them stay right between Add and the call.
    private readonly IoSlice[] entries;
    private readonly byte[] ownBytes;

    // For each entry where in RAM it is; a null block for own bytes.
    private readonly (RamBlock? Block, long Offset)[] places;
    private readonly List<RamBlock> blocks = [];
    private int ownLength;
    private int held;

    internal IoVector(GuestMemory memory, int maxSegments, int maxOwnBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxSegments);
        ArgumentOutOfRangeException.ThrowIfNegative(maxOwnBytes);
        this.memory = memory;
        entries = GC.AllocateArray<IoSlice>(maxSegments, pinned: true);
        ownBytes = GC.AllocateArray<byte>(maxOwnBytes, pinned: true);
        places = new (RamBlock?, long)[maxSegments];
    }

    /// <summary>Bytes in it.</summary>
    public long Length { get; private set; }

    /// <summary>Number of segments in it. What continues the last segment is no segment of its own.</summary>
    public int SegmentCount { get; private set; }

    /// <summary>Most segments that it can hold.</summary>
    public int MaxSegments => entries.Length;

    /// <summary>How many bytes <see cref="AddBytes"/> can still copy.</summary>
    public int FreeBytes => ownBytes.Length - ownLength;

    /// <summary>How many more segments it can hold.</summary>
    public int FreeSegments => entries.Length - SegmentCount;

    internal bool HasOwnBytes => ownLength > 0;

    /// <summary>The bytes that are not RAM, one piece after the other. Not while a system call writes them.</summary>
    internal Span<byte> OwnBytes => ownBytes.AsSpan(0, ownLength);

    /// <summary>Adds bytes that the caller then fills in.</summary>
    /// <param name="length">At least 1, at most <see cref="FreeBytes"/>.</param>
    internal Span<byte> AddRoom(int length)
    {
        var room = ownBytes.AsSpan(ownLength, length);
        fixed (byte* first = room)
            Add(first, length, null, 0);
        ownLength += length;
        return room;
    }

    /// <summary>Adds bytes, which are copied.</summary>
    /// <param name="bytes">At most <see cref="FreeBytes"/>. None is fine.</param>
    /// <exception cref="InvalidOperationException">It is full.</exception>
    public void AddBytes(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            return;
        if (bytes.Length > FreeBytes)
            throw new InvalidOperationException($"There is room for {FreeBytes} bytes more in the vector, not for {bytes.Length}.");
        bytes.CopyTo(ownBytes.AsSpan(ownLength));
        fixed (byte* first = ownBytes)
            Add(first + ownLength, bytes.Length, null, 0);
        ownLength += bytes.Length;
    }

    /// <summary>Adds a range of a block.</summary>
    /// <param name="block">A block of the memory that made the vector.</param>
    /// <param name="offset">Bytes from the start of the block.</param>
    /// <param name="length">Bytes. None is fine.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the block's used length.</exception>
    /// <exception cref="InvalidOperationException">It is full.</exception>
    public void AddRam(RamBlock block, long offset, long length)
    {
        memory.Check(block, offset, length);
        if (length == 0)
            return;
        Add((byte*)block.Mapping.Address + offset, length, block, offset);
        if (!blocks.Contains(block))
            blocks.Add(block);
    }

    /// <summary>Adds a range of guest physical addresses, which may be in more than one block.</summary>
    /// <param name="address">Guest physical address.</param>
    /// <param name="length">Bytes. None is fine.</param>
    /// <exception cref="GuestAddressException">Part of it is not RAM. Nothing was added.</exception>
    /// <exception cref="InvalidOperationException">It is full; part of the range may have been added.</exception>
    public void AddRam(ulong address, long length)
    {
        var map = memory.Map;
        map.Check(address, length);
        while (length > 0)
        {
            var (block, offset, piece) = map.Find(address, length);
            AddRam(block, offset, piece);
            address += (ulong)piece;
            length -= piece;
        }
    }

    /// <summary>Empties it, for use again.</summary>
    public void Clear()
    {
        if (held != 0)
            throw new InvalidOperationException("The vector is in use by a system call.");
        Array.Clear(places, 0, SegmentCount);
        blocks.Clear();
        (Length, SegmentCount, ownLength) = (0, 0, 0);
    }

    /// <summary>Keeps the memory mapped until <see cref="Release"/>.</summary>
    internal Span<IoSlice> Hold()
    {
        if (held != 0)
            throw new InvalidOperationException("The vector is in use by a system call.");
        try
        {
            foreach (var block in blocks)
            {
                var isHeld = false;
                block.Mapping.DangerousAddRef(ref isHeld);
                held++;
            }
        }
        catch
        {
            Release();
            throw;
        }
        return entries.AsSpan(0, SegmentCount);
    }

    internal void Release()
    {
        for (; held > 0; held--)
            blocks[held - 1].Mapping.DangerousRelease();
    }

    /// <summary>All RAM in it counts as written.</summary>
    internal void MarkDirty()
    {
        for (var i = 0; i < SegmentCount; i++)
        {
            if (places[i].Block is { } block)
                block.MarkDirty(places[i].Offset, entries[i].Length);
        }
    }

    private void Add(byte* address, long length, RamBlock? block, long offset)
    {
        var last = SegmentCount - 1;

        // Pages that follow each other are one segment: the kernel's cost is per segment.
        if (last >= 0 && places[last].Block == block && entries[last].Address + entries[last].Length == (nint)address)
        {
            entries[last] = new IoSlice(entries[last].Address, entries[last].Length + (nint)length);
        }
        else
        {
            if (FreeSegments == 0)
                throw new InvalidOperationException($"The vector is full: it holds {MaxSegments} segments.");
            entries[SegmentCount] = new IoSlice((nint)address, (nint)length);
            places[SegmentCount] = (block, offset);
            SegmentCount++;
        }
        Length += length;
    }
}
