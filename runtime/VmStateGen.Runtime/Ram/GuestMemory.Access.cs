using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VmStateGen.Runtime.Linux;

namespace VmStateGen.Runtime.Ram;

/// <summary>Is lent guest RAM to read. The guest may change it meanwhile.</summary>
/// <param name="bytes">The memory itself, until the callback returns.</param>
/// <param name="state">The caller's.</param>
public delegate TResult RamReader<in TState, out TResult>(ReadOnlySpan<byte> bytes, TState state);

/// <summary>Is lent guest RAM to write. The guest may change it meanwhile.</summary>
/// <param name="bytes">The memory itself, until the callback returns.</param>
/// <param name="state">The caller's.</param>
public delegate TResult RamWriter<in TState, out TResult>(Span<byte> bytes, TState state);

/// <content>Reading and writing.</content>
public sealed partial class GuestMemory
{
    /// <summary>Copies RAM out. May block until a page is there.</summary>
    /// <param name="block">A block of this memory.</param>
    /// <param name="offset">Bytes from its start.</param>
    /// <param name="destination">Filled.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the block's used length.</exception>
    /// <exception cref="ObjectDisposedException">The block is gone.</exception>
    public void Read(RamBlock block, long offset, Span<byte> destination)
    {
        Check(block, offset, destination.Length);
        MemoryCalls.Read(block.Mapping, offset, destination);
    }

    /// <summary>Copies RAM out. May block until a page is there.</summary>
    /// <param name="address">Guest physical address. The range may be in more than one block.</param>
    /// <param name="destination">Filled.</param>
    /// <exception cref="GuestAddressException">Part of the range is not RAM; nothing was read.</exception>
    public void Read(ulong address, Span<byte> destination)
    {
        var current = Map;
        current.Check(address, destination.Length);
        while (!destination.IsEmpty)
        {
            var (block, offset, length) = current.Find(address, destination.Length);
            Read(block, offset, destination[..(int)length]);
            destination = destination[(int)length..];
            address += (ulong)length;
        }
    }

    /// <summary>Copies a value out, in this machine's byte order. Not atomic.</summary>
    /// <exception cref="GuestAddressException">Part of it is not RAM.</exception>
    public T Read<T>(ulong address)
        where T : unmanaged
    {
        var value = default(T);
        Read(address, MemoryMarshal.AsBytes(new Span<T>(ref value)));
        return value;
    }

    /// <summary>Copies into RAM, and marks it dirty. May block until a page is there.</summary>
    /// <param name="block">A block of this memory.</param>
    /// <param name="offset">Bytes from its start.</param>
    /// <param name="source">What to write.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the block's used length.</exception>
    /// <exception cref="ObjectDisposedException">The block is gone.</exception>
    public void Write(RamBlock block, long offset, ReadOnlySpan<byte> source)
    {
        Check(block, offset, source.Length);
        MemoryCalls.Write(block.Mapping, offset, source);
        block.MarkDirty(offset, source.Length);
    }

    /// <summary>Copies into RAM, and marks it dirty. May block until a page is there.</summary>
    /// <param name="address">Guest physical address. The range may be in more than one block.</param>
    /// <param name="source">What to write.</param>
    /// <exception cref="GuestAddressException">Part of the range is not RAM; nothing was written.</exception>
    public void Write(ulong address, ReadOnlySpan<byte> source)
    {
        var current = Map;
        current.Check(address, source.Length);
        while (!source.IsEmpty)
        {
            var (block, offset, length) = current.Find(address, source.Length);
            Write(block, offset, source[..(int)length]);
            source = source[(int)length..];
            address += (ulong)length;
        }
    }

