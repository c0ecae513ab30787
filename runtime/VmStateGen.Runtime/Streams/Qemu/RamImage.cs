using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>
/// The contents of a stream's RAM, page by page in any order: of a plain file the last record of a page counts, with differences
/// (XBZRLE) and compressed pages resolved, of a mapped-ram file its place in the file.
/// </summary>
/// <remarks>
/// <para>Feed it all records of a reader of a file (<see cref="Add"/>), or have <see cref="Read"/> do that; then ask for pages. Pages are
/// read from the file when they are asked for. Memory is 8 bytes for a page with contents, less for zeros, and nothing for a page that is not
/// there. Pages that came as differences are kept in a temporary file.</para>
/// <para>For one thread at a time; the file must stay open and as it is.</para>
/// </remarks>
public sealed class RamImage : IDisposable
{
    private readonly QemuStreamReader reader;
    private readonly RamSectionReader ram;
    private readonly Dictionary<RamBlockEntry, RamPageIndex> indexes = new(ReferenceEqualityComparer.Instance);
    private readonly byte[] bitmap = new byte[4096];
    private readonly byte[] scratch;
    private (RamBlockEntry? Block, long Start) bitmapAt;
    private FileStream? spill;
    private long spilled;

    /// <param name="reader">A reader of a file that has read RAM's START.</param>
    /// <exception cref="ArgumentException">The reader reads a pipe, or has no RAM yet.</exception>
    public RamImage(QemuStreamReader reader)
    {
        ArgumentNullException.ThrowIfNull(reader);
        if (!reader.CanSeek)
            throw new ArgumentException("Pages can be read in any order from a file only.", nameof(reader));
        this.reader = reader;
        ram = reader.Ram ?? throw new ArgumentException("The START of RAM was not read yet.", nameof(reader));
        Statistics = new RamStatistics(ram);
        scratch = new byte[ram.PageSize];
        foreach (var block in ram.Blocks)
            indexes.Add(block, new RamPageIndex());
    }

    /// <summary>Reads all of a stream from the file's present position, and checks it.</summary>
    /// <param name="stream">A file.</param>
    /// <param name="options">How it is read.</param>
    /// <param name="progress">Told offsets in the stream.</param>
    /// <returns><see langword="null"/> if there is no RAM in the stream.</returns>
    /// <exception cref="VmStateException">The stream is damaged or cut off.</exception>
    public static RamImage? Read(Stream stream, QemuStreamReaderOptions? options = null, IProgress<long>? progress = null)
    {
        var reader = new QemuStreamReader(stream, options);
        RamImage? image = null;
        try
        {
            while (reader.Read())
            {
                if (reader.Ram != null)
                    image ??= new RamImage(reader);
                while (reader.ReadRamRecord(out var record))
                {
                    image!.Add(record);
                    progress?.Report(record.Offset);
                }
            }
            var result = image;
            image = null;
            return result;
        }
        finally
        {
            image?.Dispose();
        }
    }

    /// <summary>Target page size in bytes.</summary>
    public int PageSize => ram.PageSize;

    /// <summary>The blocks, in the order of the stream.</summary>
    public IReadOnlyList<RamBlockEntry> Blocks => ram.Blocks;

    /// <summary>How many pages of each block are there.</summary>
    public RamStatistics Statistics { get; }

    /// <summary>The block of that name, <see langword="null"/> if there is none.</summary>
    public RamBlockEntry? FindBlock(string name)
    {
        foreach (var block in ram.Blocks)
        {
            if (block.Name == name)
                return block;
        }
        return null;
    }

    /// <summary>Number of pages of a block.</summary>
    public long PageCount(RamBlockEntry block)
    {
        ArgumentNullException.ThrowIfNull(block);
        return (block.UsedLength + PageSize - 1) / PageSize;
    }

    /// <summary>Takes the record that the reader gave last.</summary>
    /// <exception cref="VmStateException">It is a difference to a page that was never sent, or none.</exception>
    public void Add(in RamRecord record)
    {
        if (record.Block is { } block)
        {
            var page = record.PageOffset / PageSize;
            switch (record.Kind)
            {
                case RamRecordKind.Page:
                    indexes[block].Set(page, RamPagePlace.Plain, record.PayloadOffset);
                    break;
                case RamRecordKind.CompressedPage:
                    indexes[block].Set(page, RamPagePlace.Compressed, record.PayloadOffset);
                    break;
                case RamRecordKind.Xbzrle:
                    if (ReadPage(block, page, scratch) == RamPageState.Missing)
                        throw Fault.At($"{block.Name} + {Fault.Hex((ulong)record.PageOffset)}", "a page that was sent before", "the difference to one that was not", record.Offset);
                    reader.ReadPage(record, scratch);
                    Spill(block, page);
                    break;
            }
        }
        Statistics.Add(record);
    }

    /// <summary>Checks that the stream has every page of every block that it does not leave out on purpose (§5.11).</summary>
    /// <param name="allowMissing">Pages of which it says nothing are fine.</param>
    /// <exception cref="VmStateException">It has not.</exception>
    public void CheckWhole(bool allowMissing = false)
    {
        Statistics.CheckWhole(ram, allowMissing);
    }

    /// <summary>Checks that the stream has every page of the block.</summary>
    /// <param name="block">One of <see cref="Blocks"/>.</param>
    /// <param name="allowMissing">Pages of which it says nothing are fine.</param>
    /// <exception cref="VmStateException">It has not.</exception>
    public void CheckWhole(RamBlockEntry block, bool allowMissing = false)
    {
        ArgumentNullException.ThrowIfNull(block);
        Statistics.CheckWhole(ram, block, allowMissing);
    }

