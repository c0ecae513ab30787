using System;
using System.IO;
using System.Threading;

namespace VmStateGen.Tool.Live;

/// <summary>
/// A pipe inside the process: one thread writes, another reads. Who writes waits while it is full, unless nobody reads any more.
/// </summary>
internal sealed class Feed : Stream
{
    private readonly object gate = new();
    private readonly byte[] ring;
    private int start;
    private int count;
    private bool isOver;
    private bool isAbandoned;

    public Feed(int capacity) => ring = new byte[capacity];

    /// <summary>The reader has come to the end.</summary>
    public bool HasEnded { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            lock (gate)
            {
                while (count == ring.Length && !isAbandoned)
                    Monitor.Wait(gate);
                if (isAbandoned)
                    return;
                int end = (start + count) % ring.Length;
                int size = Math.Min(Math.Min(buffer.Length, ring.Length - count), ring.Length - end);
                buffer[..size].CopyTo(ring.AsSpan(end));
                count += size;
                buffer = buffer[size..];
                Monitor.PulseAll(gate);
            }
        }
    }

    /// <summary>Nothing more is written: the reader comes to the end.</summary>
    public void End()
    {
        lock (gate)
        {
            isOver = true;
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>Nothing more is read: what is written goes nowhere.</summary>
    public void Abandon()
    {
        lock (gate)
        {
            isAbandoned = true;
            Monitor.PulseAll(gate);
        }
    }

    public override int Read(Span<byte> buffer)
    {
        lock (gate)
        {
            while (count == 0 && !isOver)
                Monitor.Wait(gate);
            HasEnded |= count == 0;
            int size = Math.Min(Math.Min(buffer.Length, count), ring.Length - start);
            ring.AsSpan(start, size).CopyTo(buffer);
            start = (start + size) % ring.Length;
            count -= size;
            Monitor.PulseAll(gate);
            return size;
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
