using System;
using System.Buffers.Binary;
using System.IO;
using System.Linq;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>How a file holds the pages of RAM.</summary>
public enum RamLayout
{
    /// <summary>As records in the stream, in any order: what every QEMU writes and loads, from a pipe too.</summary>
    Plain,

    /// <summary>Each at its place in the file (mapped-ram, 9.0 and newer).</summary>
    MappedRam,
}

/// <summary>What a conversion may be told.</summary>
public sealed class QemuConvertOptions
{
    /// <summary>How the input is read.</summary>
    public QemuStreamReaderOptions Reader { get; init; } = new();

    /// <summary>
    /// Takes pages of which the stream says nothing for zeros. Else they are an error: most often the pages went through other channels
    /// (multifd) and are not in the file.
    /// </summary>
    public bool AllowMissingPages { get; init; }

    /// <summary>
    /// The output is a connection with a return path: it is opened in the stream, and before EOF a PING is sent and this called with its
    /// value. It waits for the PONG, which proves that all sections have loaded; if it throws, no EOF goes out and the peer runs no guest.
    /// </summary>
    public Action<uint>? AwaitPong { get; init; }
}

/// <summary>
/// Writes a stream again with its RAM in another layout: one record or place for each page, differences and compressed pages
/// resolved. Device sections are copied byte for byte.
/// </summary>
public sealed class QemuStreamConverter : IDisposable
{
    private readonly Stream input;
    private readonly long start;
    private readonly QemuConvertOptions options;
    private readonly RamImage? image;

    private QemuStreamConverter(Stream input, long start, QemuConvertOptions options, RamImage? image)
    {
        this.input = input;
        this.start = start;
        this.options = options;
        this.image = image;
    }

    /// <summary>Converts a whole stream.</summary>
    /// <param name="input">A file, at the start of its stream. It is read twice: first all of it is checked.</param>
    /// <param name="output">Where to; for mapped-ram it must seek, and the stream must start at its first byte.</param>
    /// <param name="layout">The output's layout; the input may have either.</param>
    /// <param name="options">Nothing in most cases.</param>
    /// <param name="progress">Told offsets in the input, in both passes.</param>
    /// <exception cref="VmStateException">
    /// The input is damaged or not whole, or is one that no file can be made of (postcopy). Unless it was found in the first pass, some
    /// output has been written.
    /// </exception>
    public static void Convert(Stream input, Stream output, RamLayout layout, QemuConvertOptions? options = null, IProgress<long>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(output);
        using var converter = Open(input, options, progress);
        converter.Write(output, layout, progress);
    }

    /// <summary>The first pass: reads and checks all of a stream. Nothing is written.</summary>
    /// <param name="input">A file, at the start of its stream; it must stay open and as it is.</param>
    /// <param name="options">Nothing in most cases.</param>
    /// <param name="progress">Told offsets in the input.</param>
    /// <exception cref="VmStateException">The input is damaged or not whole.</exception>
    public static QemuStreamConverter Open(Stream input, QemuConvertOptions? options = null, IProgress<long>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(input);
        options ??= new QemuConvertOptions();
        if (!input.CanSeek)
            throw new ArgumentException("The input must be a file.", nameof(input));
        var start = input.Position;
        return new QemuStreamConverter(input, start, options, Check(input, options, progress));
    }

    /// <summary>The second pass: writes the stream.</summary>
    /// <param name="output">Where to; for mapped-ram it must seek, and the stream must start at its first byte.</param>
    /// <param name="layout">The output's layout.</param>
    /// <param name="progress">Told offsets in the input.</param>
    /// <exception cref="VmStateException">The input is one that no file can be made of (postcopy). Some output has been written.</exception>
    public void Write(Stream output, RamLayout layout, IProgress<long>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(output);
        if (layout == RamLayout.MappedRam && (!output.CanSeek || output.Position != 0))
            throw new ArgumentException("The output must be a file, at its start.", nameof(output));
        input.Position = start;
        var reader = new QemuStreamReader(input, options.Reader);
        var conversion = new Conversion(reader, new QemuStreamWriter(output), image, layout, options.AwaitPong, progress);
        while (reader.Read())
            conversion.Convert();
        conversion.Finish();
    }

    /// <inheritdoc/>
    public void Dispose() => image?.Dispose();

    private static RamImage? Check(Stream input, QemuConvertOptions options, IProgress<long>? progress)
    {
        var image = RamImage.Read(input, options.Reader, progress);
        try
        {
            image?.CheckWhole(options.AllowMissingPages);
            return image;
        }
        catch
        {
            image?.Dispose();
            throw;
        }
    }