    /// <summary>Copies a value into RAM, in this machine's byte order, and marks it dirty. Not atomic.</summary>
    /// <exception cref="GuestAddressException">Part of it is not RAM.</exception>
    public void Write<T>(ulong address, T value)
        where T : unmanaged
        => Write(address, MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)));

    /// <summary>Sets every byte of a range, and marks it dirty. May block until a page is there. See <see cref="Discard"/> for zeros.</summary>
    /// <param name="block">A block of this memory.</param>
    /// <param name="offset">Bytes from its start.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="value">The byte.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the block's used length.</exception>
    public void Fill(RamBlock block, long offset, long length, byte value)
    {
        Check(block, offset, length);
        MemoryCalls.Fill(block.Mapping, offset, length, value);
        block.MarkDirty(offset, length);
    }

    /// <summary>
    /// Gives memory back to the host, and marks it dirty. It reads as zeros then and is untouched; of a private mapping of a file it reads as
    /// the file. With a range that is registered for missing faults the next touch is such a fault.
    /// </summary>
    /// <param name="block">A block of this memory.</param>
    /// <param name="offset">Bytes, a multiple of <see cref="RamBlock.PageSize"/>.</param>
    /// <param name="length">Bytes, the same.</param>
    /// <exception cref="SystemCallException">The file system of a shared block cannot do it.</exception>
    public void Discard(RamBlock block, long offset, long length)
    {
        Check(block, offset, length);
        block.Give(offset, length);
        block.MarkDirty(offset, length);
    }

    /// <summary>Marks a range as written by somebody whom no tracker sees. To be called after the write.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the block's used length.</exception>
    public void MarkDirty(RamBlock block, long offset, long length)
    {
        Check(block, offset, length);
        block.MarkDirty(offset, length);
    }

    /// <summary>Lends a range to a callback that reads it.</summary>
    /// <param name="block">A block of this memory.</param>
    /// <param name="offset">Bytes from its start.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="state">For the callback, which is best static.</param>
    /// <param name="reader">
    /// Is given the memory itself. Should be short, for <see cref="RegisterFaults"/> waits for it. May call everything here but that and disposing
    /// of a registration.
    /// </param>
    /// <returns>What it returned.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the block's used length.</exception>
    /// <exception cref="InvalidOperationException">Part of the range is registered with userfaultfd: use Read.</exception>
    public unsafe TResult Access<TState, TResult>(RamBlock block, long offset, int length, TState state, RamReader<TState, TResult> reader)
    {
        ArgumentNullException.ThrowIfNull(reader);
        Check(block, offset, length);
        var isHeld = false;
        var ticket = gate.Enter();
        try
        {
            CheckNotRegistered(block, offset, length);
            block.Mapping.DangerousAddRef(ref isHeld);
            return reader(new ReadOnlySpan<byte>((byte*)block.Mapping.Address + offset, length), state);
        }
        finally
        {
            if (isHeld)
                block.Mapping.DangerousRelease();
            gate.Exit(ticket);
        }
    }

    /// <summary>Lends a range of guest physical addresses, which must be in one piece of one block, to a callback that reads it.</summary>
    /// <inheritdoc cref="Access{TState, TResult}(RamBlock, long, int, TState, RamReader{TState, TResult})"/>
    /// <exception cref="GuestAddressException">The range is not RAM, or in more than one piece.</exception>
    public TResult Access<TState, TResult>(ulong address, int length, TState state, RamReader<TState, TResult> reader)
    {
        var (block, offset) = FindPiece(address, length);
        return Access(block, offset, length, state, reader);
    }

    /// <summary>Lends a range to a callback that writes it. All of it is marked dirty when the callback ends, also by an exception.</summary>
    /// <inheritdoc cref="Access{TState, TResult}(RamBlock, long, int, TState, RamReader{TState, TResult})"/>
    public unsafe TResult AccessForWrite<TState, TResult>(RamBlock block, long offset, int length, TState state, RamWriter<TState, TResult> writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        Check(block, offset, length);
        var isHeld = false;
        var ticket = gate.Enter();
        try
        {
            CheckNotRegistered(block, offset, length);
            block.Mapping.DangerousAddRef(ref isHeld);
            return writer(new Span<byte>((byte*)block.Mapping.Address + offset, length), state);
        }
        finally
        {
            if (isHeld)
            {
                block.MarkDirty(offset, length);
                block.Mapping.DangerousRelease();
            }
            gate.Exit(ticket);
        }
    }

    /// <summary>Lends a range of guest physical addresses, which must be in one piece of one block, to a callback that writes it.</summary>
    /// <inheritdoc cref="AccessForWrite{TState, TResult}(RamBlock, long, int, TState, RamWriter{TState, TResult})"/>
    /// <exception cref="GuestAddressException">The range is not RAM, or in more than one piece.</exception>
    public TResult AccessForWrite<TState, TResult>(ulong address, int length, TState state, RamWriter<TState, TResult> writer)
    {
        var (block, offset) = FindPiece(address, length);
        return AccessForWrite(block, offset, length, state, writer);
    }

    /// <summary>Whether a range is all zeros. Works always; reads memory, so ask <see cref="FindTouched(RamBlock)"/> first what was never touched.</summary>
    /// <param name="block">A block of this memory.</param>
    /// <param name="offset">Bytes from its start.</param>
    /// <param name="length">Bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the block's used length.</exception>
    public bool IsZero(RamBlock block, long offset, int length)
    {
        Check(block, offset, length);
        var ticket = gate.Enter();
        try
        {
            if (!IsRegistered(block, offset, length))
                return Access(block, offset, length, 0, static (bytes, _) => ZeroPage.IsZero(bytes));
        }
        finally
        {
            gate.Exit(ticket);
        }

        // Outside the gate: a copy may block until the pager, which may be about to register something, brings the page.
        Span<byte> copy = stackalloc byte[4096];
        for (var done = 0; done < length;)
        {
            var piece = copy[..Math.Min(copy.Length, length - done)];
            Read(block, offset + done, piece);
            if (!ZeroPage.IsZero(piece))
                return false;
            done += piece.Length;
        }
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static InvalidOperationException Registered(RamBlock block, long offset, long length)
        => new($"{block.Name}: part of 0x{length:x} bytes at offset 0x{offset:x} is registered with userfaultfd, so it cannot be lent out; use Read and Write.");

    private static bool IsRegistered(RamBlock block, long offset, long length)
    {
        foreach (var registration in block.Registered)
        {
            if (registration.Overlaps(offset, length))
                return true;
        }
        return false;
    }

    private static void CheckNotRegistered(RamBlock block, long offset, long length)
    {
        if (IsRegistered(block, offset, length))
            throw Registered(block, offset, length);
    }

    private (RamBlock Block, long Offset) FindPiece(ulong address, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        var current = Map;
        current.Check(address, length);
        var (block, offset, piece) = current.Find(address, Math.Max(1, length));
        if (piece < length)
            throw new GuestAddressException(address, length, $"0x{length:x} bytes at guest physical 0x{address:x} go on elsewhere after 0x{piece:x} bytes in {block.Name}; use Read and Write.");
        return (block, offset);
    }
}
