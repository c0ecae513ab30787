using System;
using System.Diagnostics.CodeAnalysis;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;
using Microsoft.Win32.SafeHandles;
using VmStateGen.Runtime.Linux;

namespace VmStateGen.Runtime.Channels;

/// <summary>
/// A transport of bytes between two ends of a migration. It knows nothing of what they mean. Calls block the thread that makes them:
/// one that is there for it.
/// </summary>
/// <remarks>
/// <para>One thread may read while another writes; <see cref="Cancel(string)"/> and <see cref="Dispose"/> may come from any. Both wake whoever
/// is blocked, at once.</para>
/// <para>A write either is complete or fails; after a failed one nobody knows what the peer has, and every later write fails as well. The
/// same is true of <see cref="ReadExactly(Span{byte})"/> that has read a part. A <see cref="Read(Span{byte})"/> that timed out may be tried again.</para>
/// <para>All failures are <see cref="ChannelException"/>s.</para>
/// </remarks>
public abstract partial class Channel : IDisposable
{
    // Between two looks at what has been delivered.
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMicroseconds(20);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(1);

    private readonly WakeEvent wake = new();
    private long bytesRead;
    private long bytesWritten;
    private Exception? cancelReason;
    private ChannelException? readFailure;
    private ChannelException? writeFailure;
    private int isDisposed;

    internal Channel(string peer, ChannelOptions options)
    {
        Peer = peer;
        ReadTimeout = options.ReadTimeout;
        WriteTimeout = options.WriteTimeout;
    }

    /// <summary>The other end, for a reader: <c>tcp:127.0.0.1:4444</c>.</summary>
    public string Peer { get; }

    /// <summary>Whether bytes come out.</summary>
    public virtual bool CanRead => true;

    /// <summary>Whether bytes go in.</summary>
    public virtual bool CanWrite => true;

    /// <summary>Whether the two ends can talk to each other: a return path needs it.</summary>
    public bool IsBidirectional => CanRead && CanWrite && !CanSeek;

    /// <summary>Whether it is a file: <see cref="FileChannel"/>.</summary>
    public virtual bool CanSeek => false;

    /// <summary>Whether <see cref="SendDescriptor"/> works.</summary>
    public virtual bool CanPassDescriptors => false;

    /// <summary>Bytes read so far.</summary>
    public long BytesRead => Interlocked.Read(ref bytesRead);

    /// <summary>Bytes that were handed to the system so far.</summary>
    public long BytesWritten => Interlocked.Read(ref bytesWritten);

    /// <summary>How long one read may take. May be changed between reads.</summary>
    public TimeSpan ReadTimeout { get; set; }

    /// <summary>How long one write may take. May be changed between writes.</summary>
    public TimeSpan WriteTimeout { get; set; }

    /// <summary>What writes wait for and are counted by; channels may share one. <see langword="null"/>: no limit.</summary>
    public RateLimiter? Limiter { get; set; }

    /// <summary>Whether <see cref="Cancel(string)"/> was called.</summary>
    public bool IsCancelled => Volatile.Read(ref cancelReason) is not null;

    /// <summary>
    /// Bytes that were written and have not arrived, in the unit of the system: only 0 means the same everywhere. Of TCP what the peer's
    /// system has not acknowledged, of <c>unix:</c> and pipes what the peer has not read, of files always 0. -1 if it cannot be told.
    /// </summary>
    public virtual long UnsentBytes => 0;

    internal WakeEvent Wake => wake;

