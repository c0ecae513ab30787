using System;
using System.Collections.Generic;

namespace VmStateGen.Tests;

/// <summary>
/// Hands out the window that is asked for and <paramref name="extra"/> bytes more, each time in fresh memory. Asked beyond the
/// end, it says so as an input does, or throws where the test promised that nobody would ask (a live connection would wait for ever).
/// </summary>
internal sealed class PiecewiseInput(byte[] bytes, int extra = 0, bool mayReachEnd = true) : VmStateInput
{
    private int position;

    public int Position => position;

    public List<int> Sizes { get; } = [];

    public override ReadOnlySpan<byte> Advance(int consumed, int size)
    {
        position += consumed;
        Sizes.Add(size);
        if (position + size > bytes.Length && !mayReachEnd)
            throw new InvalidOperationException($"waits for {position + size - bytes.Length} bytes that need not come");
        int length = size == 0 ? 0 : Math.Min(size + extra, bytes.Length - position);
        return bytes.AsSpan(position, length).ToArray();
    }
}

/// <summary>Hands out windows of exactly one size (or what is asked for, if that is more), and collects what was written.</summary>
internal sealed class PiecewiseOutput(int window) : VmStateOutput
{
    private readonly List<byte> bytes = [];
    private byte[] current = [];

    public byte[] Bytes => [.. bytes];

    public List<int> Sizes { get; } = [];

    public override Span<byte> Advance(int written, int size)
    {
        bytes.AddRange(current.AsSpan(0, written));
        Sizes.Add(size);
        Assert.InRange(size, 0, VmStateWriter.MaxRun);
        current = new byte[Math.Max(window, size)];
        return current;
    }
}
