using System;
using System.Buffers.Binary;
using System.IO;
using System.Runtime.CompilerServices;
using VmStateGen.Runtime.Linux;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>
/// Reads big-endian values forward through a window of a stream, and random ranges beside it. Positions are
/// absolute in the stream, as the offsets in errors and in mapped-ram headers are.
/// </summary>
/// <remarks>
/// A read past the end is a <see cref="VmStateException"/> that names what was read. Memory is one window of 256 KiB,
/// whatever the stream says, and on a pipe what the reader has it hold. For one thread at a time; the stream must not be moved or
/// changed by anybody else meanwhile.
/// </remarks>
public sealed class StreamCursor
{
    /// <summary>Most bytes that <see cref="TakeBack"/> takes.</summary>
    internal const int MostTakenBack = WindowSize;

    private const int WindowSize = 256 * 1024;

    private readonly ByteSource source;
    private readonly long limit;
    private readonly byte[] window = new byte[WindowSize];
    private long windowStart;
    private int windowLength;
    private (string What, long Start, long Count) skipped;

    /// <summary>A cursor at the stream's present position.</summary>
    /// <exception cref="ArgumentException">The stream cannot be read or cannot seek.</exception>
    public StreamCursor(Stream stream)
        : this(OpenFile(stream), stream.Position, long.MaxValue)
    {
    }

    /// <param name="source">Where the bytes come from.</param>
    /// <param name="position">First position.</param>
    /// <param name="limit">Nothing is read from here on, even if there is more.</param>
    internal StreamCursor(ByteSource source, long position, long limit)
    {
        this.source = source;
        this.limit = limit;
        Position = position;
        windowStart = position;
    }

    /// <summary>Where the next value is read, in bytes from the start of the stream.</summary>
    public long Position { get; private set; }

    /// <summary>
    /// Bytes in the stream when the cursor was made; nothing beyond is read. On a pipe <see cref="long.MaxValue"/> until its end was seen.
    /// </summary>
    public long Length => Math.Min(limit, source.Length);

    /// <summary>Bytes from <see cref="Position"/> to the end, as far as the end is known.</summary>
    public long Remaining => Math.Max(0, Length - Position);

    /// <summary>Whether what was read before can be read again.</summary>
    public bool CanSeek => source.CanSeek;

    internal ByteSource Source => source;

    /// <summary>Whether <see cref="ReadScattered"/> works.</summary>
    internal bool CanScatter => limit == long.MaxValue && source.CanScatter;

    /// <summary>What was read already from <see cref="Position"/> on.</summary>
    internal ReadOnlySpan<byte> AtHand
    {
        get
        {
            var at = Position - windowStart;
            return at >= 0 && at < windowLength ? window.AsSpan((int)at, windowLength - (int)at) : default;
        }
    }

    /// <summary>Goes to an absolute position from 0 to <see cref="Length"/>; on a pipe not back before what is held.</summary>
    /// <param name="position">The new <see cref="Position"/>.</param>
    /// <param name="what">Named in the error if the position is outside the stream.</param>
    public void Seek(long position, string what)
    {
        if (position < 0 || position > Length)
            throw Fault.At(what, $"an offset inside the stream of {Length} bytes", Fault.Hex((ulong)position), Position);
        if (position > Position)
            skipped = (what, Position, position - Position);
        Position = position;
    }

    /// <summary>Passes over <paramref name="count"/> bytes, all of which must be present; a pipe tells at the next read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Skip(long count, string what)
    {
        Require(count, what);
        skipped = (what, Position, count);
        Position += count;
    }

    /// <summary>Looks at the next byte without passing it; -1 at the end.</summary>
    public int PeekByte() => TryPeek(1) is { IsEmpty: false } next ? next[0] : -1;

    /// <summary>Looks at the next bytes without passing them.</summary>
    /// <param name="count">0 to 262,144.</param>
    /// <param name="what">Named in the error if the stream ends before.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public ReadOnlySpan<byte> Peek(int count, string what)
    {
        var at = Position - windowStart;
        if (at >= 0 && at + count <= windowLength)
            return window.AsSpan((int)at, count);
        Require(count, what);
        var found = TryPeek(count);
        return found.Length == count ? found : throw EndBefore(what, count, found.Length);
    }

    /// <summary>Looks at the next bytes without passing them: fewer at the end.</summary>
    internal ReadOnlySpan<byte> TryPeek(int count)
    {
        count = (int)Math.Min(count, Remaining);
        var at = Position - windowStart;
        if (at < 0 || at + count > windowLength)
        {
            Fill(count);
            at = 0;
        }
        return window.AsSpan((int)at, Math.Min(count, windowLength - (int)at));
    }

    /// <summary>All that is at hand from <see cref="Position"/> on; waits for no more than <paramref name="atLeast"/>, and has fewer only at the end.</summary>
    internal ReadOnlySpan<byte> PeekBuffered(int atLeast)
    {
        var found = TryPeek(atLeast);
        var at = (int)(Position - windowStart);
        return at <= windowLength ? window.AsSpan(at, windowLength - at) : found;
    }

    /// <summary>
    /// Reads at least one byte of what follows that at hand, past the window; <see cref="TakeBack"/> must come before anything else is read. 0 at
    /// the end.
    /// </summary>
    internal int ReadScattered(Span<IoSlice> slices) => source.ReadScattered(slices);

    /// <summary>Ends what <see cref="ReadScattered"/> has begun.</summary>
    /// <param name="passed">Bytes from <see cref="Position"/> on, those at hand among them, that are done with.</param>
    /// <param name="count">Bytes that were read beyond, at most <see cref="MostTakenBack"/>.</param>
    /// <returns>For those bytes, which are at hand again.</returns>
    internal Span<byte> TakeBack(long passed, int count)
    {
        Position += passed;
        (windowStart, windowLength) = (Position, count);
        return window.AsSpan(0, count);
    }

