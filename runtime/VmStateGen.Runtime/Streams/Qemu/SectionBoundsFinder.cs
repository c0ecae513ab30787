using System;
using System.Buffers.Binary;
using System.Collections.Generic;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>Where a section ends, and how that is known.</summary>
/// <param name="End">Absolute offset of the first byte after the data.</param>
/// <param name="Description">The trailer's description of the section, if there is one.</param>
/// <param name="IsGuessed">The end is what looks like it.</param>
internal readonly record struct SectionBounds(long End, VmDeviceDescription? Description, bool IsGuessed);

/// <summary>Asks everybody who may know where a section's data ends: the caller, the trailer, the parsers of iterative sections.</summary>
internal sealed class SectionBoundsFinder(QemuStreamReaderOptions options, StreamCursor cursor, SectionFraming framing)
{
    private readonly DirtyBitmapBounds iterative = new();
    private readonly List<(SectionHeader Section, long? Guess, long Start)> asked = [];
    private TrailerSectionBounds? trailer;
    private bool isSearched;

    /// <summary>The trailer, once it is known; on a pipe that may be never.</summary>
    public VmDescription? Description { get; private set; }

    /// <summary>Offset of the trailer, or -1.</summary>
    public long TrailerOffset { get; private set; } = -1;

    /// <summary>Looks for the trailer between here and the end.</summary>
    /// <param name="open">The section whose data is here; none: an element begins here.</param>
    /// <returns><see langword="false"/> on a pipe that goes on for longer than may be kept.</returns>
    public bool SearchTrailer(SectionHeader? open = null)
    {
        if (isSearched || !options.UseTrailer)
            return true;
        // A section after RAM may find the end of a pipe within reach that one before RAM did not.
        if (!(options.IsLive && cursor.Source is PipeSource pipe ? HoldLive(pipe, open) : cursor.HoldUntil(long.MaxValue)))
            return false;
        isSearched = true;
        if ((TrailerOffset = TrailerFinder.Find(cursor)) < 0)
            return true;
        Description = VmDescription.Parse(TrailerFinder.ReadJson(cursor, TrailerOffset), TrailerOffset + 5);
        trailer = new TrailerSectionBounds(Description);
        foreach (var (section, guess, start) in asked)
        {
            if (trailer.TryGetLength(section, cursor, out var length) && guess is { } guessed && guessed != length)
                throw Fault.At($"{section} › data", $"{length} bytes, as the trailer says", $"what looked like its footer after {guessed}", start);
        }
        asked.Clear();
        return true;
    }

    /// <summary>
    /// Keeps all that comes until it ends with a trailer: nothing follows that (qemu-migration.md §1.1), and a source with a return path does
    /// not close the connection before it has its answer. Bytes in a device that look like one are followed by more, or do not parse.
    /// Of a machine without a trailer what is kept is whole when it has footers, ends with EOF, and nothing more comes.
    /// </summary>
    private bool HoldLive(PipeSource pipe, SectionHeader? open)
    {
        var start = cursor.Position;
        while (pipe.Length > pipe.HeldEnd)
        {
            var held = pipe.HeldFrom(start);
            var at = TrailerFinder.Find(held);
            if (at >= 0 && IsDescription(held[(at + TrailerFinder.HeaderSize)..]))
            {
                pipe.EndHere();
                return true;
            }
            if (held is [.., QemuWire.Eof] && options.IsQuiet?.Invoke() == true && IsWhole(new StreamCursor(pipe, start, pipe.HeldEnd), open))
            {
                pipe.EndHere();
                return true;
            }
            TellPing(held, pipe.HeldEnd);
            if (!pipe.HoldNext())
                return false;
        }
        return true;
    }

    /// <summary>Whether sections with footers and commands follow each other up to an EOF that is the last byte.</summary>
    private bool IsWhole(StreamCursor kept, SectionHeader? open)
    {
        var known = new SectionFraming(kept, framing);
        try
        {
            while (true)
            {
                if (open is { } section)
                {
                    var footer = known.HasFooters == true ? FooterScan.FindKept(kept, section.Id, known.Sections) : -1;
                    if (footer < 0)
                        return false;
                    kept.Seek(footer, "footer");
                    known.ReadFooter(section);
                }
                var start = kept.Position;
                var type = kept.ReadByte("element");
                if (type == QemuWire.Eof)
                    return kept.Remaining == 0;
                open = null;
                if (type == QemuWire.Command)
                    QemuCommand.Read(kept);
                else
                    open = known.ReadHeader(type, start);
            }
        }
        catch (VmStateException)
        {
            return false;
        }
    }

