using System;
using System.Collections.Generic;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.Postcopy;

/// <summary>What a postcopy source sends pages of: RAM that nobody writes any more.</summary>
/// <remarks>Any number of threads at once.</remarks>
public interface IPageReader
{
    /// <summary>Fills a buffer with RAM.</summary>
    /// <param name="block">Number of the block.</param>
    /// <param name="offset">Bytes from its start, a multiple of the target page size.</param>
    /// <param name="destination">Whole pages.</param>
    /// <exception cref="System.IO.IOException">They cannot be read. The guest at the destination waits for them.</exception>
    void Read(int block, long offset, Span<byte> destination);
}

/// <summary>The RAM of a machine whose guest is stopped.</summary>
internal sealed class GuestPageReader(GuestMemory memory, IReadOnlyList<RamBlock> blocks) : IPageReader
{
    public void Read(int block, long offset, Span<byte> destination) => memory.Read(blocks[block], offset, destination);
}