    public byte ReadByte(string what)
    {
        var value = Peek(1, what)[0];
        Position++;
        return value;
    }

    public ushort ReadUInt16(string what)
    {
        var value = BinaryPrimitives.ReadUInt16BigEndian(Peek(2, what));
        Position += 2;
        return value;
    }

    public uint ReadUInt32(string what)
    {
        var value = BinaryPrimitives.ReadUInt32BigEndian(Peek(4, what));
        Position += 4;
        return value;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public ulong ReadUInt64(string what)
    {
        var value = BinaryPrimitives.ReadUInt64BigEndian(Peek(8, what));
        Position += 8;
        return value;
    }

    /// <summary>A length byte and that many characters: 1 to 255 of printable ASCII, as every name in a stream is.</summary>
    public string ReadName(string what)
    {
        var length = ReadByte(what);
        if (length == 0)
            throw Fault.At(what, "a name of 1 to 255 characters", "an empty one", Position - 1);
        return ReadText(length, what);
    }

    /// <summary><paramref name="length"/> characters of printable ASCII.</summary>
    internal string ReadText(int length, string what)
    {
        var bytes = Peek(length, what);
        var bad = bytes.IndexOfAnyExceptInRange((byte)0x20, (byte)0x7E);
        if (bad >= 0)
            throw Fault.At(what, "a name of printable ASCII", $"the byte 0x{bytes[bad]:x2} in it", Position + bad);
        var text = System.Text.Encoding.ASCII.GetString(bytes);
        Position += length;
        return text;
    }

    /// <summary>Fills <paramref name="destination"/> from <see cref="Position"/> and passes the bytes.</summary>
    public void Read(Span<byte> destination, string what)
    {
        // Small reads go through the window, so that a run of them costs one call to the stream.
        if (destination.Length <= WindowSize / 4)
            Peek(destination.Length, what).CopyTo(destination);
        else
            ReadAt(Position, destination, what);
        Position += destination.Length;
    }

    /// <summary>Fills <paramref name="destination"/> from an absolute offset; <see cref="Position"/> stays.</summary>
    /// <remarks>On a pipe: from what is held, or from the record that was passed last.</remarks>
    public void ReadAt(long offset, Span<byte> destination, string what)
    {
        if (offset < 0 || offset > Length || destination.Length > Length - offset)
            throw Fault.At(what, $"{destination.Length} bytes", $"the end of the stream after {Math.Max(0, Length - offset)}", offset);

        var at = offset - windowStart;
        var found = 0;
        if (at >= 0 && at < windowLength)
        {
            found = (int)Math.Min(destination.Length, windowLength - at);
            window.AsSpan((int)at, found).CopyTo(destination);
        }
        if (found < destination.Length)
            found += source.ReadAt(offset + found, destination[found..], destination.Length - found);
        // A file whose length was checked has been cut meanwhile; a pipe ends when it ends.
        if (found < destination.Length)
            throw Fault.At(what, $"{destination.Length} bytes", $"the end of the stream after {found}", offset);
    }

    /// <summary>On a pipe keeps all data from <see cref="Position"/> on, so that <see cref="Seek"/> can come back to it.</summary>
    internal void Hold()
    {
        if (source.CanSeek)
            return;
        var at = Position - windowStart;
        if (at < 0 || at > windowLength)
        {
            Fill(0);
            at = 0;
        }
        source.Hold(Position, window.AsSpan((int)at, windowLength - (int)at));
    }

    /// <summary>Ends what <see cref="Hold"/> has begun.</summary>
    internal void Release() => source.Release();

    /// <summary>Has a pipe hold everything up to <paramref name="end"/>, or its end.</summary>
    /// <returns><see langword="false"/> if that is more than may be held.</returns>
    internal bool HoldUntil(long end) => source.HoldUntil(end);

    private static FileSource OpenFile(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (!stream.CanSeek || !stream.CanRead)
            throw new ArgumentException("The stream must be readable and able to seek.", nameof(stream));
        return new FileSource(stream);
    }

    private void Require(long count, string what)
    {
        if ((ulong)count > (ulong)Remaining)
            throw EndWithin(what, count);
    }

    private VmStateException EndWithin(string what, long count) =>
        Fault.At(what, $"{(ulong)count} bytes", $"the end of the stream after {Remaining}", Position);

    private VmStateException EndBefore(string what, int wanted, int found)
    {
        // A pipe ends inside what was passed over without a look.
        if (Position > Length && skipped.Start <= Length)
            return Fault.At(skipped.What, $"{skipped.Count} bytes", $"the end of the stream after {Length - skipped.Start}", skipped.Start);
        return Fault.At(what, $"{wanted} bytes", $"the end of the stream after {found}", Math.Min(Position, Length));
    }

    /// <summary>Moves the window so that it starts at <see cref="Position"/>; what it has of that already is kept.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Fill(int count)
    {
        var at = Position - windowStart;
        var kept = 0;
        if (at >= 0 && at < windowLength)
        {
            kept = windowLength - (int)at;
            window.AsSpan((int)at, kept).CopyTo(window);
        }
        if (count > window.Length)
            throw new ArgumentOutOfRangeException(nameof(count));
        windowLength = kept;
        windowStart = Position;
        var end = (int)Math.Min(window.Length, Math.Max(0, Length - Position));
        // A pipe gives what it has: to wait for a full window would be to wait for a source that waits for us.
        if (end > kept)
            windowLength += source.ReadAt(Position + kept, window.AsSpan(kept, end - kept), count - kept);
    }
}
