using System;
using System.Collections.Generic;
using System.Threading;
using VmStateGen.Runtime.Linux;

namespace VmStateGen.Runtime.Ram;

/// <summary>
/// All RAM of a machine: its blocks, where the guest sees them, and the only way for managed code to touch them. Owns its blocks.
/// </summary>
/// <remarks>
/// <para><b>Why the only way.</b> While a page is held by userfaultfd (postcopy, a background snapshot), a managed thread that touches it
/// blocks in the kernel in a state in which the garbage collector waits for it. A collection that starts then stops every managed thread, the
/// one that would bring the page included: the process is dead for good (measured on .NET 10). The same touch in a system or library call
/// is harmless. Hence:</para>
/// <list type="bullet">
/// <item><see cref="Read(RamBlock, long, Span{byte})"/>, <see cref="Write(RamBlock, long, ReadOnlySpan{byte})"/> and
/// <see cref="Fill(RamBlock, long, long, byte)"/> copy in a library call. They work always and may block until the page is there. They are not
/// atomic: another thread can see a part of a write, whatever its size.</item>
/// <item><see cref="Access{TState, TResult}(RamBlock, long, int, TState, RamReader{TState, TResult})"/> and AccessForWrite lend the memory itself
/// to a callback, for what would be slow by copies. On a range that is registered they throw.</item>
/// <item><see cref="RegisterFaults"/> waits until no span of the memory is lent out, and is called before the range is registered.</item>
/// <item>An <see cref="IoVector"/> is for the kernel only and works always.</item>
/// </list>
/// <para><b>Dirty pages.</b> All writes here mark the bitmaps of every <see cref="DirtyLog"/> in use, after the bytes are there. Writes by others
/// (a vCPU, a device in another process, a system call with <see cref="RamBlock.HostAddress"/>) do not: they need a tracker that
/// sees them, or <see cref="MarkDirty(RamBlock, long, long)"/>.</para>
/// <para><b>Threads.</b> Any. Adding, removing and mapping blocks takes effect for calls that begin afterwards.</para>
/// </remarks>
public sealed partial class GuestMemory : IDisposable
{
    private readonly object changes = new();
    private readonly AccessGate gate = new();
    private RamBlock[] blocks = [];
    private GuestMap map = new([]);
    private bool isDisposed;

    /// <summary>Memory without blocks.</summary>
    /// <param name="pageSize">Bytes of a page of the guest, the unit of migration: a power of two from 1 KiB to 1 MiB.</param>
    public GuestMemory(int pageSize = 4096)
    {
        if (pageSize is < 1024 or > 1 << 20 || !int.IsPow2(pageSize))
            throw new ArgumentOutOfRangeException(nameof(pageSize), pageSize, "A page has a power of two from 1 KiB to 1 MiB.");
        PageSize = pageSize;
    }

    /// <summary>Bytes of a page of the guest: one bit in a <see cref="DirtyBitmap"/>.</summary>
    public int PageSize { get; }

    /// <summary>The blocks, in the order they were added. A snapshot.</summary>
    public IReadOnlyList<RamBlock> Blocks => Volatile.Read(ref blocks);

    /// <summary>Where the guest sees them, in ascending order. A snapshot.</summary>
    public IReadOnlyList<GuestRange> Ranges => Map.Ranges;

    internal GuestMap Map => Volatile.Read(ref map);

    /// <summary>Adds a block, which the memory then owns. The guest sees it once it is mapped (<see cref="MapBlock"/>), or never.</summary>
    /// <param name="block">A block that belongs to no memory. Its length is a multiple of <see cref="PageSize"/>.</param>
    /// <exception cref="ArgumentException">There is a block of that name, or it does not fit.</exception>
    /// <returns><paramref name="block"/>.</returns>
    public RamBlock AddBlock(RamBlock block)
    {
        ArgumentNullException.ThrowIfNull(block);
        lock (changes)
        {
            ObjectDisposedException.ThrowIf(isDisposed, this);
            if (FindBlock(block.Name) != null)
                throw new ArgumentException($"There is a block {block.Name} already.", nameof(block));
            if (block.UsedLength % PageSize != 0 || block.MaxLength % PageSize != 0)
                throw new ArgumentException($"{block} is not a whole number of pages of 0x{PageSize:x} bytes.", nameof(block));
            if (block.Owner != null)
                throw new ArgumentException($"{block.Name} belongs to a memory already.", nameof(block));
            block.Owner = this;
            Volatile.Write(ref blocks, [.. blocks, block]);
        }
        return block;
    }