    /// <summary>Reads at least one byte.</summary>
    /// <returns>Bytes read; 0 at the end of the stream, or if nothing is asked for.</returns>
    public int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty)
            return 0;
        BeforeRead();
        try
        {
            int count = ReadSome(buffer, Deadline.In(ReadTimeout));
            Interlocked.Add(ref bytesRead, count);
            return count;
        }
        catch (ObjectDisposedException)
        {
            throw Failure("read", ChannelFault.Cancelled, "it was closed");
        }
    }

    /// <summary>Reads until the buffer is full.</summary>
    /// <exception cref="ChannelException">The stream ended before (<see cref="ChannelFault.Closed"/>), or reading failed.</exception>
    public void ReadExactly(Span<byte> buffer)
    {
        BeforeRead();
        Deadline deadline = Deadline.In(ReadTimeout);
        int done = 0;
        try
        {
            while (done < buffer.Length)
            {
                int count = ReadSome(buffer[done..], deadline);
                if (count == 0)
                    throw Failure($"read of {buffer.Length} bytes", ChannelFault.Closed, $"the stream ended after {done} of them");
                Interlocked.Add(ref bytesRead, count);
                done += count;
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
    }

    /// <summary>Writes all of it, after waiting for <see cref="Limiter"/>.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        Deadline deadline = BeforeWrite();
        try
        {
            while (!bytes.IsEmpty)
            {
                int count = WriteSome(bytes, deadline);
                CountWritten(count);
                bytes = bytes[count..];
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

    /// <summary>Hands on what is kept back. Channels keep nothing back; one above them may.</summary>
    public virtual void Flush() => ThrowIfUnusable("flush");

    /// <summary>No more is written: the peer reads the end of the stream. Reading goes on.</summary>
    public abstract void ShutdownWrite();

    /// <summary>
    /// Ends it in an orderly way and reports what only shows at the end: that a file could not be written out, that the command of an
    /// <c>exec:</c> channel has failed. Does not wait for the peer; see <see cref="WaitUntilDelivered"/>.
    /// </summary>
    public virtual void Close() => Dispose();

    /// <summary>Waits until <see cref="UnsentBytes"/> is 0 and the connection still stands.</summary>
    /// <returns>Whether that was within the timeout, and can be told at all.</returns>
    /// <exception cref="ChannelException">It failed before: nobody knows what the peer has.</exception>
    public bool WaitUntilDelivered(TimeSpan timeout)
    {
        Deadline deadline = Deadline.In(timeout);
        TimeSpan pause = ShortestPause;
        while (true)
        {
            ThrowIfUnusable("wait for delivery");
            long unsent = UnsentBytes;

            // In this order: a peer that closes without having read empties the queue as well, but sets the error first.
            CheckConnection();
            if (unsent == 0)
                return true;
            if (unsent < 0 || deadline.HasPassed)
                return false;

            // A peer on this machine reads within microseconds, and a guest waits for this.
            LinuxPoll.Wait(null, PollEvents.None, wake, null, deadline.AtMost(pause));
            pause = pause < LongestPause ? 2 * pause : pause;
        }
    }

    /// <summary>Sends a byte with a descriptor attached (SCM_RIGHTS), as QEMU does for a field of type FD.</summary>
    /// <param name="descriptor">Stays the caller's.</param>
    /// <param name="payload">QEMU's is a space.</param>
    public void SendDescriptor(SafeHandle descriptor, byte payload = 0x20)
    {
        ArgumentNullException.ThrowIfNull(descriptor);
        Deadline deadline = BeforeWrite();
        SendDescriptorCore(descriptor, payload, deadline);
        CountWritten(1);
    }

    /// <summary>
    /// The next descriptor that came with the bytes read so far, in the order in which they came. Only with
    /// <see cref="ChannelOptions.AcceptDescriptors"/>. It is the caller's.
    /// </summary>
    public virtual bool TryTakeDescriptor([NotNullWhen(true)] out SafeFileHandle? descriptor)
    {
        descriptor = null;
        return false;
    }

    /// <summary>Ends the calls that are blocked, at once, and fails all later ones. The first reason stays. Does not close it.</summary>
    public void Cancel(string reason = "it was cancelled") => Cancel(new OperationCanceledException(reason));

    /// <summary>As <see cref="Cancel(string)"/>; the exception is the inner one of what the calls throw.</summary>
    public void Cancel(Exception reason)
    {
        ArgumentNullException.ThrowIfNull(reason);
        if (Interlocked.CompareExchange(ref cancelReason, reason, null) is not null)
            return;
        wake.Set();
        OnCancel(reason);
    }

    /// <summary>Closes it as it is: what the peer has not got yet may be lost. Wakes whoever is blocked.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref isDisposed, 1) != 0)
            return;

        // Who is blocked holds the descriptors until it has woken.
        Cancel(new ObjectDisposedException(nameof(Channel), "it was closed"));
        DisposeCore();
        wake.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>The same as a stream, for readers and writers that know nothing of channels. Closing it does not close the channel.</summary>
    public Stream AsStream() => new ChannelStream(this);

    /// <inheritdoc/>
    public override string ToString() => Peer;

    /// <summary>Blocks until there is a byte, the end (0), or the deadline.</summary>
    internal abstract int ReadSome(Span<byte> buffer, Deadline deadline);

    internal abstract int ReadSome(Span<IoSlice> slices, Deadline deadline);

    /// <summary>Blocks until at least one byte is written.</summary>
    internal abstract int WriteSome(ReadOnlySpan<byte> bytes, Deadline deadline);

    internal abstract long WriteSome(Span<IoSlice> slices, Deadline deadline);

    internal virtual void SendDescriptorCore(SafeHandle descriptor, byte payload, Deadline deadline)
        => throw Failure("send a descriptor", ChannelFault.NotSupported, "only a unix: channel passes descriptors");

    /// <summary>Throws if the connection has failed. The end of the peer's stream is no failure.</summary>
    internal virtual void CheckConnection()
    {
    }

    /// <summary>Keeps what is written and not yet read to about so many bytes, where the system offers it: what is written next waits for less.</summary>
    internal virtual void LimitSendQueue(int bytes)
    {
    }

    internal virtual void OnCancel(Exception reason)
    {
    }

    internal abstract void DisposeCore();

    /// <summary>What a call throws. The reason of a cancel comes first: it explains all that follows from it.</summary>
    internal ChannelException Failure(string operation, ChannelFault fault, string problem, int errno = 0, Exception? inner = null)
    {
        if (Volatile.Read(ref cancelReason) is { } reason)
            (fault, problem, errno, inner) = (ChannelFault.Cancelled, reason.Message, 0, reason);
        return new ChannelException(
            $"{Peer}: {operation}: {problem.TrimEnd('.')}. So far {BytesWritten} bytes were written and {BytesRead} read.",
            fault, Peer, operation, errno, inner);
    }

    internal void ThrowIfUnusable(string operation)
    {
        if (Volatile.Read(ref cancelReason) is not null)
            throw Failure(operation, ChannelFault.Cancelled, "");
    }

    private void BeforeRead()
    {
        ThrowIfUnusable("read");
        if (!CanRead)
            throw Failure("read", ChannelFault.NotSupported, "this channel is for writing only");
        if (readFailure is { } earlier)
            throw Failure("read", earlier.Fault, $"an earlier one failed ({earlier.Message.TrimEnd('.')}), so that a part of the stream is lost", earlier.ErrorNumber, earlier);
    }

    private Deadline BeforeWrite()
    {
        ThrowIfUnusable("write");
        if (!CanWrite)
            throw Failure("write", ChannelFault.NotSupported, "this channel is for reading only");
        if (writeFailure is { } earlier)
            throw Failure("write", earlier.Fault, $"an earlier one failed ({earlier.Message.TrimEnd('.')}), and what of it has arrived is unknown", earlier.ErrorNumber, earlier);

        // The wait for the limit is wanted: it is no part of the time that a write may take.
        while (Limiter?.Delay() is { } delay && delay > TimeSpan.Zero)
        {
            LinuxPoll.Wait(null, PollEvents.None, wake, null, Deadline.In(delay));
            ThrowIfUnusable("write");
        }
        return Deadline.In(WriteTimeout);
    }

    private void CountWritten(long count)
    {
        Interlocked.Add(ref bytesWritten, count);
        Limiter?.Account(count);
    }
}
