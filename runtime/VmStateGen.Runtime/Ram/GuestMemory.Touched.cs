using System;
using VmStateGen.Runtime.Linux;

namespace VmStateGen.Runtime.Ram;

/// <content>Which memory was ever touched.</content>
public sealed partial class GuestMemory
{
    /// <summary>
    /// Finds the pages that may hold anything but zeros, without reading or populating one. A page whose bit is not set reads as zeros: it
    /// was never written, or given back since. One whose bit is set may be zeros too.
    /// </summary>
    /// <param name="block">A block of this memory.</param>
    /// <returns>A bit for each page of the block's used length.</returns>
    /// <remarks>
    /// Says how it was at some moment during the call. Whoever wants to know of later writes starts a tracker before. Moves the position of
    /// the block's file.
    /// </remarks>
    /// <exception cref="SystemCallException">The kernel does not say.</exception>
    public DirtyBitmap FindTouched(RamBlock block)
    {
        CheckOwner(block);
        var used = block.UsedLength;
        var touched = new DirtyBitmap(used / PageSize, PageSize);

        // Each kind of memory is asked where the kernel knows it for sure; UntouchedMemoryTests asks the kernel that it runs on the same questions:
        // - Private memory is in this process's page tables or in swap: pagemap. mincore would call what is in swap "not there".
        // - Of a file there is its data besides: SEEK_DATA knows of tmpfs pages in swap and of those that only others mapped, which
        //   pagemap does not.
        // - hugetlb has no SEEK_DATA, and its pages that are being moved are not in every kernel's pagemap: mincore, which counts both.
        if (block.PageSize != Environment.SystemPageSize)
        {
            MarkHugePages(block, used, touched);
            return touched;
        }
        if (block.File is null || !block.IsShared || block.Backing == RamBacking.File)
        {
            using var pagemap = new Pagemap();
            pagemap.Find(block.Mapping, 0, used, touched, static (bitmap, offset, length) => bitmap.MarkBytes(offset, length));
        }
        if (block.File != null)
            MarkFileData(block, used, touched);
        return touched;
    }

    /// <summary>Which of a few pages are all zeros. Reads them.</summary>
    /// <param name="block">A block of this memory.</param>
    /// <param name="firstPage">Number of the first page.</param>
    /// <param name="count">1 to 64.</param>
    /// <returns>Bit i is page <paramref name="firstPage"/> + i.</returns>
    internal ulong FindZeroPages(RamBlock block, long firstPage, int count)
    {
        var offset = firstPage * PageSize;
        Check(block, offset, (long)count * PageSize);
        if (!IsRegistered(block, offset, (long)count * PageSize))
        {
            try
            {
                // 64 pages of 1 MiB at most.
                return Access(block, offset, count * PageSize, PageSize, static (bytes, size) =>
                {
                    var zeros = 0UL;
                    for (var i = 0; i * size < bytes.Length; i++)
                        zeros |= ZeroPage.IsZero(bytes.Slice(i * size, size)) ? 1UL << i : 0;
                    return zeros;
                });
            }
            catch (InvalidOperationException) when (IsRegistered(block, offset, (long)count * PageSize))
            {
                // Registered since: as below.
            }
        }
        var found = 0UL;
        for (var i = 0; i < count; i++)
            found |= IsZero(block, offset + (long)i * PageSize, PageSize) ? 1UL << i : 0;
        return found;
    }

    private static void MarkFileData(RamBlock block, long used, DirtyBitmap touched)
    {
        var end = block.FileOffset + used;
        try
        {
            for (var at = block.FileOffset; at < end && FileCalls.FindData(block.File!, at, out var start, out at);)
            {
                if (start < end)
                    touched.MarkBytes(start - block.FileOffset, Math.Min(at, end) - start);
            }
        }
        catch (SystemCallException e) when (e.Errno == Errno.Inval)
        {
            // A file system that cannot tell: all of it may be data.
            touched.SetAll();
        }
    }

    private static void MarkHugePages(RamBlock block, long used, DirtyBitmap touched)
    {
        var hostPage = Environment.SystemPageSize;
        var allocated = FileCalls.Facts(block.File!).AllocatedBytes;
        var found = 0L;
        Span<byte> pages = stackalloc byte[1];
        for (var offset = 0L; offset < block.MaxLength; offset += block.PageSize)
        {
            // All small pages of a huge one are there or none is.
            MemoryCalls.InCore(block.Mapping, offset, hostPage, pages);
            if ((pages[0] & 1) == 0)
                continue;
            found += block.PageSize;
            if (offset < used)
                touched.MarkBytes(offset, block.PageSize);
        }

        // The file has pages that this mapping does not: another process's, or they were there before. Where they are nobody says.
        var isAllOurs = block.IsShared ? allocated <= found : allocated == 0;
        if (!isAllOurs)
            touched.SetAll();
    }
}
