using System;
using System.Buffers.Binary;
using System.Collections.Generic;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>
/// Guesses where a section ends that nobody describes: at the first footer of its id behind which something starts that can follow
/// a section (qemu-migration.md §1.1). Data that looks like that is possible, so what is found is marked as guessed.
/// </summary>
internal static class FooterScan
{
    private const int FooterSize = 5;
    private const int Chunk = 64 * 1024;

    /// <summary>No device's section is larger by far; iterative sections come in pieces of a megabyte.</summary>
    private const long MaxData = 64 * 1024 * 1024;

    /// <summary>The longest that is looked at behind a footer: type, id, name, instance, version.</summary>
    private const int LongestHeader = 1 + 4 + 1 + 255 + 4 + 4;

    /// <summary>Finds the footer. The cursor stays; on a pipe it must be held.</summary>
    /// <param name="cursor">At the section's data.</param>
    /// <param name="id">The section's id.</param>
    /// <param name="known">The sections seen so far, this one among them.</param>
    /// <param name="isPackage">The stream is a package: it ends by its length and not by EOF.</param>
    /// <returns>Offset of the footer, -1 if there is none.</returns>
    public static long Find(StreamCursor cursor, uint id, IReadOnlyDictionary<uint, SectionHeader> known, bool isPackage)
    {
        var start = cursor.Position;
        if (!cursor.CanSeek)
        {
            // No further than what can be kept: the data is still to be read.
            cursor.HoldUntil(start + MaxData);
            return Find(new StreamCursor(cursor.Source, start, cursor.Source.HeldEnd), start, id, known, isPackage);
        }
        try
        {
            return Find(cursor, start, id, known, isPackage);
        }
        finally
        {
            cursor.Seek(start, "data");
        }
    }

    /// <summary>
    /// As <see cref="Find(StreamCursor, uint, IReadOnlyDictionary{uint, SectionHeader}, bool)"/>, but waits for no more than it needs: the footer
    /// and a whole header of what follows.
    /// </summary>
    public static long FindLive(StreamCursor cursor, uint id, IReadOnlyDictionary<uint, SectionHeader> known)
    {
        var start = cursor.Position;
        var pipe = (PipeSource)cursor.Source;
        while (true)
        {
            var held = pipe.HeldEnd;
            var found = Find(new StreamCursor(pipe, start, held), start, id, known, isPackage: false);
            var isOver = pipe.Length <= held;
            if (found >= 0 && (isOver || IsWholeHeader(pipe.HeldFrom(found + FooterSize))))
                return found;
            if (isOver || held - start > MaxData || !pipe.HoldNext())
                return -1;
        }
    }

    /// <summary>As the others, in what was read of a pipe and is kept: nothing is waited for. Moves the cursor.</summary>
    public static long FindKept(StreamCursor kept, uint id, IReadOnlyDictionary<uint, SectionHeader> known) => Find(kept, kept.Position, id, known, isPackage: false);

    private static long Find(StreamCursor cursor, long start, uint id, IReadOnlyDictionary<uint, SectionHeader> known, bool isPackage)
    {
        Span<byte> footer = stackalloc byte[FooterSize];
        footer[0] = QemuWire.SectionFooter;
        BinaryPrimitives.WriteUInt32BigEndian(footer[1..], id);
        while (cursor.Position - start <= MaxData)
        {
            var bytes = cursor.TryPeek(Chunk);
            var at = bytes.IndexOf(footer);
            if (at < 0)
            {
                if (bytes.Length < Chunk)
                    return -1;
                cursor.Skip(bytes.Length - FooterSize + 1, "data");
                continue;
            }
            cursor.Skip(at, "data");
            var found = cursor.Position;
            cursor.Skip(FooterSize, "footer");
            if (CanFollow(cursor, known, isPackage))
                return found;
            cursor.Seek(found + 1, "data");
        }
        return -1;
    }

    /// <summary>Whether an element starts here, as far as the stream goes: it may be cut off in the middle of it.</summary>
    private static bool CanFollow(StreamCursor cursor, IReadOnlyDictionary<uint, SectionHeader> known, bool isPackage)
    {
        var next = cursor.TryPeek(LongestHeader);
        if (next.IsEmpty)
            return true;
        var rest = next[1..];
        switch (next[0])
        {
            case QemuWire.Eof:
                return !isPackage && (rest.IsEmpty || (rest[0] == QemuWire.VmDescription && (rest.Length < 6 || rest[5] == (byte)'{')));
            case QemuWire.SectionStart or QemuWire.SectionFull:
                return IsNewSection(rest, known);
            case QemuWire.SectionPart or QemuWire.SectionEnd:
                return rest.Length < 4
                    || (known.TryGetValue(BinaryPrimitives.ReadUInt32BigEndian(rest), out var started) && started.Kind == SectionKind.Start);
            case QemuWire.Command:
                return IsCommand(rest);
            default:
                return false;
        }
    }

    private static bool IsWholeHeader(ReadOnlySpan<byte> next) => next switch
    {
        [] => false,
        [QemuWire.SectionStart or QemuWire.SectionFull, ..] => next.Length >= 6 && next.Length >= 6 + next[5] + 8,
        [QemuWire.Eof, ..] => next.Length >= 7,
        _ => next.Length >= 5,
    };

    private static bool IsNewSection(ReadOnlySpan<byte> rest, IReadOnlyDictionary<uint, SectionHeader> known)
    {
        if (rest.Length < 5)
            return true;
        var length = rest[4];
        var name = rest.Slice(5, Math.Min(length, rest.Length - 5));
        if (known.ContainsKey(BinaryPrimitives.ReadUInt32BigEndian(rest)) || length == 0 || name.ContainsAnyExceptInRange((byte)0x20, (byte)0x7E))
            return false;
        // Versions are small numbers: some thousand at most, in all of QEMU's history.
        var version = rest[Math.Min(rest.Length, 5 + length + 4)..];
        return version.Length < 4 || BinaryPrimitives.ReadUInt32BigEndian(version) <= ushort.MaxValue;
    }

    private static bool IsCommand(ReadOnlySpan<byte> rest)
    {
        if (rest.Length < 4)
            return true;
        var id = (QemuCommandId)BinaryPrimitives.ReadUInt16BigEndian(rest);
        return QemuCommand.IsPayload(id, BinaryPrimitives.ReadUInt16BigEndian(rest[2..]));
    }
}