    /// <summary>What the stream says of a page.</summary>
    public RamPageState StateOf(RamBlockEntry block, long page)
    {
        CheckPage(block, page);
        if (block.Mapped is not { } mapped)
            return Statistics.StateOf(block, page);
        if (mapped.PagesOffset == 0)
            return RamPageState.Missing;
        return IsStored(block, mapped, page) ? RamPageState.Normal : RamPageState.Zero;
    }

    /// <summary>Reads a page; of one that is missing or of zeros <paramref name="destination"/> becomes zeros.</summary>
    /// <param name="block">One of <see cref="Blocks"/>.</param>
    /// <param name="page">Its number in the block.</param>
    /// <param name="destination">As long as a page.</param>
    /// <exception cref="VmStateException">The page's record is damaged.</exception>
    public RamPageState ReadPage(RamBlockEntry block, long page, Span<byte> destination)
    {
        var state = StateOf(block, page);
        if (destination.Length != PageSize)
            throw new ArgumentException($"Expected room for a page of {PageSize} bytes.", nameof(destination));
        if (state != RamPageState.Normal)
        {
            destination.Clear();
            return state;
        }
        if (block.Mapped is { } mapped)
        {
            var offset = page * PageSize;
            var length = (int)Math.Min(PageSize, block.UsedLength - offset);
            destination[length..].Clear();
            reader.ReadAt(mapped.PagesOffset + offset, destination[..length]);
            return state;
        }
        switch (indexes[block].Get(page, out var place))
        {
            case RamPagePlace.Plain:
                reader.ReadAt(place, destination);
                break;
            case RamPagePlace.Spilled:
                spill!.Position = place;
                spill.ReadExactly(destination);
                break;
            default:
                // The record's length is in front of its payload.
                Span<byte> length = stackalloc byte[4];
                reader.ReadAt(place - 4, length);
                var record = new RamRecord(RamRecordKind.CompressedPage, block, page * PageSize, place - 4, place, (int)BinaryPrimitives.ReadUInt32BigEndian(length), false);
                reader.ReadPage(record, destination);
                break;
        }
        return state;
    }

    /// <summary>Where a page's bytes are as they are: at an offset of the file, or nowhere because they must be made (<see cref="ReadPage"/>).</summary>
    /// <returns>−1 of a page that is made, is zeros or is missing.</returns>
    internal long PlainOffsetOf(RamBlockEntry block, long page)
    {
        CheckPage(block, page);
        return StateOf(block, page) == RamPageState.Normal && indexes[block].Get(page, out var offset) == RamPagePlace.Plain ? offset : -1;
    }

    /// <inheritdoc/>
    public void Dispose() => spill?.Dispose();

    private void CheckPage(RamBlockEntry block, long page)
    {
        ArgumentNullException.ThrowIfNull(block);
        ArgumentOutOfRangeException.ThrowIfNegative(page);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(page, PageCount(block));
    }

    /// <summary>Little-endian words, so that bit n is bit n % 8 of byte n / 8 (§5.10).</summary>
    private bool IsStored(RamBlockEntry block, MappedRamHeader mapped, long page)
    {
        var at = page / 8;
        if (bitmapAt.Block != (object)block || at < bitmapAt.Start || at >= bitmapAt.Start + bitmap.Length)
        {
            var start = at / bitmap.Length * bitmap.Length;
            var size = (PageCount(block) + 63) / 64 * 8;
            reader.ReadAt(mapped.BitmapOffset + start, bitmap.AsSpan(0, (int)Math.Min(bitmap.Length, size - start)));
            bitmapAt = (block, start);
        }
        return (bitmap[(int)(at - bitmapAt.Start)] & (1 << (int)(page % 8))) != 0;
    }

    /// <summary>Keeps what is in the scratch page; a page that was kept before is written over.</summary>
    private void Spill(RamBlockEntry block, long page)
    {
        spill ??= OpenSpill();
        if (indexes[block].Get(page, out var place) != RamPagePlace.Spilled)
        {
            place = spilled;
            spilled += PageSize;
            indexes[block].Set(page, RamPagePlace.Spilled, place);
        }
        spill.Position = place;
        spill.Write(scratch);
    }

    private static FileStream OpenSpill()
    {
        var path = Path.Combine(Path.GetTempPath(), $"vmstate-{Guid.NewGuid():N}.pages");
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Options = FileOptions.DeleteOnClose, BufferSize = 0 };
        var file = new FileStream(path, options);
        // Without a name it is gone even if the process is killed.
        if (!OperatingSystem.IsWindows())
            File.Delete(path);
        return file;
    }
}

/// <summary>Where the contents of a page are.</summary>
internal enum RamPagePlace
{
    None,
    Plain,
    Compressed,
    Spilled,
}

/// <summary>The places of a block's pages. Grows with the pages that have one, not with what the block claims to be.</summary>
internal sealed class RamPageIndex
{
    private const int PieceShift = 6;
    private readonly Dictionary<long, long[]> pieces = [];
    private long lastKey = -1;
    private long[] lastPiece = [];

    public RamPagePlace Get(long page, out long offset)
    {
        var value = Find(page >> PieceShift) ? lastPiece[page & ((1 << PieceShift) - 1)] : 0;
        offset = value >> 2;
        return (RamPagePlace)(value & 3);
    }

    public void Set(long page, RamPagePlace place, long offset)
    {
        if (!Find(page >> PieceShift))
        {
            lastKey = page >> PieceShift;
            pieces.Add(lastKey, lastPiece = new long[1 << PieceShift]);
        }
        lastPiece[page & ((1 << PieceShift) - 1)] = offset << 2 | (long)place;
    }

    private bool Find(long key)
    {
        if (key == lastKey)
            return true;
        if (!pieces.TryGetValue(key, out var piece))
            return false;
        (lastKey, lastPiece) = (key, piece);
        return true;
    }
}
