using System;
using System.Runtime.InteropServices;

namespace VmStateGen.Runtime.Linux;

/// <summary>Calls on memory that is mapped. Ranges are offsets in a <see cref="SafeMapping"/>, and checked.</summary>
internal static unsafe class MemoryCalls
{
    /// <summary>madvise(2).</summary>
    /// <param name="mapping">Memory.</param>
    /// <param name="offset">Bytes, a multiple of the page size.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="advice">What to do.</param>
    /// <exception cref="SystemCallException">It failed.</exception>
    public static void Advise(SafeMapping mapping, long offset, long length, MemoryAdvice advice)
    {
        if (!TryAdvise(mapping, offset, length, advice))
            throw SystemCallException.Last("madvise", $"offset 0x{offset:x}, 0x{length:x} bytes, {advice}");
    }

    /// <summary>madvise(2) of what is a hint only; a kernel without it is no error.</summary>
    /// <returns>Whether it was taken. If not, the thread's last error says why.</returns>
    public static bool TryAdvise(SafeMapping mapping, long offset, long length, MemoryAdvice advice)
    {
        Check(mapping, offset, length);
        var isHeld = false;
        try
        {
            mapping.DangerousAddRef(ref isHeld);
            while (true)
            {
                if (Libc.MemoryAdvise(mapping.Address + (nint)offset, (nuint)length, (int)advice) == 0)
                    return true;
                var errno = Marshal.GetLastPInvokeError();

                // EAGAIN: the kernel could not get something for now; population is interrupted by signals.
                if (errno is not (Errno.Intr or Errno.Again))
                    return false;
            }
        }
        finally
        {
            if (isHeld)
                mapping.DangerousRelease();
        }
    }

    /// <summary>mincore(2): one byte a host page, bit 0 set if it is resident. Touches nothing.</summary>
    /// <param name="mapping">Memory.</param>
    /// <param name="offset">Bytes, a multiple of the host's page size.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="pages">A byte for each host page of the range.</param>
    /// <exception cref="SystemCallException">It failed.</exception>
    public static void InCore(SafeMapping mapping, long offset, long length, Span<byte> pages)
    {
        Check(mapping, offset, length);
        if (pages.Length < (length + Environment.SystemPageSize - 1) / Environment.SystemPageSize)
            throw new ArgumentException("Expected a byte for each page of the range.", nameof(pages));
        var isHeld = false;
        try
        {
            mapping.DangerousAddRef(ref isHeld);
            fixed (byte* vector = pages)
            {
                if (Libc.MemoryInCore(mapping.Address + (nint)offset, (nuint)length, vector) != 0)
                    throw SystemCallException.Last("mincore", $"offset 0x{offset:x}, 0x{length:x} bytes");
            }
        }
        finally
        {
            if (isHeld)
                mapping.DangerousRelease();
        }
    }

    /// <summary>Copies memory out. The thread may block in it without holding up a collection.</summary>
    public static void Read(SafeMapping mapping, long offset, Span<byte> destination)
    {
        Check(mapping, offset, destination.Length);
        var isHeld = false;
        try
        {
            mapping.DangerousAddRef(ref isHeld);
            fixed (byte* to = destination)
                Libc.MemoryCopy(to, (byte*)mapping.Address + offset, (nuint)destination.Length);
        }
        finally
        {
            if (isHeld)
                mapping.DangerousRelease();
        }
    }

    /// <summary>Copies into memory. The thread may block in it without holding up a collection.</summary>
    public static void Write(SafeMapping mapping, long offset, ReadOnlySpan<byte> source)
    {
        Check(mapping, offset, source.Length);
        var isHeld = false;
        try
        {
            mapping.DangerousAddRef(ref isHeld);
            fixed (byte* from = source)
                Libc.MemoryCopy((byte*)mapping.Address + offset, from, (nuint)source.Length);
        }
        finally
        {
            if (isHeld)
                mapping.DangerousRelease();
        }
    }

    /// <summary>Fills memory. The thread may block in it without holding up a collection.</summary>
    public static void Fill(SafeMapping mapping, long offset, long length, byte value)
    {
        Check(mapping, offset, length);
        var isHeld = false;
        try
        {
            mapping.DangerousAddRef(ref isHeld);
            Libc.MemorySet((byte*)mapping.Address + offset, value, (nuint)length);
        }
        finally
        {
            if (isHeld)
                mapping.DangerousRelease();
        }
    }

    private static void Check(SafeMapping mapping, long offset, long length)
    {
        if (offset < 0 || length < 0 || offset > mapping.Length - length)
            throw new ArgumentOutOfRangeException(nameof(offset), $"0x{length:x} bytes at 0x{offset:x} are not within the 0x{mapping.Length:x} that are mapped.");
    }
}
