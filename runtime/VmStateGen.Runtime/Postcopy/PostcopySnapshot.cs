using System;
using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.Win32.SafeHandles;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Ram;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Postcopy;

/// <summary>How a plain stream's index was come by.</summary>
public enum SnapshotIndexing
{
    /// <summary>A mapped-ram file needs none.</summary>
    None,

    /// <summary>It was beside the file.</summary>
    Kept,

    /// <summary>It was made and is now beside the file.</summary>
    Made,

    /// <summary>It was made and goes with the process: there was no writing beside the file.</summary>
    MadeAndNotKept,
}

/// <summary>How a snapshot is opened.</summary>
public sealed record PostcopySnapshotOptions
{
    /// <summary>Where a plain stream's index is kept; left out: beside the file, its name with <c>.vmstate-index</c>. Empty: nowhere.</summary>
    public string? IndexPath { get; init; }

    /// <summary>Told offsets in a plain stream that is read for its index.</summary>
    public IProgress<long>? Progress { get; init; }
}

/// <summary>
/// A machine in a file, QEMU's or ours, mapped-ram or plain, of which guests can be started by postcopy: any number, at once. Of a mapped-ram
/// file only its bitmaps are read to open it; a plain stream is read once and its index kept, checked by size, time and samples.
/// </summary>
/// <remarks>Any thread. The file must stay as it is.</remarks>
public sealed class PostcopySnapshot : IDisposable
{
    private readonly SafeFileHandle file;
    private readonly SafeFileHandle? indexFile;

    private PostcopySnapshot(
        string path, SafeFileHandle file, SafeFileHandle? indexFile, SnapshotIndexing indexing, SnapshotSections sections, int pageSize,
        IReadOnlyList<(string Name, long Length)> blocks, IReadOnlyList<DirtyBitmap> contents, IPageReader pages)
    {
        (this.file, this.indexFile) = (file, indexFile);
        (Path, Indexing, Sections, PageSize, Blocks, Contents, Pages) = (path, indexing, sections, pageSize, blocks, contents, pages);
    }

    public string Path { get; }

    public SnapshotIndexing Indexing { get; }

    /// <summary>Target page size in bytes.</summary>
    public int PageSize { get; }

    /// <summary>Name and bytes of each block of RAM.</summary>
    public IReadOnlyList<(string Name, long Length)> Blocks { get; }

    /// <summary>Class name of the machine type; empty if the stream does not say.</summary>
    public string MachineType => Sections.MachineType;

    /// <summary>Pages that are not zeros.</summary>
    public long ContentPages => Contents.Sum(static one => one.Count());

    internal SnapshotSections Sections { get; }

    /// <summary>Of each block the pages that are not zeros.</summary>
    internal IReadOnlyList<DirtyBitmap> Contents { get; }

    internal IPageReader Pages { get; }

    /// <summary>Opens a file.</summary>
    /// <exception cref="VmStateException">It is damaged, lacks pages, or is one that postcopy cannot start from.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static PostcopySnapshot Open(string path, PostcopySnapshotOptions? options = null)
    {
        options ??= new PostcopySnapshotOptions();
        SafeFileHandle? file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        SafeFileHandle? indexFile = null;
        try
        {
            var stamp = FileStamp.Of(file);
            var indexPath = options.IndexPath ?? path + ".vmstate-index";
            var indexing = SnapshotIndexing.Kept;
            var index = indexPath.Length > 0 ? TryOpenIndex(indexPath, stamp, out indexFile) : null;
            PostcopySnapshot result;
            if (index is null)
            {
                using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
                if (TryOpenMapped(path, file, stream) is { } mapped)
                {
                    file = null;
                    return mapped;
                }
                stream.Position = 0;
                indexing = Make(stream, stamp, indexPath, options.Progress, out indexFile);
                index = SnapshotIndex.TryRead(indexFile, stamp) ?? throw new IOException($"{path} has changed while it was indexed.");
            }
            var contents = Enumerable.Range(0, index.Blocks.Count).Select(index.ContentsOf).ToArray();
            result = new PostcopySnapshot(path, file, indexFile, indexing, index.Sections, index.PageSize, index.Blocks, contents, new IndexedPages(path, file, indexFile!, index));
            (file, indexFile) = (null, null);
            return result;
        }
        finally
        {
            file?.Dispose();
            indexFile?.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        file.Dispose();
        indexFile?.Dispose();
    }

    /// <summary>Reads all of the range.</summary>
    internal static void ReadExactly(string path, SafeFileHandle file, long offset, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            var count = RandomAccess.Read(file, destination, offset);
            if (count == 0)
                throw new IOException($"{path}: it ends at 0x{offset:x}, before its pages do: it was cut off while it was served.");
            destination = destination[count..];
            offset += count;
        }
    }

    private static SnapshotIndex? TryOpenIndex(string indexPath, in FileStamp stamp, out SafeFileHandle? indexFile)
    {
        indexFile = null;
        if (!File.Exists(indexPath))
            return null;
        try
        {
            indexFile = File.OpenHandle(indexPath);
            if (SnapshotIndex.TryRead(indexFile, stamp) is { } index)
                return index;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // As if it were not there.
        }
        indexFile?.Dispose();
        indexFile = null;
        return null;
    }

