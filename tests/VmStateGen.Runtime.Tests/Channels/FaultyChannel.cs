using System;
using System.Runtime.InteropServices;
using System.Threading;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Linux;

namespace VmStateGen.Runtime.Tests.Channels;

/// <summary>A channel that goes wrong where it is told to. Offsets count from the start of the stream, reads and writes apart.</summary>
internal sealed class FaultyChannel(Channel inner) : Channel(inner.Peer, ChannelOptions.Default)
{
    private readonly ManualResetEventSlim resumed = new();
    private long read;
    private long written;

    /// <summary>The link is cut before this byte.</summary>
    public long CutReadAt { get; init; } = long.MaxValue;

    public long CutWriteAt { get; init; } = long.MaxValue;

    /// <summary>Nothing moves from this byte on, until <see cref="Resume"/>, a cancel or the deadline.</summary>
    public long StallReadAt { get; init; } = long.MaxValue;

    public long StallWriteAt { get; init; } = long.MaxValue;

    /// <summary>The lowest bit of this byte is the other one.</summary>
    public long CorruptReadAt { get; init; } = -1;

    public long CorruptWriteAt { get; init; } = -1;

    /// <summary>Most bytes of one read or write of the system.</summary>
    public int AtOnce { get; init; } = int.MaxValue;

    public override bool CanRead => inner.CanRead;

    public override bool CanWrite => inner.CanWrite;

    public override long UnsentBytes => inner.UnsentBytes;

    public void Resume() => resumed.Set();

    public override void ShutdownWrite() => inner.ShutdownWrite();

    internal override int ReadSome(Span<byte> buffer, Deadline deadline)
    {
        int most = Before("read", read, buffer.Length, CutReadAt, StallReadAt, deadline);
        int count = inner.ReadSome(buffer[..most], deadline);
        if (CorruptReadAt >= read && CorruptReadAt < read + count)
            buffer[(int)(CorruptReadAt - read)] ^= 1;
        read += count;
        return count;
    }

    internal override int ReadSome(Span<IoSlice> slices, Deadline deadline)
    {
        int most = Before("read", read, (int)Math.Min(int.MaxValue, IoSlice.Sum(slices)), CutReadAt, StallReadAt, deadline);
        var places = slices.ToArray();
        int count = inner.ReadSome(FirstOf(slices, most), deadline);
        if (CorruptReadAt >= read && CorruptReadAt < read + count)
        {
            nint address = IoSlice.Advance(places, CorruptReadAt - read)[0].Address;
            Marshal.WriteByte(address, (byte)(Marshal.ReadByte(address) ^ 1));
        }
        read += count;
        return count;
    }

    internal override int WriteSome(ReadOnlySpan<byte> bytes, Deadline deadline)
    {
        int most = Before("write", written, bytes.Length, CutWriteAt, StallWriteAt, deadline);
        byte[] copy = bytes[..most].ToArray();
        if (CorruptWriteAt >= written && CorruptWriteAt < written + most)
            copy[CorruptWriteAt - written] ^= 1;
        int count = inner.WriteSome(copy, deadline);
        written += count;
        return count;
    }

    internal override long WriteSome(Span<IoSlice> slices, Deadline deadline)
    {
        var bytes = new byte[Math.Min(slices[0].Length, 65536)];
        IoSlice.CopyTo(slices[0], bytes);
        return WriteSome(bytes, deadline);
    }

    internal override void OnCancel(Exception reason)
    {
        inner.Cancel(reason);
        resumed.Set();
    }

    internal override void DisposeCore() => inner.Dispose();

    private static Span<IoSlice> FirstOf(Span<IoSlice> slices, int bytes)
    {
        int count = 0;
        for (; count < slices.Length && bytes > 0; count++)
        {
            slices[count] = new IoSlice(slices[count].Address, Math.Min(slices[count].Length, bytes));
            bytes -= (int)slices[count].Length;
        }
        return slices[..count];
    }

    private int Before(string operation, long at, int wanted, long cut, long stall, Deadline deadline)
    {
        if (at >= cut)
        {
            inner.Dispose();
            throw Failure(operation, ChannelFault.Closed, "the link was cut");
        }
        if (at >= stall && !resumed.Wait(deadline.Milliseconds()))
            throw Failure(operation, ChannelFault.TimedOut, "the link is stalled");
        ThrowIfUnusable(operation);
        long most = Math.Min(Math.Min(wanted, AtOnce), cut - at);
        return (int)(at < stall ? Math.Min(most, stall - at) : most);
    }
}
