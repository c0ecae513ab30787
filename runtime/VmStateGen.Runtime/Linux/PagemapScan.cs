using System;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace VmStateGen.Runtime.Linux;

/// <summary>
/// The ioctl PAGEMAP_SCAN of /proc/self/pagemap (Linux 6.7, Documentation/admin-guide/mm/pagemap.rst): which pages were written since they
/// were protected, and protects them again, page by page in one step.
/// </summary>
/// <remarks>For one thread at a time. Touches no page.</remarks>
internal sealed unsafe class PagemapScan : IDisposable
{
    private readonly SafeFileHandle file = FileCalls.OpenReadOnly("/proc/self/pagemap");

    // On the pinned heap: the kernel writes into it.
    private readonly TrackingLibc.PageRegion[] regions = GC.AllocateArray<TrackingLibc.PageRegion>(2048, pinned: true);

    /// <summary>
    /// Finds the pages of a range that were written since the last call, in ascending order, and protects them. The first call gives those
    /// that are there at all.
    /// </summary>
    /// <param name="mapping">Memory that is registered with an <see cref="AsyncWriteProtection"/>.</param>
    /// <param name="offset">Bytes, a multiple of its page size.</param>
    /// <param name="length">Bytes, the same.</param>
    /// <param name="state">For the callback.</param>
    /// <param name="found">Called for each run, when it is protected already: reads of it afterwards see every write that it stands for.</param>
    /// <exception cref="SystemCallException">The kernel is older than 6.7, or the range is not registered.</exception>
    public void TakeWritten<TState>(SafeMapping mapping, long offset, long length, TState state, Pagemap.RunFound<TState> found)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, mapping.Length - length);
        var isHeld = false;
        try
        {
            mapping.DangerousAddRef(ref isHeld);
            var origin = (ulong)mapping.Address;
            var at = origin + (ulong)offset;
            var end = at + (ulong)length;
            while (at < end)
            {
                var count = Scan(at, end, out at);
                foreach (ref readonly var region in regions.AsSpan(0, count))
                    found(state, (long)(region.Start - origin), (long)(region.End - region.Start));
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

    private int Scan(ulong start, ulong end, out ulong walkEnd)
    {
        // Only what is there: a page that is not counts as written to the kernel (so that the first scan of fresh memory would report all of
        // it), and protecting it would make a page table for it. When it comes to be there it is unprotected, and found.
        var argument = new TrackingLibc.ScanArgument
        {
            Size = (ulong)sizeof(TrackingLibc.ScanArgument),
            Flags = TrackingLibc.ScanWriteProtectMatching | TrackingLibc.ScanCheckAsync,
            Start = start,
            End = end,
            Regions = (TrackingLibc.PageRegion*)Marshal.UnsafeAddrOfPinnedArrayElement(regions, 0),
            RegionCount = (ulong)regions.Length,
            CategoryMask = TrackingLibc.PageIsWritten,
            CategoryAnyOf = TrackingLibc.PageIsPresent | TrackingLibc.PageIsSwapped,
            ReturnMask = TrackingLibc.PageIsWritten,
        };
        while (true)
        {
            var count = Libc.IoControl(file, TrackingLibc.PagemapScanRequest, &argument);
            if (count >= 0)
            {
                walkEnd = argument.WalkEnd;
                return count;
            }
            if (Marshal.GetLastPInvokeError() is not (Errno.Intr or Errno.Again))
                throw SystemCallException.Last("ioctl", $"PAGEMAP_SCAN, 0x{start:x} to 0x{end:x}", "It needs Linux 6.7, and memory that is registered with userfaultfd.");
        }
    }
}
