using System;
using System.IO;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VmStateGen.Runtime.Linux;

namespace VmStateGen.Runtime.Channels;

/// <summary>A stream beside whose bytes file descriptors go.</summary>
internal interface IDescriptorStream
{
    /// <summary>Whether <see cref="PassDescriptor"/> works.</summary>
    bool CanPassDescriptors { get; }

    /// <summary>Writes a byte with a descriptor beside it, which stays the caller's.</summary>
    void PassDescriptor(byte payload, SafeHandle descriptor);

    /// <summary>The next descriptor that came beside the bytes read so far; <see langword="null"/> if none did.</summary>
    SafeFileHandle? TakeDescriptor();
}

/// <summary>A stream that can be read into memory that is in pieces.</summary>
internal interface IScatterStream
{
    /// <summary>Whether <see cref="Read"/> works.</summary>
    bool CanScatter { get; }

    /// <summary>Reads at least one byte; 0 at the end. The list is used up.</summary>
    int Read(Span<IoSlice> slices);
}

/// <summary>A channel as a stream: one way in time, even if it is a file.</summary>
internal sealed class ChannelStream(Channel channel) : Stream, IDescriptorStream, IScatterStream
{
    public override bool CanRead => channel.CanRead;

    public override bool CanSeek => false;

    public override bool CanWrite => channel.CanWrite;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public bool CanScatter => channel.CanScatter;

    public bool CanPassDescriptors => channel.CanPassDescriptors;

    public void PassDescriptor(byte payload, SafeHandle descriptor) => channel.SendDescriptor(descriptor, payload);

    public SafeFileHandle? TakeDescriptor() => channel.TryTakeDescriptor(out var descriptor) ? descriptor : null;

    public override int Read(Span<byte> buffer) => channel.Read(buffer);

    public int Read(Span<IoSlice> slices) => channel.Read(slices);

    public override int Read(byte[] buffer, int offset, int count) => channel.Read(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer) => channel.Write(buffer);

    public override void Write(byte[] buffer, int offset, int count) => channel.Write(buffer.AsSpan(offset, count));

    public override void Flush() => channel.Flush();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
