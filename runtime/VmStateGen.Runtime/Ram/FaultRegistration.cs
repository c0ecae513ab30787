using System;

namespace VmStateGen.Runtime.Ram;

/// <summary>
/// While it lives, managed code does not touch a range of guest RAM itself: the range is, or is about to be, registered with userfaultfd.
/// Made by <see cref="GuestMemory.RegisterFaults"/>.
/// </summary>
/// <remarks>Dispose of it after the range was unregistered. Any thread; more than once is fine.</remarks>
public sealed class FaultRegistration : IDisposable
{
    private readonly GuestMemory memory;

    internal FaultRegistration(GuestMemory memory, RamBlock block, long offset, long length)
    {
        this.memory = memory;
        Block = block;
        Offset = offset;
        Length = length;
    }

    /// <summary>The block.</summary>
    public RamBlock Block { get; }

    /// <summary>Bytes from its start.</summary>
    public long Offset { get; }

    /// <summary>Bytes.</summary>
    public long Length { get; }

    /// <summary>The range may be lent out again.</summary>
    public void Dispose() => memory.Unregister(this);

    internal bool Overlaps(long offset, long length) => offset < Offset + Length && Offset < offset + length;
}
