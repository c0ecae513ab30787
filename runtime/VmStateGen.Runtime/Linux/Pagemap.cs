using System;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace VmStateGen.Runtime.Linux;

/// <summary>
/// /proc/self/pagemap: which pages of this process's mappings have something behind them. Any process may read its own; the kernel hides
/// physical addresses from it, which nobody here wants.
/// </summary>
/// <remarks>For one thread at a time. Reading it touches no page.</remarks>
internal sealed class Pagemap : IDisposable
{
    // Documentation/admin-guide/mm/pagemap.rst: bit 63 the page is present, bit 62 it is in swap (or otherwise held by the kernel).
    private const ulong Populated = 1UL << 63 | 1UL << 62;

    private readonly SafeFileHandle file = FileCalls.OpenReadOnly("/proc/self/pagemap");
    private readonly ulong[] entries = new ulong[8192];

    /// <summary>Called for each run of pages that are populated.</summary>
    /// <param name="state">The caller's.</param>
    /// <param name="offset">Bytes from the start of the mapping.</param>
    /// <param name="length">Bytes.</param>
    public delegate void RunFound<in TState>(TState state, long offset, long length);

    /// <summary>Finds the populated runs of a range, in ascending order.</summary>
    /// <param name="mapping">Memory.</param>
    /// <param name="offset">Bytes, a multiple of the host's page size.</param>
    /// <param name="length">Bytes, the same.</param>
    /// <param name="state">For the callback.</param>
    /// <param name="found">Called for each run; neighbouring runs may be reported apart.</param>
    /// <exception cref="SystemCallException">/proc/self/pagemap cannot be read.</exception>
    public void Find<TState>(SafeMapping mapping, long offset, long length, TState state, RunFound<TState> found)
    {
        if (offset < 0 || length < 0 || offset > mapping.Length - length)
            throw new ArgumentOutOfRangeException(nameof(offset));
        var pageSize = Environment.SystemPageSize;
        var isHeld = false;
        try
        {
            mapping.DangerousAddRef(ref isHeld);
            var first = (mapping.Address + (nint)offset) / pageSize;
            var count = (length + pageSize - 1) / pageSize;
            for (var done = 0L; done < count;)
            {
                var chunk = entries.AsSpan(0, (int)Math.Min(entries.Length, count - done));
                var read = FileCalls.ReadAt(file, (first + done) * sizeof(ulong), MemoryMarshal.AsBytes(chunk)) / sizeof(ulong);
                if (read == 0)
                    throw new SystemCallException("pread", $"/proc/self/pagemap, page 0x{first + done:x}", Errno.Io, "Is /proc mounted, and is it this process's?");
                Report(chunk[..read], offset + done * pageSize, pageSize, state, found);
                done += read;
            }
        }
        finally
        {
            if (isHeld)
                mapping.DangerousRelease();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private static void Report<TState>(ReadOnlySpan<ulong> entries, long offset, int pageSize, TState state, RunFound<TState> found)
    {
        for (var i = 0; i < entries.Length; i++)
        {
            // Whole stretches of untouched memory are zeros, which this skips by vectors.
            var next = entries[i..].IndexOfAnyExcept(0UL);
            if (next < 0)
                return;
            i += next;
            if ((entries[i] & Populated) == 0)
                continue;
            var start = i;
            while (i + 1 < entries.Length && (entries[i + 1] & Populated) != 0)
                i++;
            found(state, offset + (long)start * pageSize, (long)(i + 1 - start) * pageSize);
        }
    }
}
