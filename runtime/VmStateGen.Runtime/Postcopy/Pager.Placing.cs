using System;
using System.Threading;
using VmStateGen.Runtime.Linux;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.Postcopy;

/// <content>Placing pages: any number of threads.</content>
public sealed partial class Pager
{
    // Zeros for huge pages, which the kernel does not make by itself.
    private byte[] zeros = [];
    private long served;
    private long prefetched;
    private long zeroPages;

    /// <summary>Places a unit of a block, atomically, and wakes who waits for it.</summary>
    /// <param name="block">A block of the pager.</param>
    /// <param name="offset">Bytes, a multiple of the unit.</param>
    /// <param name="bytes">All of the unit, in memory that is not guest RAM.</param>
    /// <returns>
    /// <see langword="false"/> if it is a second copy of the page: nothing was changed. A page that was given back before it came takes one copy,
    /// which is thrown away.
    /// </returns>
    /// <exception cref="ArgumentOutOfRangeException">It is not a unit of the block.</exception>
    /// <exception cref="SystemCallException">The kernel would not take it; the page stays missing.</exception>
    public bool TryPlace(RamBlock block, long offset, ReadOnlySpan<byte> bytes)
    {
        var map = MapOf(block);
        return Place(map, UnitAt(map, offset, bytes.Length), bytes);
    }

    /// <summary>Places a unit of zeros.</summary>
    /// <inheritdoc cref="TryPlace"/>
    public bool TryPlaceZero(RamBlock block, long offset)
    {
        var map = MapOf(block);
        Interlocked.Increment(ref zeroPages);
        return Place(map, UnitAt(map, offset, map.Unit), default);
    }

    private static long UnitAt(PageMap map, long offset, int length)
    {
        if (offset < 0 || offset > map.Length - map.Unit || offset % map.Unit != 0 || length != map.Unit)
            throw new ArgumentOutOfRangeException(nameof(offset), $"{map.Ram.Name}: what is placed is 0x{map.Unit:x} bytes at a multiple of that within its 0x{map.Length:x}, not 0x{length:x} bytes at 0x{offset:x}.");
        return offset / map.Unit;
    }

    /// <param name="map">The block.</param>
    /// <param name="unit">Number of the unit.</param>
    /// <param name="bytes">Its bytes; none for zeros.</param>
    private bool Place(PageMap map, long unit, ReadOnlySpan<byte> bytes)
    {
        if (!map.Claimed.TestAndSet(unit))
            return map.Dropped.TestAndClear(unit);
        try
        {
            for (var done = 0L; ;)
            {
                gate.EnterReadLock();
                PlaceResult result;
                try
                {
                    // It may have been given back since it was claimed.
                    if (map.Received[unit])
                        return true;
                    result = PlaceOnce(map, unit * map.Unit, bytes, ref done);
                    if (result == PlaceResult.Placed)
                        Receive(map, unit);
                }
                finally
                {
                    gate.ExitReadLock();
                }
                switch (result)
                {
                    case PlaceResult.Placed:
                        Interlocked.Increment(ref map.Requested[unit] ? ref served : ref prefetched);
                        TellIfResident();
                        return true;
                    case PlaceResult.Again when Thread.CurrentThread == thread:
                        // Nobody else would read what the kernel waits to tell.
                        ReadMessages();
                        break;
                    case PlaceResult.Again:
                        Thread.Yield();
                        break;
                    case PlaceResult.Gone:
                        throw new SystemCallException("ioctl", $"UFFDIO_COPY, {map.Ram.Name}, offset 0x{unit * map.Unit:x}", Errno.NoEnt, "The memory is no longer registered.");
                    default:
                        throw new SystemCallException("ioctl", $"UFFDIO_COPY, {map.Ram.Name}, offset 0x{unit * map.Unit:x}", Errno.Exist, "A page is there that nobody has brought: something else writes into this memory, or UseMinorFaults is needed.");
                }
            }
        }
        catch
        {
            map.Claimed.TestAndClear(unit);
            throw;
        }
    }

    /// <param name="map">The block.</param>
    /// <param name="offset">Bytes, a multiple of the unit.</param>
    /// <param name="bytes">The unit's; none for zeros.</param>
    /// <param name="done">Bytes of the unit that are there; a call that was interrupted goes on from it.</param>
    private PlaceResult PlaceOnce(PageMap map, long offset, ReadOnlySpan<byte> bytes, ref long done)
    {
        var mapping = map.Ram.Mapping;
        PlaceResult result;
        long placed;
        if (map.Alias is { } alias)
        {
            // Filled where nobody can see it, then shown.
            if (!bytes.IsEmpty)
                MemoryCalls.Write(alias, offset, bytes);
            else
                MemoryCalls.Fill(alias, offset, map.Unit, 0);
            result = userFault.Continue(mapping, offset + done, map.Unit - done, out placed);
        }
        else if (bytes.IsEmpty)
        {
            result = PlaceZeros(map, offset + done, (int)(map.Unit - done), out placed);
        }
        else
        {
            result = userFault.Copy(mapping, offset + done, bytes[(int)done..], out placed);
        }
        done += placed;
        return result;
    }

    private PlaceResult PlaceZeros(PageMap map, long offset, int length, out long placed)
    {
        if (map.Ram.PageSize == Environment.SystemPageSize)
            return userFault.ZeroPage(map.Ram.Mapping, offset, length, out placed);
        if (zeros.Length < length)
            zeros = GC.AllocateArray<byte>(length, pinned: true);
        return userFault.Copy(map.Ram.Mapping, offset, zeros.AsSpan(0, length), out placed);
    }

    /// <summary>The unit is decided. Within the gate.</summary>
    private void Receive(PageMap map, long unit)
    {
        map.Received.Set(unit);
        if (map.Requested[unit])
            clock.End(map, unit);
        Interlocked.Decrement(ref missing);
    }
}
