using System;
using System.IO;

namespace VmStateGen.Runtime.Channels;

/// <summary>A channel as a stream: one way in time, even if it is a file.</summary>
internal sealed class ChannelStream(Channel channel) : Stream
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

    public override int Read(Span<byte> buffer) => channel.Read(buffer);

    public override int Read(byte[] buffer, int offset, int count) => channel.Read(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer) => channel.Write(buffer);

    public override void Write(byte[] buffer, int offset, int count) => channel.Write(buffer.AsSpan(offset, count));

    public override void Flush() => channel.Flush();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