    /// <summary>Makes a block and adds it.</summary>
    /// <param name="name">1 to 255 printable ASCII characters.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="options">See <see cref="RamBlock.Create"/>.</param>
    /// <exception cref="ArgumentException">See <see cref="RamBlock.Create"/> and <see cref="AddBlock(RamBlock)"/>.</exception>
    /// <exception cref="SystemCallException">The memory could not be had.</exception>
    public RamBlock AddBlock(string name, long length, RamBlockOptions? options = null)
    {
        var block = RamBlock.Create(name, length, options);
        try
        {
            return AddBlock(block);
        }
        catch
        {
            block.Dispose();
            throw;
        }
    }

    /// <summary>Takes a block out and disposes of it.</summary>
    /// <exception cref="InvalidOperationException">It is mapped, or registered with userfaultfd.</exception>
    public void RemoveBlock(RamBlock block)
    {
        lock (changes)
        {
            CheckOwner(block);
            foreach (var range in map.Ranges)
            {
                if (range.Block == block)
                    throw new InvalidOperationException($"The guest still sees {range}.");
            }
            if (block.Registered.Length != 0)
                throw new InvalidOperationException($"{block.Name} is registered with userfaultfd.");
            Volatile.Write(ref blocks, Array.FindAll(blocks, other => other != block));
            block.Owner = null;
            block.Release();
        }
    }

    /// <summary>The block of that name; <see langword="null"/> if there is none.</summary>
    public RamBlock? FindBlock(string name)
    {
        foreach (var block in Volatile.Read(ref blocks))
        {
            if (block.Name == name)
                return block;
        }
        return null;
    }

    /// <summary>Shows a block, or a part of it, to the guest. A part may be seen at more than one address.</summary>
    /// <param name="address">Guest physical address, a multiple of <see cref="PageSize"/>.</param>
    /// <param name="block">A block of this memory.</param>
    /// <param name="offset">Bytes from its start, a multiple of <see cref="PageSize"/>.</param>
    /// <param name="length">Bytes, the same; −1 for the rest of the block.</param>
    /// <exception cref="ArgumentException">The range is not within the block, or overlaps another.</exception>
    public void MapBlock(ulong address, RamBlock block, long offset = 0, long length = -1)
    {
        lock (changes)
        {
            CheckOwner(block);
            if (length == -1)
                length = block.UsedLength - offset;
            block.Check(offset, length);
            if (length == 0 || (address | (ulong)offset | (ulong)length) % (ulong)PageSize != 0)
                throw new ArgumentException($"{block.Name}: what the guest sees is whole pages of 0x{PageSize:x} bytes, not 0x{length:x} at 0x{offset:x}, address 0x{address:x}.", nameof(length));
            if (address + (ulong)(length - 1) < address)
                throw new ArgumentOutOfRangeException(nameof(address), $"{block.Name}: 0x{length:x} bytes at 0x{address:x} go past the last address.");
            Volatile.Write(ref map, map.With(new GuestRange(address, block, offset, length)));
        }
    }

    /// <summary>The guest no longer sees the range that begins at an address.</summary>
    /// <exception cref="GuestAddressException">None begins there.</exception>
    public void UnmapBlock(ulong address)
    {
        lock (changes)
            Volatile.Write(ref map, map.Without(address));
    }

    /// <summary>The block and offset that the guest sees at an address.</summary>
    /// <returns>Whether there is RAM.</returns>
    public bool TryTranslate(ulong address, out RamBlock? block, out long offset)
    {
        foreach (var range in Map.Ranges)
        {
            if (address < range.Address || address > range.Last)
                continue;
            (block, offset) = (range.Block, range.Offset + (long)(address - range.Address));
            return true;
        }
        (block, offset) = (null, 0);
        return false;
    }

