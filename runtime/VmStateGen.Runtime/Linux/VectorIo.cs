using System;
using System.IO;
using System.Runtime.InteropServices;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.Linux;

/// <summary>Scatter-gather straight from and into guest RAM: the only place that opens an <see cref="IoVector"/>.</summary>
/// <remarks>
/// Blocks until all is done, also on a descriptor that is non-blocking; another thread ends it with shutdown(2) of the socket. The guest may
/// write while its pages are sent: what the peer gets of such a page is undefined, and the page is dirty again.
/// </remarks>
internal static unsafe class VectorIo
{
    /// <summary>Offset of a descriptor that has a position or none: a pipe, a socket.</summary>
    public const long NoOffset = -1;

    /// <summary>Writes all of it.</summary>
    /// <param name="descriptor">File, pipe or socket.</param>
    /// <param name="vector">What to write. Is as it was afterwards.</param>
    /// <param name="offset">Bytes from the start of the file, or <see cref="NoOffset"/> for the descriptor's position.</param>
    /// <exception cref="SystemCallException">It failed; how much was written is unknown.</exception>
    /// <exception cref="ObjectDisposedException">A block of it is gone.</exception>
    public static void Write(SafeHandle descriptor, IoVector vector, long offset = NoOffset)
    {
        ArgumentNullException.ThrowIfNull(vector);
        var done = Transfer(descriptor, vector, offset, isWrite: true);
        if (done != vector.Length)
            throw new EndOfStreamException($"Wrote {done} of {vector.Length} bytes: the descriptor takes no more.");
    }

    /// <summary>Reads until it is full or the data ends. The RAM that it names counts as written.</summary>
    /// <param name="descriptor">File, pipe or socket.</param>
    /// <param name="vector">Where to: ranges of RAM only. Is as it was afterwards.</param>
    /// <param name="offset">Bytes from the start of the file, or <see cref="NoOffset"/> for the descriptor's position.</param>
    /// <returns>Bytes read: less than the vector's length only at the end of the data.</returns>
    /// <exception cref="SystemCallException">It failed; how much was read is unknown.</exception>
    /// <exception cref="ArgumentException">The vector holds bytes that are not RAM.</exception>
    /// <exception cref="ObjectDisposedException">A block of it is gone.</exception>
    public static long Read(SafeHandle descriptor, IoVector vector, long offset = NoOffset)
    {
        ArgumentNullException.ThrowIfNull(vector);
        if (vector.HasOwnBytes)
            throw new ArgumentException("Nobody could get at the bytes that would be read into the vector's own.", nameof(vector));
        try
        {
            return Transfer(descriptor, vector, offset, isWrite: false);
        }
        finally
        {
            // After the bytes are there: marked before, a collector could take the mark and send the page as it was.
            vector.MarkDirty();
        }
    }

    private static long Transfer(SafeHandle descriptor, IoVector vector, long offset, bool isWrite)
    {
        ArgumentNullException.ThrowIfNull(descriptor);
        var entries = vector.Hold();
        var done = 0L;
        var index = 0;
        var saved = default(Libc.IoVec);
        var isPartial = false;
        try
        {
            // Pinned by IoVector.
            fixed (Libc.IoVec* all = entries)
            {
                while (index < entries.Length)
                {
                    var count = Math.Min(entries.Length - index, Libc.IovMax);
                    var result = Call(descriptor, all + index, count, offset < 0 ? offset : offset + done, isWrite);
                    if (result < 0)
                    {
                        var errno = Marshal.GetLastPInvokeError();
                        if (errno == Errno.Intr)
                            continue;
                        if (errno != Errno.Again)
                            throw Failed(isWrite, offset, vector, done);
                        Wait(descriptor, isWrite);
                        continue;
                    }
                    if (result == 0)
                        break;

                    done += result;
                    var left = (nuint)result;
                    while (left > 0 && left >= all[index].Length)
                    {
                        left -= all[index].Length;
                        if (isPartial)
                            (all[index], isPartial) = (saved, false);
                        index++;
                    }
                    if (left > 0)
                    {
                        if (!isPartial)
                            (saved, isPartial) = (all[index], true);
                        all[index].Base = (byte*)all[index].Base + left;
                        all[index].Length -= left;
                    }
                }
            }
            return done;
        }
        finally
        {
            if (isPartial)
                entries[index] = saved;
            vector.Release();
        }
    }

    private static nint Call(SafeHandle descriptor, Libc.IoVec* entries, int count, long offset, bool isWrite) => (isWrite, offset < 0) switch
    {
        (true, true) => Libc.WriteVector(descriptor, entries, count),
        (true, false) => Libc.WriteVectorAt(descriptor, entries, count, offset),
        (false, true) => Libc.ReadVector(descriptor, entries, count),
        (false, false) => Libc.ReadVectorAt(descriptor, entries, count, offset),
    };

    private static void Wait(SafeHandle descriptor, bool isWrite)
    {
        var isHeld = false;
        try
        {
            descriptor.DangerousAddRef(ref isHeld);
            var poll = new Libc.PollFd { Descriptor = (int)descriptor.DangerousGetHandle(), Events = isWrite ? Libc.PollOut : Libc.PollIn };
            if (Libc.Poll(&poll, 1, -1) < 0 && Marshal.GetLastPInvokeError() != Errno.Intr)
                throw SystemCallException.Last("poll", $"fd {poll.Descriptor}");
        }
        finally
        {
            if (isHeld)
                descriptor.DangerousRelease();
        }
    }

    private static SystemCallException Failed(bool isWrite, long offset, IoVector vector, long done)
    {
        var call = (isWrite ? "write" : "read", offset < 0) switch
        {
            (var verb, true) => verb + "v",
            (var verb, false) => "p" + verb + "v",
        };
        var at = offset < 0 ? "" : $" at 0x{offset:x}";
        return SystemCallException.Last(call, $"{vector.SegmentCount} segments, {vector.Length} bytes{at}, after {done}");
    }
}
