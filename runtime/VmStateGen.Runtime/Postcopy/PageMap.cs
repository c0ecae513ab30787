using System;
using VmStateGen.Runtime.Linux;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.Postcopy;

/// <summary>What is known of each unit of a block: whether it is there, and who was asked for it.</summary>
/// <remarks>
/// A unit is what is placed at once: a page of the host or of the guest, whichever is larger (qemu-migration.md §5.5). Any thread; the bits
/// are set with full fences, and each is set before what depends on it is looked at.
/// </remarks>
internal sealed class PageMap : IDisposable
{
    private readonly int targetPageSize;

    public PageMap(RamBlock ram, int targetPageSize)
    {
        Ram = ram;
        this.targetPageSize = targetPageSize;
        Unit = UnitOf(ram, targetPageSize);
        Length = ram.UsedLength;
        var count = (Length + Unit - 1) / Unit;
        Claimed = new DirtyBitmap(count, Unit);
        Received = new DirtyBitmap(count, Unit);
        Requested = new DirtyBitmap(count, Unit);
        Dropped = new DirtyBitmap(count, Unit);
    }

    public RamBlock Ram { get; }

    /// <summary>Bytes that are placed at once.</summary>
    public int Unit { get; }

    /// <summary>Bytes of the block when it was registered.</summary>
    public long Length { get; }

    /// <summary>Somebody has a copy in hand and places it, or it is decided otherwise what the unit holds. A copy that comes now is a second one.</summary>
    public DirtyBitmap Claimed { get; }

    /// <summary>What the unit holds is decided: it is there, or it reads as zeros.</summary>
    public DirtyBitmap Received { get; }

    /// <summary>The source was asked.</summary>
    public DirtyBitmap Requested { get; }

    /// <summary>Given back before its copy came: that one copy is to be thrown away.</summary>
    public DirtyBitmap Dropped { get; }

    /// <summary>Keeps managed code away from the memory.</summary>
    public FaultRegistration? Registration { get; set; }

    /// <summary>Whether the kernel tells of its faults.</summary>
    public bool IsRegistered { get; set; }

    /// <summary>The same memory once more, for filling what cannot be seen yet; <see langword="null"/> if the kernel copies.</summary>
    public SafeMapping? Alias { get; set; }

    public long MissingUnits => Received.PageCount - Received.Count();

    /// <summary>Bytes of a block's unit.</summary>
    public static int UnitOf(RamBlock ram, int targetPageSize) => (int)Math.Max(ram.PageSize, targetPageSize);

    /// <summary>Takes over which pages came before, in pages of the guest. A unit counts if all of it did.</summary>
    public void SetReceived(DirtyBitmap targetPages)
    {
        var each = Unit / targetPageSize;
        for (var page = targetPages.FindNext(0); page >= 0;)
        {
            // Runs of whole units.
            var end = targetPages.FindNextClean(page);
            var (first, last) = ((page + each - 1) / each, end / each);
            if (last > first)
            {
                Claimed.SetRange(first, last - first);
                Received.SetRange(first, last - first);
            }
            page = end == targetPages.PageCount ? -1 : targetPages.FindNext(end);
        }
    }

    /// <summary>The bits of RECV_BITMAP: one for each page of the guest, in little-endian words of 64 (qemu-migration.md §13.7).</summary>
    public byte[] ToWireBitmap()
    {
        var each = Unit / targetPageSize;
        var pages = Length / targetPageSize;
        var bytes = new byte[(pages + 63) / 64 * 8];
        for (var unit = Received.FindNext(0); unit >= 0;)
        {
            var end = Received.FindNextClean(unit);
            for (var page = unit * each; page < Math.Min(end * each, pages);)
            {
                if (page % 8 == 0 && page + 8 <= end * each && page + 8 <= pages)
                {
                    bytes[page / 8] = 0xFF;
                    page += 8;
                    continue;
                }
                bytes[page / 8] |= (byte)(1 << (int)(page % 8));
                page++;
            }
            unit = end == Received.PageCount ? -1 : Received.FindNext(end);
        }
        return bytes;
    }

    public void Dispose() => Alias?.Dispose();
}

/// <summary>Pages of a block that have not come.</summary>
/// <param name="Block">The block.</param>
/// <param name="Pages">How many.</param>
/// <param name="PageSize">Bytes of each.</param>
public sealed record MissingPages(RamBlock Block, long Pages, int PageSize)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Pages} {(Pages == 1 ? "page" : "pages")} of {Block.Name}{(PageSize == 4096 ? "" : $" (of {PageSize >> 10} KiB)")}";
}
