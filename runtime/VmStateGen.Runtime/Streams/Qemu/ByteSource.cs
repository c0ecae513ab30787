using System;
using System.IO;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Linux;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>Where a <see cref="StreamCursor"/> gets its bytes: a file, or a pipe of which a stretch can be held.</summary>
internal abstract class ByteSource
{
    /// <summary>Bytes up to the end; <see cref="long.MaxValue"/> as long as nobody knows.</summary>
    public abstract long Length { get; }

    /// <summary>Whether what was read before can be read again without <see cref="Hold"/>.</summary>
    public abstract bool CanSeek { get; }

    /// <summary>Fills <paramref name="destination"/> from an absolute offset.</summary>
    /// <param name="offset">Where from.</param>
    /// <param name="destination">Where to.</param>
    /// <param name="atLeast">A pipe is not waited on for more than this.</param>
    /// <returns>Bytes read: fewer than <paramref name="atLeast"/> only at the end.</returns>
    public abstract int ReadAt(long offset, Span<byte> destination, int atLeast);

    /// <summary>Whether <see cref="ReadScattered"/> works.</summary>
    public virtual bool CanScatter => false;

    /// <summary>Reads the next bytes, at least one, into memory that is in pieces; 0 at the end.</summary>
    public virtual int ReadScattered(Span<IoSlice> slices) => throw new NotSupportedException();

    /// <summary>Keeps everything from <paramref name="offset"/> on until the next call. <paramref name="ahead"/> was read from there already.</summary>
    public virtual void Hold(long offset, ReadOnlySpan<byte> ahead)
    {
    }

    /// <summary>Up to where data can be read again and again after <see cref="HoldUntil"/>.</summary>
    public virtual long HeldEnd => long.MaxValue;

    /// <summary>Stops to keep what is read.</summary>
    public virtual void Release()
    {
    }

    /// <summary>Reads up to <paramref name="end"/>, or to the end, into what is held.</summary>
    /// <returns>Whether all of it could be held.</returns>
    public virtual bool HoldUntil(long end) => true;
}

/// <summary>A stream that seeks. It may be shared by several cursors of one thread.</summary>
internal sealed class FileSource(Stream stream) : ByteSource
{
    public override long Length { get; } = stream.Length;

    public override bool CanSeek => true;

    public override int ReadAt(long offset, Span<byte> destination, int atLeast)
    {
        if (stream.Position != offset)
            stream.Position = offset;
        return stream.ReadAtLeast(destination, destination.Length, throwOnEndOfStream: false);
    }
}

/// <summary>
/// A stream that only goes forward. Between <see cref="Hold"/> and <see cref="Release"/> what is read is kept in memory, up to
/// the limit; without it nothing is.
/// </summary>
internal sealed class PipeSource(Stream stream, int limit) : ByteSource
{
    private const int FirstSize = 64 * 1024;

    private byte[] held = [];
    private long heldStart;
    private long wantedFrom;
    private int heldLength;
    private long position;
    private bool isHolding;
    private long length = long.MaxValue;

    public override long Length => length;

    public override bool CanSeek => false;

    public override long HeldEnd => heldStart + heldLength;

    public override bool CanScatter => !isHolding && stream is IScatterStream { CanScatter: true };

    public override int ReadScattered(Span<IoSlice> slices)
    {
        var read = ((IScatterStream)stream).Read(slices);
        heldLength = 0;
        position += read;
        if (read == 0)
            length = position;
        return read;
    }

    public override int ReadAt(long offset, Span<byte> destination, int atLeast)
    {
        var read = 0;
        if (heldLength > 0 && offset >= heldStart && offset < HeldEnd)
        {
            var from = (int)(offset - heldStart);
            read = Math.Min(destination.Length, heldLength - from);
            held.AsSpan(from, read).CopyTo(destination);
        }
        if (read >= atLeast)
            return read;
        if (offset + read < position)
            throw new InvalidOperationException("The data was read before, and a pipe does not give it twice.");
        SkipTo(offset + read);
        if (position < offset + read)
            return read;
        return read + ReadNext(destination[read..], atLeast - read);
    }

    public override void Hold(long offset, ReadOnlySpan<byte> ahead)
    {
        if (heldLength > 0 && offset >= heldStart && offset <= HeldEnd && HeldEnd == position)
        {
            // What is kept goes on; what lies before is given up once there is need of its room.
            wantedFrom = offset;
        }
        else
        {
            heldLength = 0;
            Reserve(ahead.Length);
            ahead.CopyTo(held);
            heldLength = ahead.Length;
            heldStart = wantedFrom = offset;
        }
        isHolding = true;
    }

    public override void Release()
    {
        isHolding = false;
        // The cursor's window is ahead of what it has passed, so the rest of what is held may still be asked for.
        if (HeldEnd != position)
            heldLength = 0;
    }

    public override bool HoldUntil(long end)
    {
        while (position < Math.Min(end, length))
        {
            if (!HoldNext(end - position))
                return false;
        }
        return true;
    }

    /// <summary>What is held, from <paramref name="offset"/> on.</summary>
    public ReadOnlySpan<byte> HeldFrom(long offset) => held.AsSpan((int)(offset - heldStart), (int)(HeldEnd - offset));

    /// <summary>Waits for the next bytes and holds them; at the end there are none, and <see cref="Length"/> is known.</summary>
    /// <returns><see langword="false"/> if there is no room for more.</returns>
    public bool HoldNext(long atMost = long.MaxValue)
    {
        var room = RoomFor(FirstSize);
        if (room <= 0)
            return false;
        Reserve((int)Math.Min(room, heldLength + (long)FirstSize));
        var read = stream.Read(held, heldLength, (int)Math.Min(Math.Min(room, held.Length - heldLength), atMost));
        if (read == 0)
            length = position;
        position += read;
        heldLength += read;
        return true;
    }

    /// <summary>The stream ends with what has been read of it; that more can be read is not tried.</summary>
    public void EndHere() => length = position;

    private int ReadNext(Span<byte> destination, int atLeast)
    {
        var read = length == position ? 0 : stream.ReadAtLeast(destination, atLeast, throwOnEndOfStream: false);
        if (isHolding)
        {
            if (read > RoomFor(read))
            {
                // Too much to keep: from here on it is a pipe again.
                isHolding = false;
                heldLength = 0;
            }
            else
            {
                Reserve(read);
                destination[..read].CopyTo(held.AsSpan(heldLength));
                heldLength += read;
            }
        }
        else
            heldLength = 0;
        position += read;
        if (read < atLeast)
            length = position;
        return read;
    }

    private void SkipTo(long offset)
    {
        Span<byte> waste = stackalloc byte[4096];
        while (position < offset && position < length)
            ReadNext(waste[..(int)Math.Min(waste.Length, offset - position)], 1);
    }

    private int RoomFor(int wanted)
    {
        if (limit - heldLength < wanted && wantedFrom > heldStart)
        {
            var gone = (int)(wantedFrom - heldStart);
            held.AsSpan(gone, heldLength - gone).CopyTo(held);
            heldLength -= gone;
            heldStart = wantedFrom;
        }
        return limit - heldLength;
    }

    private void Reserve(int more)
    {
        var needed = heldLength + (long)more;
        if (needed <= held.Length)
            return;
        Array.Resize(ref held, (int)Math.Min(Math.Max(needed, 2L * held.Length), Math.Max(limit, needed)));
    }
}