    /// <summary>One conversion's second pass.</summary>
    private sealed class Conversion(
        QemuStreamReader reader, QemuStreamWriter writer, RamImage? image, RamLayout layout, Action<uint>? awaitPong, IProgress<long>? progress)
    {
        private const uint FirstPing = 1;
        private const uint LastPing = 2;

        private bool isReturnPathOpen;
        private bool arePartsWritten;
        private MappedRamWriter? mapped;

        public void Convert()
        {
            var element = reader.Current;
            if (awaitPong != null && !isReturnPathOpen && element.Kind is not (QemuElementKind.Header or QemuElementKind.Configuration))
            {
                // Right after the configuration, as QEMU does (qemu-migration.md §1.5).
                isReturnPathOpen = true;
                writer.WriteCommand(QemuCommandId.OpenReturnPath);
                Ping(FirstPing);
            }
            switch (element.Kind)
            {
                case QemuElementKind.Configuration:
                    writer.WriteConfiguration(ConvertedConfiguration.Of(reader.Configuration!, layout));
                    break;
                case QemuElementKind.Section when element.Section is { Name: QemuWire.RamName, InstanceId: 0, Kind: not SectionKind.Full }:
                    if (layout == RamLayout.MappedRam)
                        ConvertToMapped(element.Section);
                    else
                        ConvertToPlain(element.Section);
                    break;
                case QemuElementKind.Command:
                    ConvertCommand(element);
                    break;
                case QemuElementKind.Eof when awaitPong != null:
                    Ping(LastPing);
                    writer.Flush();
                    awaitPong(LastPing);
                    writer.WriteEof();
                    break;
                case QemuElementKind.Trailer:
                    writer.WriteTrailer(ConvertedConfiguration.Trailer(reader.Description!, layout));
                    break;
                default:
                    writer.CopyElement(reader);
                    break;
            }
        }

        public void Finish()
        {
            writer.Flush();
            progress?.Report(reader.Current.Offset);
        }

        private void Ping(uint value)
        {
            Span<byte> payload = stackalloc byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(payload, value);
            writer.WriteCommand(QemuCommandId.Ping, payload);
        }

        private void ConvertCommand(in QemuStreamElement element)
        {
            if (ConvertedConfiguration.Keeps(element))
                writer.CopyElement(reader);
        }

        private void ConvertToMapped(in SectionHeader section)
        {
            ConvertedConfiguration.CheckMapped(reader);
            Footers();
            if (section.Kind == SectionKind.Start)
            {
                writer.BeginSection(section);
                mapped = new MappedRamWriter(writer, image!.PageSize);
                mapped.WriteSetup([.. image.Blocks.Select(block => new RamBlockEntry(block.Name, block.UsedLength))]);
                writer.EndSection();
            }
            else if (section.Kind == SectionKind.End)
            {
                WriteMappedPages();
                WriteEnd(section);
            }
            else if (!arePartsWritten)
            {
                // One stays, where a conversion back will put the pages: before what comes between PART and END.
                arePartsWritten = true;
                WriteEnd(section);
            }
        }

        private void WriteMappedPages()
        {
            var page = new byte[image!.PageSize];
            for (var i = 0; i < image.Blocks.Count; i++)
            {
                var block = image.Blocks[i];
                var count = image.PageCount(block);
                for (var n = 0L; n < count; n++)
                {
                    if (image.ReadPage(block, n, page) == RamPageState.Normal)
                        mapped!.WritePage(i, n, page);
                }
            }
            mapped!.Finish();
        }

        private void ConvertToPlain(in SectionHeader section)
        {
            var ram = new RamSectionWriter(writer, image!.PageSize);
            Footers();
            if (section.Kind == SectionKind.Start)
            {
                writer.BeginSection(section);
                ram.WriteSetup([.. image.Blocks.Select(block => block with { Mapped = null, PageSize = null })]);
                writer.EndSection();
                return;
            }
            if (!arePartsWritten)
            {
                arePartsWritten = true;
                writer.BeginSection(section with { Kind = SectionKind.Part });
                WritePlainPages(ram);
                ram.WriteEndOfSection();
                writer.EndSection();
            }
            if (section.Kind == SectionKind.End)
                WriteEnd(section);
        }

        private void WritePlainPages(RamSectionWriter ram)
        {
            var page = new byte[image!.PageSize];
            foreach (var block in image.Blocks)
            {
                var count = image.PageCount(block);
                // Zeros are written too: a block that is not empty at start, such as a ROM, would keep what it has.
                for (var n = 0L; n < count; n++)
                {
                    switch (image.ReadPage(block, n, page))
                    {
                        case RamPageState.Zero:
                            ram.WriteZeroPage(block, n * image.PageSize);
                            break;
                        case RamPageState.Normal:
                            ram.WritePage(block, n * image.PageSize, page);
                            break;
                    }
                }
            }
        }

        private void WriteEnd(in SectionHeader section)
        {
            writer.BeginSection(section);
            new RamSectionWriter(writer, image!.PageSize).WriteEndOfSection();
            writer.EndSection();
        }

        /// <summary>The first section tells whether there are footers, but not before it has ended.</summary>
        private void Footers()
        {
            reader.FinishElement();
            writer.HasFooters = reader.HasFooters ?? writer.HasFooters;
        }
    }
}
