using System;
using System.Threading;
using VmStateGen.Runtime.Linux;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.Channels;

/// <summary>Scatter-gather: straight from and into guest RAM, in as few calls to the system as it takes.</summary>
public abstract partial class Channel
{
    // What a partial write changes are copies: the vector is as it was afterwards. One for each way, for they run at once.
    private IoSlice[]? readSlices;
    private IoSlice[]? writeSlices;

    /// <summary>Writes all of these, one after the other.</summary>
    public void Write(ReadOnlySpan<ReadOnlyMemory<byte>> buffers)
        => IoSlice.Pin(buffers, this, static (slices, channel) => channel.Write(slices));

    /// <summary>Writes all of it. Guest RAM is not copied; what the guest writes meanwhile may be sent or not.</summary>
    public void Write(IoVector vector)
    {
        ArgumentNullException.ThrowIfNull(vector);
        Deadline deadline = BeforeWrite();
        writeSlices ??= new IoSlice[IoSlice.MostInOneCall];
        Span<IoSlice> entries = vector.Hold();
        try
        {
            while (!entries.IsEmpty)
            {
                int count = IoSlice.Take(entries, writeSlices);
                WriteAll(writeSlices.AsSpan(0, count), deadline);
                entries = entries[count..];
            }
        }
        finally
        {
            vector.Release();
        }
    }

    /// <summary>Reads until it is full. The RAM in it counts as written, whatever comes of the read.</summary>
    /// <param name="vector">Ranges of RAM only.</param>
    /// <exception cref="ArgumentException">The vector holds bytes that are not RAM.</exception>
    /// <exception cref="ChannelException">The stream ended before, or reading failed: nobody knows what is in the RAM.</exception>
    public void ReadExactly(IoVector vector)
    {
        ArgumentNullException.ThrowIfNull(vector);
        if (vector.HasOwnBytes)
            throw new ArgumentException("Nobody could get at the bytes that would be read into the vector's own.", nameof(vector));
        BeforeRead();
        Deadline deadline = Deadline.In(ReadTimeout);
        readSlices ??= new IoSlice[IoSlice.MostInOneCall];
        Span<IoSlice> entries = vector.Hold();
        long done = 0;
        try
        {
            while (!entries.IsEmpty)
            {
                int taken = IoSlice.Take(entries, readSlices);
                entries = entries[taken..];
                Span<IoSlice> slices = IoSlice.Advance(readSlices.AsSpan(0, taken), 0);
                while (!slices.IsEmpty)
                {
                    int count = ReadSome(slices, deadline);
                    if (count == 0)
                        throw Failure($"read of {vector.Length} bytes", ChannelFault.Closed, $"the stream ended after {done} of them");
                    Interlocked.Add(ref bytesRead, count);
                    done += count;
                    slices = IoSlice.Advance(slices, count);
                }
            }
        }
        catch (ObjectDisposedException)
        {
            throw Failure("read", ChannelFault.Cancelled, "it was closed");
        }
        catch (ChannelException e)
        {
            if (done > 0)
                readFailure = e;
            throw;
        }
        finally
        {
            vector.Release();

            // After the bytes are there: marked before, a collector could take the mark and send the page as it was.
            vector.MarkDirty();
        }
    }

    /// <summary>Whether <see cref="Read(Span{IoSlice})"/> loses nothing that comes beside the bytes, and is worth it.</summary>
    internal virtual bool CanScatter => true;

    /// <summary>Reads at least one byte, straight to where the list points to; 0 at the end of the stream.</summary>
    internal int Read(Span<IoSlice> slices)
    {
        BeforeRead();
        try
        {
            int count = ReadSome(slices, Deadline.In(ReadTimeout));
            Interlocked.Add(ref bytesRead, count);
            return count;
        }
        catch (ObjectDisposedException)
        {
            throw Failure("read", ChannelFault.Cancelled, "it was closed");
        }
    }

    /// <summary>Writes all of the list, straight from where it points to. The list is used up.</summary>
    internal void Write(Span<IoSlice> slices) => WriteAll(slices, BeforeWrite());

    private void WriteAll(Span<IoSlice> slices, Deadline deadline)
    {
        try
        {
            slices = IoSlice.Advance(slices, 0);
            while (!slices.IsEmpty)
            {
                long count = WriteSome(slices, deadline);
                CountWritten(count);
                slices = IoSlice.Advance(slices, count);
            }
        }
        catch (ObjectDisposedException)
        {
            throw Failure("write", ChannelFault.Cancelled, "it was closed");
        }
        catch (ChannelException e)
        {
            writeFailure = e;
            throw;
        }
    }
}
