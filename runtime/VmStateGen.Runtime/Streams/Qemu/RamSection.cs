using System.Globalization;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>A RAM block as the RAM section's START names it (qemu-migration.md §5.2).</summary>
/// <param name="Name">QEMU's idstr, such as <c>pc.ram</c>.</param>
/// <param name="UsedLength">Bytes.</param>
/// <param name="PageSize">Host page size in bytes, where postcopy says it for this block.</param>
/// <param name="GuestAddress">Guest physical address, where x-ignore-shared says it.</param>
/// <param name="Mapped">Where the pages lie in the file, in a mapped-ram file.</param>
public sealed record RamBlockEntry(string Name, long UsedLength, long? PageSize = null, ulong? GuestAddress = null, MappedRamHeader? Mapped = null)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Name} ({UsedLength.ToString(CultureInfo.InvariantCulture)} bytes)";
}

/// <summary>Header of a block in a mapped-ram file; offsets are absolute in the file, both 0 for a block without data (§5.10).</summary>
public sealed record MappedRamHeader(long PageSize, long BitmapOffset, long PagesOffset)
{
    public const uint Version = 1;
    public const int Size = 28;

    /// <summary>Page data starts at multiples of this.</summary>
    public const int PagesAlignment = 1 << 20;

    /// <summary>Pages that have data in the file: the bits that are set. The others are zeros.</summary>
    public long StoredPages { get; init; }
}

/// <summary>Kinds of records in a RAM section's PART and END.</summary>
public enum RamRecordKind
{
    /// <summary>A page of zeros. No payload.</summary>
    Zero,

    /// <summary>A page; the payload is its bytes.</summary>
    Page,

    /// <summary>A page as difference to what was sent before (§5.4); the payload is the encoded difference.</summary>
    Xbzrle,

    /// <summary>A page as one zlib stream; the payload is the stream (up to 9.0).</summary>
    CompressedPage,

    /// <summary>The multifd channels were flushed here. No block, no payload.</summary>
    MultifdFlush,
}

/// <summary>One record of a RAM section.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Block">Which block; <see langword="null"/> for a flush only.</param>
/// <param name="PageOffset">Bytes from the start of the block, a multiple of the page size, inside the block.</param>
/// <param name="Offset">Offset of the record in the stream.</param>
/// <param name="PayloadOffset">Offset of the payload in the stream.</param>
/// <param name="PayloadLength">Bytes of payload.</param>
/// <param name="IsContinued">The record named no block but went on with that of the record before.</param>
public readonly record struct RamRecord(
    RamRecordKind Kind, RamBlockEntry? Block, long PageOffset, long Offset, long PayloadOffset, int PayloadLength, bool IsContinued);

/// <summary>What a reader must know about a RAM section that the section itself does not say.</summary>
/// <param name="PageSize">Target page size in bytes, a power of two from 1 KiB to 1 MiB.</param>
/// <param name="HasGuestAddresses">The source has the capability x-ignore-shared on.</param>
/// <param name="IsMapped">The source has the capability mapped-ram on.</param>
/// <param name="AdvisedPageSizes">The page sizes of a postcopy advice or-ed together, 0 without postcopy.</param>
public readonly record struct RamSectionFormat(int PageSize, bool HasGuestAddresses = false, bool IsMapped = false, ulong AdvisedPageSizes = 0);
