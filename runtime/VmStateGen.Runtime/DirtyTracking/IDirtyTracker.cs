using System;
using System.Collections.Generic;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.DirtyTracking;

/// <summary>
/// Finds out which pages of guest RAM are written. Each implementation sees some writers and is blind to others: it says which, and a block
/// that has one it is blind to cannot be migrated with it alone (<see cref="CombinedTracker"/> puts several together).
/// </summary>
/// <remarks>Any thread. A tracker may be started again when what it was started for is over.</remarks>
public interface IDirtyTracker
{
    /// <summary>For people: <c>PAGEMAP_SCAN</c>.</summary>
    string Name { get; }

    /// <summary>The writers of a block that it sees, of all there can be.</summary>
    RamWriters Sees(RamBlock block);

    /// <summary>
    /// Begins to track. Of a write on another thread either the page is collected later or its bytes can be read once this returns.
    /// </summary>
    /// <param name="memory">The memory of the blocks.</param>
    /// <param name="blocks">What to track. Their lengths stay as they are meanwhile.</param>
    /// <returns>Dispose of it to track no more.</returns>
    /// <exception cref="Linux.SystemCallException">The kernel does not do it.</exception>
    IDirtyTracking Start(GuestMemory memory, IReadOnlyList<RamBlock> blocks);
}

/// <summary>Blocks that are being tracked.</summary>
/// <remarks>For one thread at a time, while the writers run.</remarks>
public interface IDirtyTracking : IDisposable
{
    /// <summary>
    /// Takes the pages that were written since the last call, or the start. Reads of them that follow see every write that they stand for; a
    /// write that comes later is collected the next time. Pages that were not written may be among them.
    /// </summary>
    /// <param name="block">One of the blocks.</param>
    /// <param name="into">A bitmap of the block's pages, in which they are marked. What is marked already stays.</param>
    /// <exception cref="Linux.SystemCallException">The kernel does not say.</exception>
    void Collect(RamBlock block, DirtyBitmap into);
}
