using System;
using System.Buffers.Binary;
using System.IO;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>
/// Reads big-endian values forward through a window of a seekable stream, and random ranges beside it. Positions are
/// absolute in the stream, as the offsets in errors and in mapped-ram headers are.
/// </summary>
/// <remarks>
/// A read past the end is a <see cref="VmStateException"/> that names what was read. Memory is one window of 64 KiB,
/// whatever the stream says. For one thread at a time; the stream must not be moved or changed by anybody else meanwhile.
/// </remarks>
public sealed class StreamCursor
{
    private const int WindowSize = 64 * 1024;

    private readonly Stream stream;
    private readonly byte[] window = new byte[WindowSize];
    private long windowStart;
    private int windowLength;

    /// <summary>A cursor at the stream's present position.</summary>
    /// <exception cref="ArgumentException">The stream cannot be read or cannot seek.</exception>
    public StreamCursor(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (!stream.CanSeek || !stream.CanRead)
            throw new ArgumentException("The stream must be readable and able to seek.", nameof(stream));
        this.stream = stream;
        Length = stream.Length;
        Position = stream.Position;
        windowStart = Position;
    }

    /// <summary>Where the next value is read, in bytes from the start of the stream.</summary>
    public long Position { get; private set; }

    /// <summary>Bytes in the stream when the cursor was made; nothing beyond is read.</summary>
    public long Length { get; }

    /// <summary>Bytes from <see cref="Position"/> to the end.</summary>
    public long Remaining => Math.Max(0, Length - Position);

    /// <summary>Goes to an absolute position from 0 to <see cref="Length"/>.</summary>
    /// <param name="position">The new <see cref="Position"/>.</param>
    /// <param name="what">Named in the error if the position is outside the stream.</param>
    public void Seek(long position, string what)
    {
        if (position < 0 || position > Length)
            throw Fault.At(what, $"an offset inside the stream of {Length} bytes", Fault.Hex((ulong)position), Position);
        Position = position;
    }

    /// <summary>Passes over <paramref name="count"/> bytes, all of which must be present.</summary>
    public void Skip(long count, string what)
    {
        Require(count, what);
        Position += count;
    }

    /// <summary>Looks at the next byte without passing it; -1 at the end.</summary>
    public int PeekByte()
    {
        if (Remaining == 0)
            return -1;
        return Peek(1, "")[0];
    }

    /// <summary>Looks at the next bytes without passing them.</summary>
    /// <param name="count">0 to 65,536.</param>
    /// <param name="what">Named in the error if the stream ends before.</param>
    public ReadOnlySpan<byte> Peek(int count, string what)
    {
        Require(count, what);
        var at = Position - windowStart;
        if (at < 0 || at + count > windowLength)
        {
            Fill(count, what);
            at = 0;
        }
        return window.AsSpan((int)at, count);
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
    public void ReadAt(long offset, Span<byte> destination, string what)
    {
        if (offset < 0 || offset > Length || destination.Length > Length - offset)
            throw Fault.At(what, $"{destination.Length} bytes", $"the end of the stream after {Math.Max(0, Length - offset)}", offset);

        var at = offset - windowStart;
        if (at >= 0 && at + destination.Length <= windowLength)
            window.AsSpan((int)at, destination.Length).CopyTo(destination);
        else
            ReadStream(offset, destination, what);
    }

    private void Require(long count, string what)
    {
        if (count < 0 || count > Remaining)
            throw Fault.At(what, $"{(ulong)count} bytes", $"the end of the stream after {Remaining}", Position);
    }

    private void Fill(int count, string what)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, WindowSize);
        var length = (int)Math.Min(WindowSize, Remaining);
        windowLength = 0;
        ReadStream(Position, window.AsSpan(0, length), what);
        windowStart = Position;
        windowLength = length;
    }

    private void ReadStream(long offset, Span<byte> destination, string what)
    {
        stream.Position = offset;
        var read = stream.ReadAtLeast(destination, destination.Length, throwOnEndOfStream: false);
        // The length was checked before: somebody has cut the file meanwhile.
        if (read < destination.Length)
            throw Fault.At(what, $"{destination.Length} bytes", $"the end of the stream after {read}", offset);
    }
}
