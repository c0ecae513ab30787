using System;

namespace VmStateGen.Runtime.Postcopy;

/// <summary>A block of RAM as a postcopy source sends it.</summary>
public sealed record PostcopyBlock
{
    /// <param name="name">As on the wire.</param>
    /// <param name="length">Bytes, whole units.</param>
    /// <param name="unitSize">
    /// Bytes that are placed at once at the destination: a page of its host or of the guest, whichever is larger (qemu-migration.md §5.5). A
    /// property of the destination, which the source must be told.
    /// </param>
    /// <exception cref="ArgumentException">The length is not of whole units, or a unit no power of two.</exception>
    public PostcopyBlock(string name, long length, int unitSize = 4096)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (unitSize <= 0 || !int.IsPow2(unitSize))
            throw new ArgumentException($"{name}: a page has a power of two of bytes, not {unitSize}.", nameof(unitSize));
        if (length < 0 || length % unitSize != 0)
            throw new ArgumentException($"{name}: its {length} bytes are not whole pages of {unitSize}.", nameof(length));
        (Name, Length, UnitSize) = (name, length, unitSize);
    }

    public string Name { get; }

    public long Length { get; }

    public int UnitSize { get; }

    public long UnitCount => Length / UnitSize;
}

/// <summary>Units of a block that follow each other.</summary>
/// <param name="Block">Number of the block.</param>
/// <param name="First">The first unit.</param>
/// <param name="Count">How many.</param>
internal readonly record struct UnitRun(int Block, long First, int Count);