    private static SnapshotIndexing Make(FileStream stream, in FileStamp stamp, string indexPath, IProgress<long>? progress, out SafeFileHandle indexFile)
    {
        if (indexPath.Length > 0)
        {
            try
            {
                using var created = ChannelConnector.CreateAtomic(new FileAddress(System.IO.Path.GetFullPath(indexPath)));
                if (created is FileChannel { CanRead: true } target)
                {
                    SnapshotIndex.Build(stream, stamp, target.AsSeekableStream(), progress);
                    target.Close();
                    indexFile = File.OpenHandle(indexPath);
                    return SnapshotIndexing.Made;
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                stream.Position = 0;
            }
        }
        var temporary = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"vmstate-{Guid.NewGuid():N}.index");
        indexFile = File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileOptions.DeleteOnClose);

        // Without a name it is gone even if the process is killed.
        File.Delete(temporary);
        using var output = new FileStream(new SafeFileHandle(indexFile.DangerousGetHandle(), ownsHandle: false), FileAccess.ReadWrite, bufferSize: 0);
        SnapshotIndex.Build(stream, stamp, output, progress);
        return SnapshotIndexing.MadeAndNotKept;
    }

    private static PostcopySnapshot? TryOpenMapped(string path, SafeFileHandle file, FileStream stream)
    {
        // Whether it is one, its first bytes say; only then is it read to its end, which is past the pages and not through them.
        var probe = new QemuStreamReader(stream);
        while (probe.Read() && probe.Current.Kind is QemuElementKind.Header or QemuElementKind.Configuration)
        {
        }
        if (probe.Configuration?.HasCapability(QemuConfiguration.MappedRam) != true)
            return null;
        stream.Position = 0;
        var reader = new QemuStreamReader(stream);
        var sections = SnapshotSections.Read(reader, static () => { }, static _ => { });
        var ram = reader.Ram!;
        var contents = new DirtyBitmap[ram.Blocks.Count];
        for (var i = 0; i < contents.Length; i++)
            contents[i] = ReadBitmap(path, file, ram.Blocks[i], ram.PageSize);
        return new PostcopySnapshot(
            path, file, null, SnapshotIndexing.None, sections, ram.PageSize, [.. ram.Blocks.Select(static block => (block.Name, block.UsedLength))], contents,
            new MappedPages(path, file, ram, contents));
    }

    /// <summary>Little-endian words (§5.10).</summary>
    private static DirtyBitmap ReadBitmap(string path, SafeFileHandle file, RamBlockEntry block, int pageSize)
    {
        var pages = new DirtyBitmap(block.UsedLength / pageSize, pageSize);
        if (block.Mapped is not { PagesOffset: > 0 } mapped)
            throw Fault.At($"ram › {block.Name}", "its pages in the file", "a shared block that was left out", -1);
        var bytes = new byte[4096];
        var words = new ulong[bytes.Length / 8];
        for (var page = 0L; page < pages.PageCount; page += 64 * words.Length)
        {
            var count = (int)Math.Min(words.Length, (pages.PageCount - page + 63) / 64);
            ReadExactly(path, file, mapped.BitmapOffset + page / 8, bytes.AsSpan(0, 8 * count));
            for (var i = 0; i < count; i++)
                words[i] = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(8 * i));
            pages.SetWords(page, words.AsSpan(0, count));
        }
        return pages;
    }

    /// <summary>Pages at their places in a mapped-ram file.</summary>
    private sealed class MappedPages(string path, SafeFileHandle file, RamSectionReader ram, DirtyBitmap[] contents) : IPageReader
    {
        public void Read(int block, long offset, Span<byte> destination)
        {
            var pageSize = ram.PageSize;
            ReadExactly(path, file, ram.Blocks[block].Mapped!.PagesOffset + offset, destination);

            // What is not marked is zeros, whatever the file has there from before.
            for (var at = 0; at < destination.Length; at += pageSize)
            {
                if (!contents[block][(offset + at) / pageSize])
                    destination.Slice(at, pageSize).Clear();
            }
        }
    }

    /// <summary>Pages of a plain stream, where its index says.</summary>
    private sealed class IndexedPages(string path, SafeFileHandle file, SafeFileHandle indexFile, SnapshotIndex index) : IPageReader
    {
        // Records of pages that follow each other have this between them (qemu-migration.md §5.3).
        private const int RecordHeader = 8;

        public void Read(int block, long offset, Span<byte> destination)
        {
            var pageSize = index.PageSize;
            while (!destination.IsEmpty)
            {
                var page = offset / pageSize;
                var place = index.PlaceOf(block, page, out var isInIndex);
                var count = 1;
                if (place < 0)
                {
                    destination[..pageSize].Clear();
                }
                else if (isInIndex)
                {
                    ReadExactly(path, indexFile, index.PagesOffset + place, destination[..pageSize]);
                }
                else
                {
                    for (; count * pageSize < destination.Length; count++)
                    {
                        if (index.PlaceOf(block, page + count, out isInIndex) != place + (long)count * (RecordHeader + pageSize) || isInIndex)
                            break;
                    }
                    ReadRecords(place, count, pageSize, destination);
                }
                offset += (long)count * pageSize;
                destination = destination[(count * pageSize)..];
            }
        }

        private void ReadRecords(long place, int count, int pageSize, Span<byte> destination)
        {
            if (count == 1)
            {
                ReadExactly(path, file, place, destination[..pageSize]);
                return;
            }
            var size = count * pageSize + (count - 1) * RecordHeader;
            var records = ArrayPool<byte>.Shared.Rent(size);
            try
            {
                ReadExactly(path, file, place, records.AsSpan(0, size));
                for (var i = 0; i < count; i++)
                    records.AsSpan(i * (RecordHeader + pageSize), pageSize).CopyTo(destination[(i * pageSize)..]);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(records);
            }
        }
    }
}
