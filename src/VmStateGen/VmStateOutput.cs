using System;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace VmStateGen;

/// <summary>Where a <see cref="VmStateWriter"/> puts its full windows. One writer at a time; not thread-safe.</summary>
public abstract class VmStateOutput
{
    /// <summary>
    /// Takes over the first <paramref name="written"/> bytes of the window handed out last (0 the first time) and hands out the next.
    /// </summary>
    /// <param name="written">Bytes written to the last window.</param>
    /// <param name="size">Bytes that the next window must have at least, 0 to <see cref="VmStateWriter.MaxRun"/>.</param>
    public abstract Span<byte> Advance(int written, int size);

    /// <summary>Writes one byte, and passes a file descriptor beside it. The window handed out last was taken over before.</summary>
    /// <param name="payload">The byte.</param>
    /// <param name="descriptor">Stays the caller's.</param>
    /// <returns>Whether the descriptor can go where the bytes go. By default it cannot: only a unix: channel passes descriptors.</returns>
    public virtual bool TryPassDescriptor(byte payload, SafeHandle descriptor) => false;
}

/// <summary>Where a <see cref="VmStateReader"/> gets its windows from. One reader at a time; not thread-safe.</summary>
public abstract class VmStateInput
{
    /// <summary>
    /// Drops the first <paramref name="consumed"/> bytes of the window handed out last (0 the first time) and hands out one that
    /// begins with the rest of it. It waits for no more than <paramref name="size"/> bytes.
    /// </summary>
    /// <param name="consumed">Bytes read from the last window.</param>
    /// <param name="size">Bytes that the next window must have, 1 to <see cref="VmStateWriter.MaxRun"/>; it has fewer only at the end of the stream.</param>
    public abstract ReadOnlySpan<byte> Advance(int consumed, int size);

    /// <summary>
    /// The next file descriptor that came beside the bytes consumed so far, in their order. <see langword="null"/>, as by default: none did.
    /// </summary>
    public virtual SafeFileHandle? TakeDescriptor() => null;
}
