using System;
using System.IO;

namespace VmStateGen.Runtime.Channels;

/// <summary>A file's channel as a stream that seeks. Closing it does not close the channel.</summary>
internal sealed class FileChannelStream(FileChannel channel) : Stream
{
    public override bool CanRead => channel.CanRead;

    public override bool CanSeek => true;

    public override bool CanWrite => channel.CanWrite;

    public override long Length => channel.Length;

    public override long Position
    {
        get => channel.Position;
        set => channel.Position = value;
    }

    public override int Read(Span<byte> buffer) => channel.Read(buffer);

    public override int Read(byte[] buffer, int offset, int count) => channel.Read(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer) => channel.Write(buffer);

    public override void Write(byte[] buffer, int offset, int count) => channel.Write(buffer.AsSpan(offset, count));

    public override void Flush() => channel.Flush();

    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => Position + offset,
        _ => Length + offset,
    };

    public override void SetLength(long value) => throw new NotSupportedException();
}