    /// <summary>Changes a block's used length, as the destination of a migration does. What is added reads as zeros.</summary>
    /// <param name="block">A block of this memory.</param>
    /// <param name="length">Bytes, a multiple of the page sizes, at most <see cref="RamBlock.MaxLength"/>.</param>
    /// <exception cref="InvalidOperationException">A dirty log of it is in use, it is registered with userfaultfd, or the guest sees what would go.</exception>
    public void Resize(RamBlock block, long length)
    {
        lock (changes)
        {
            CheckOwner(block);
            if (length % PageSize != 0)
                throw new ArgumentOutOfRangeException(nameof(length), length, $"{block.Name}: expected whole pages of 0x{PageSize:x} bytes.");
            if (block.Registered.Length != 0)
                throw new InvalidOperationException($"{block.Name} is registered with userfaultfd.");
            foreach (var range in map.Ranges)
            {
                if (range.Block == block && range.Offset + range.Length > length)
                    throw new InvalidOperationException($"The guest sees {range}, which reaches past the new length 0x{length:x}.");
            }
            block.SetUsedLength(length);
        }
    }

    /// <summary>
    /// Says that a range is about to be registered with userfaultfd, for missing, write-protected or minor faults. Returns when no span of the
    /// memory is lent out; from then on the range is touched in system calls only.
    /// </summary>
    /// <param name="block">A block of this memory.</param>
    /// <param name="offset">Bytes, a multiple of <see cref="RamBlock.PageSize"/>.</param>
    /// <param name="length">Bytes, the same, more than 0.</param>
    /// <exception cref="InvalidOperationException">Called from within Access.</exception>
    public FaultRegistration RegisterFaults(RamBlock block, long offset, long length)
    {
        Check(block, offset, length);
        if (length == 0 || offset % block.PageSize != 0 || length % block.PageSize != 0)
            throw new ArgumentOutOfRangeException(nameof(length), $"{block.Name}: ranges are registered in pages of 0x{block.PageSize:x} bytes, not 0x{length:x} bytes at 0x{offset:x}.");
        var registration = new FaultRegistration(this, block, offset, length);
        gate.Write(() => block.Registered = [.. block.Registered, registration]);
        return registration;
    }

    /// <summary>Makes an empty scatter-gather list.</summary>
    /// <param name="maxSegments">Segments that it can hold. The kernel takes 1,024 at a time.</param>
    /// <param name="maxBytes">Bytes of the caller's that it can hold besides RAM: headers.</param>
    public IoVector CreateVector(int maxSegments, int maxBytes = 0) => new(this, maxSegments, maxBytes);

    /// <summary>
    /// Starts to note which pages are written, in bitmaps that live as long as the log. Of a write on another thread either the mark is in the
    /// log or the bytes can be read once this returns.
    /// </summary>
    /// <param name="name">For people: <c>migration</c>, <c>vga</c>.</param>
    /// <param name="of">Blocks of this memory; by default all that it has now.</param>
    public DirtyLog StartDirtyLog(string name, params ReadOnlySpan<RamBlock> of)
    {
        lock (changes)
        {
            RamBlock[] chosen = of.IsEmpty ? blocks : of.ToArray();
            foreach (var block in chosen)
                CheckOwner(block);
            return new DirtyLog(name, chosen, PageSize);
        }
    }

    /// <summary>Disposes of all blocks.</summary>
    public void Dispose()
    {
        lock (changes)
        {
            if (isDisposed)
                return;
            isDisposed = true;
            foreach (var block in blocks)
                block.Release();
            Volatile.Write(ref map, new GuestMap([]));
        }
    }

    internal void Unregister(FaultRegistration registration)
    {
        var block = registration.Block;
        gate.Write(() => block.Registered = Array.FindAll(block.Registered, other => other != registration));
    }

    /// <exception cref="ArgumentException">The block is not of this memory.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within its used length.</exception>
    internal void Check(RamBlock block, long offset, long length)
    {
        CheckOwner(block);
        block.Check(offset, length);
    }

    private void CheckOwner(RamBlock block)
    {
        ArgumentNullException.ThrowIfNull(block);
        if (block.Owner != this)
            throw new ArgumentException($"{block.Name} does not belong to this memory.", nameof(block));
    }
}
