using System;
using System.IO;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>What a receiver may be told.</summary>
public sealed class QemuReceiveOptions
{
    /// <summary>How the stream is read; it is live in any case.</summary>
    public QemuStreamReaderOptions Reader { get; init; } = new();

    /// <summary>Takes pages of which the stream says nothing (free page hinting) for zeros. Else they are an error.</summary>
    public bool AllowMissingPages { get; init; }

    /// <summary>Sees the stream pass.</summary>
    public IQemuStreamObserver? Observer { get; init; }

    /// <summary>Answers a PING; called in the order of the stream.</summary>
    public Action<uint>? Pong { get; init; }

    /// <summary>How a postcopy is taken; left out: not at all.</summary>
    public QemuPostcopyReceiveOptions? Postcopy { get; init; }

    /// <summary>Ends a stream without trailer: see <see cref="QemuStreamReaderOptions.IsQuiet"/>. Asked of a source with a return path only.</summary>
    public Func<bool>? IsQuiet { get; init; }
}

/// <summary>
/// Takes a live migration and stores it in QEMU's mapped-ram layout, page by page as it comes. Devices are kept until the trailer is there,
/// and copied byte for byte; no class is needed for them.
/// </summary>
/// <remarks>
/// Memory does not grow with the migration: a few megabytes, two bits a page, and the devices. For one thread. What is written is a file only
/// once <see cref="Receive"/> has returned; to make it durable, to name it and to tell the source are the caller's.
/// </remarks>
public sealed partial class QemuStreamReceiver
{
    private readonly QemuReceiveOptions options;
    private QemuStreamReader reader;
    private readonly QemuStreamWriter writer;
    private MappedRamStore? store;
    private bool arePartsWritten;
    private bool isRamEnded;
    private long answered = -1;

    /// <param name="input">The connection, forward only.</param>
    /// <param name="output">A file, at its start: it seeks, and what was written can be read.</param>
    /// <param name="options">Nothing in most cases.</param>
    public QemuStreamReceiver(Stream input, Stream output, QemuReceiveOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(output);
        if (input.CanSeek)
            throw new ArgumentException("A file is converted, not received.", nameof(input));
        if (!output.CanSeek || !output.CanRead || output.Position != 0)
            throw new ArgumentException("The output must be a file, at its start.", nameof(output));
        this.options = options ?? new QemuReceiveOptions();
        var given = this.options.Reader;
        reader = new QemuStreamReader(input, new QemuStreamReaderOptions
        {
            Bounds = given.Bounds,
            Footers = given.Footers,
            DefaultPageSize = given.DefaultPageSize,
            UseTrailer = given.UseTrailer,
            GuessBounds = given.GuessBounds,
            SpoolLimit = given.SpoolLimit,
            IsLive = true,
            KeptPing = AnswerKept,
            IsQuiet = () => HasReturnPath && this.options.IsQuiet?.Invoke() == true,
        });
        writer = new QemuStreamWriter(output);
    }

    /// <summary>The source has opened a return path: it waits for SHUT before it takes the migration for completed.</summary>
    public bool HasReturnPath { get; private set; }

    /// <summary>The trailer has come, so that the source has sent all it has.</summary>
    public bool HasTrailer => reader.Description != null;

    /// <summary>The pages as they were received, once RAM has begun.</summary>
    public RamStatistics? Ram => store?.Statistics;

    /// <summary>Receives all of the stream.</summary>
    /// <exception cref="VmStateException">The stream is damaged or cut off, or is one that no file can be made of (postcopy, multifd, COLO).</exception>
    public void Receive()
    {
        while (!TryReceive())
        {
        }
        FinishPostcopy();
        writer.Flush();
    }

    /// <returns>Whether it has come to its end; not if it goes on over another connection.</returns>
    private bool TryReceive()
    {
        try
        {
            while (reader.Read())
            {
                options.Observer?.OnElement(reader);
                Store(reader.Current);
            }
            return true;
        }
        catch (Exception e) when (package != null && e is (IOException or VmStateException))
        {
            if (options.Postcopy!.Reconnect(e) is not { } next)
                throw;
            reader = reader.Continue(next);
            return false;
        }
    }

    private void Store(in QemuStreamElement element)
    {
        switch (element.Kind)
        {
            case QemuElementKind.Configuration:
                ConvertedConfiguration.CheckPlain(reader.Configuration!, element.Offset);
                writer.WriteConfiguration(ConvertedConfiguration.Of(reader.Configuration!, RamLayout.MappedRam));
                break;
            case QemuElementKind.Section when element.Section is { Name: QemuWire.RamName, InstanceId: 0, Kind: not SectionKind.Full }:
                StoreRam(element.Section);
                break;
            case QemuElementKind.Command:
                if (!ObeyPostcopy(element))
                    Obey(element);
                break;
            case QemuElementKind.Eof when package != null:
                // Its place is behind the devices, which stand before it.
                break;
            case QemuElementKind.Trailer:
                writer.WriteTrailer(ConvertedConfiguration.Trailer(reader.Description!, RamLayout.MappedRam));
                break;
            default:
                writer.CopyElement(reader);
                break;
        }
    }

    private void StoreRam(in SectionHeader section)
    {
        if (section.Kind == SectionKind.Start)
        {
            ConvertedConfiguration.CheckMapped(reader);
            if (reader.Ram!.HasSetupFlush)
                throw Fault.At("ram › setup", "pages on this connection", "MULTIFD_FLUSH: they come through others; turn the capability multifd off", reader.Current.Offset);
            store = new MappedRamStore(writer, reader.Ram);
            Footers();
            writer.BeginSection(section);
            store.WriteSetup();
            writer.EndSection();
            return;
        }
        while (reader.ReadRamRecord(out var record))
        {
            store!.Add(reader, record);
            options.Observer?.OnRecord(record);
        }
        Footers();
        if (section.Kind == SectionKind.End)
        {
            store!.Statistics.CheckWhole(reader.Ram!, options.AllowMissingPages);
            store.Finish();
            isRamEnded = true;
        }
        else if (arePartsWritten)
            return;
        // Of the PARTs one stays, with nothing but its end mark: where a conversion to plain puts the pages.
        arePartsWritten = true;
        writer.BeginSection(section);
        new RamSectionWriter(writer, reader.Ram!.PageSize).WriteEndOfSection();
        writer.EndSection();
    }

    /// <summary>Does what the command asks for. In the file is only what a QEMU that loads a file takes: it has no way back.</summary>
    private void Obey(in QemuStreamElement element)
    {
        var command = element.Command!;
        switch (command.Id)
        {
            case QemuCommandId.OpenReturnPath:
                HasReturnPath = true;
                break;
            case QemuCommandId.Ping:
                Answer(element.Offset, command.Value!.Value);
                break;
            default:
                if (ConvertedConfiguration.Keeps(element))
                    writer.CopyElement(reader);
                break;
        }
    }

    private void AnswerKept(long offset, uint value) => Answer(offset, value);

    private void Answer(long offset, uint value)
    {
        // One that stood at the end of what was kept comes again as an element.
        if (offset <= answered)
            return;
        answered = offset;
        if (HasReturnPath)
            options.Pong?.Invoke(value);
    }

    /// <summary>The first section tells whether there are footers, but not before it has ended.</summary>
    private void Footers()
    {
        reader.FinishElement();
        writer.HasFooters = reader.HasFooters ?? writer.HasFooters;
    }
}