    private static bool IsDescription(ReadOnlySpan<byte> json)
    {
        try
        {
            VmDescription.Parse(json.ToArray());
            return true;
        }
        catch (VmStateException)
        {
            return false;
        }
    }

    /// <summary>A footer and a PING behind it, with nothing behind that: its source waits, or sends more whatever the answer.</summary>
    private void TellPing(ReadOnlySpan<byte> held, long end)
    {
        const int Footer = 5;
        const int Ping = 9;
        if (options.KeptPing == null || held.Length < Footer + Ping)
            return;
        var tail = held[^(Footer + Ping)..];
        if (tail[0] == QemuWire.SectionFooter && tail[Footer..].StartsWith((ReadOnlySpan<byte>)[QemuWire.Command, 0, (byte)QemuCommandId.Ping, 0, 4]))
            options.KeptPing(end - Ping, BinaryPrimitives.ReadUInt32BigEndian(tail[^4..]));
    }

    /// <summary>Finds the end of the data that starts at the cursor's position, which stays.</summary>
    /// <param name="section">The section.</param>
    /// <param name="known">All sections seen so far, for a guess.</param>
    /// <param name="isPackage">The section is in a package, which no trailer describes.</param>
    /// <param name="hasFooters">Whether sections have footers, if that is known.</param>
    /// <param name="isEarly">The section comes before the end of RAM, and the trailer after it.</param>
    public SectionBounds Find(in SectionHeader section, IReadOnlyDictionary<uint, SectionHeader> known, bool isPackage, bool? hasFooters, bool isEarly)
    {
        var start = cursor.Position;
        long? length = null;
        VmDeviceDescription? device = null;
        foreach (var bounds in options.Bounds)
        {
            if (TryBounds(bounds, section, ref length))
                break;
        }
        if (length == null)
            TryBounds(iterative, section, ref length);

        if (options.IsLive && isEarly && !isPackage && length == null)
            return FindLive(section, known, hasFooters);

        // A pipe is read to its end only for a section that nobody else knows.
        var isWhole = isPackage || length != null || SearchTrailer(section);
        if (!isSearched && section.Kind == SectionKind.Full)
            asked.Add((section, null, start));
        // The trailer counts the sections of a name, so it is asked for each, whoever else knows.
        else if (trailer != null && !isPackage && trailer.TryGetLength(section, cursor, out var described))
        {
            device = trailer.Device;
            length ??= described;
        }

        if (length is { } known1)
        {
            if (known1 < 0 || known1 > cursor.Remaining)
                throw Fault.At("data", $"{known1} bytes", $"the end of the stream after {cursor.Remaining}", start);
            return new SectionBounds(start + known1, device, false);
        }
        if (options.GuessBounds && hasFooters != false && FooterScan.Find(cursor, section.Id, known, isPackage) is >= 0 and var end)
            return new SectionBounds(end, null, true);
        throw Fault.At("data", "a description that tells its length", WhyUnknown(section, isWhole, hasFooters), start);
    }

    /// <summary>
    /// A live source may send no more than this until RAM has been taken, and RAM cannot be kept. Of a device the footer is looked for; the
    /// trailer, once it is there, must agree.
    /// </summary>
    private SectionBounds FindLive(in SectionHeader section, IReadOnlyDictionary<uint, SectionHeader> known, bool? hasFooters)
    {
        var start = cursor.Position;
        if (section.Kind != SectionKind.Full)
            throw Fault.At("data", "a description that tells its length", "an iterative section that nothing here parses", start);
        var end = options.GuessBounds && hasFooters != false ? FooterScan.FindLive(cursor, section.Id, known) : -1;
        if (end < 0)
            throw Fault.At("data", "a description that tells its length", $"a section before RAM without a footer of {section.Id}; the trailer comes after RAM", start);
        asked.Add((section, end - start, start));
        return new SectionBounds(end, null, true);
    }

    private string WhyUnknown(in SectionHeader section, bool isWhole, bool? hasFooters)
    {
        var why = section.Kind != SectionKind.Full ? "an iterative section that nothing here parses"
            : !isWhole ? $"no trailer within {options.SpoolLimit} bytes, the most that is kept of a pipe"
            : Description == null ? "no trailer in the file"
            : "none in the trailer";
        if (!options.GuessBounds)
            return why;
        return why + (hasFooters == false ? ", and no footers" : $", and no footer of {section.Id} with an element behind it");
    }

    private bool TryBounds(ISectionBounds bounds, in SectionHeader section, ref long? length)
    {
        var start = cursor.Position;
        var isKnown = bounds.TryGetLength(section, cursor, out var known);
        cursor.Seek(start, "data");
        if (isKnown)
            length = known;
        return isKnown;
    }
}
