using System;
using System.Buffers;
using System.Runtime.InteropServices;

namespace VmStateGen.Runtime.Linux;

/// <summary>
/// One piece of a scatter-gather list: struct iovec. The memory is native or pinned by whoever made the list, for as long as a call uses
/// it. Managed code outside Linux/ and Ram/ passes it on and never looks behind the address: a page may be held by userfaultfd.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct IoSlice(nint address, nint length)
{
    /// <summary>Most pieces that one call takes (UIO_MAXIOV).</summary>
    public const int MostInOneCall = 1024;

    public readonly nint Address = address;
    public readonly nint Length = length;

    /// <summary>Bytes of the whole list.</summary>
    public static long Sum(ReadOnlySpan<IoSlice> slices)
    {
        long sum = 0;
        foreach (ref readonly IoSlice slice in slices)
            sum += slice.Length;
        return sum;
    }

    /// <summary>What is left of the list once its first <paramref name="count"/> bytes are done. Changes the first piece left.</summary>
    public static Span<IoSlice> Advance(Span<IoSlice> slices, long count)
    {
        int done = 0;
        while (done < slices.Length && slices[done].Length <= count)
            count -= slices[done++].Length;
        if (count > 0)
            slices[done] = new IoSlice(slices[done].Address + (nint)count, slices[done].Length - (nint)count);
        return slices[done..];
    }

    /// <summary>The first pieces of a vector of guest RAM, as many as fit: the vector itself stays as it is.</summary>
    /// <returns>How many.</returns>
    public static int Take(ReadOnlySpan<IoSlice> entries, Span<IoSlice> slices)
    {
        int count = Math.Min(entries.Length, slices.Length);
        entries[..count].CopyTo(slices);
        return count;
    }

    /// <summary>Copies a piece out, in a call during which a collection may run: the page may be one that userfaultfd holds.</summary>
    public static unsafe int CopyTo(IoSlice slice, Span<byte> destination)
    {
        int count = (int)Math.Min(slice.Length, destination.Length);
        fixed (byte* to = destination)
        {
            if (count > 0)
                Libc.MemoryCopy(to, (void*)slice.Address, (nuint)count);
        }
        return count;
    }

    /// <summary>Runs <paramref name="use"/> with the list of these buffers, which stay where they are meanwhile.</summary>
    public static unsafe void Pin<TState>(ReadOnlySpan<ReadOnlyMemory<byte>> buffers, TState state, SliceUser<TState> use)
    {
        var pins = new MemoryHandle[buffers.Length];
        var slices = new IoSlice[buffers.Length];
        try
        {
            for (int i = 0; i < buffers.Length; i++)
            {
                pins[i] = buffers[i].Pin();
                slices[i] = new IoSlice((nint)pins[i].Pointer, buffers[i].Length);
            }
            use(slices, state);
        }
        finally
        {
            foreach (MemoryHandle pin in pins)
                pin.Dispose();
        }
    }
}

/// <summary>What is done with a list whose memory is pinned.</summary>
internal delegate void SliceUser<in TState>(Span<IoSlice> slices, TState state);
