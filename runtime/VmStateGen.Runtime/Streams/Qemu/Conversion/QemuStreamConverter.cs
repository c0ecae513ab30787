using System;
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
}

/// <summary>
/// Writes a stream again with its RAM in another layout: one record or place for each page, differences and compressed pages
/// resolved. Device sections are copied byte for byte.
/// </summary>
public static class QemuStreamConverter
{
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
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(output);
        options ??= new QemuConvertOptions();
        if (!input.CanSeek)
            throw new ArgumentException("The input must be a file.", nameof(input));
        if (layout == RamLayout.MappedRam && (!output.CanSeek || output.Position != 0))
            throw new ArgumentException("The output must be a file, at its start.", nameof(output));

        var start = input.Position;
        using var image = Check(input, options, progress);
        input.Position = start;
        var reader = new QemuStreamReader(input, options.Reader);
        var conversion = new Conversion(reader, new QemuStreamWriter(output), image, layout, progress);
        while (reader.Read())
            conversion.Convert();
        conversion.Finish();
    }

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
    private sealed class Conversion(QemuStreamReader reader, QemuStreamWriter writer, RamImage? image, RamLayout layout, IProgress<long>? progress)
    {
        private bool arePartsWritten;
        private MappedRamWriter? mapped;

        public void Convert()
        {
            var element = reader.Current;
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
