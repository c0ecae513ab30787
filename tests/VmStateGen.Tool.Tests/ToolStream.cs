using System;
using VmStateGen.Runtime.Tests.Streams;

namespace VmStateGen.Tool.Tests;

/// <summary>The synthetic stream with pages whose contents can be read: a difference that is one, and no compressed page.</summary>
internal static class ToolStream
{
    public static byte[] Make(bool trailer = true)
    {
        byte[] stream = SyntheticStream.Make(trailer: trailer);
        stream = Replace(stream, new Bytes().U8(9, 9, 9), new Bytes().U8(1, 1, 0xCC));
        return Replace(stream, new Bytes().Be64(3 * SyntheticStream.PageSize | 0x100 | 0x20).Be32(5).U8(1, 2, 3, 4, 5), new Bytes().Be64(3 * SyntheticStream.PageSize | 2 | 0x20).U8(0));
    }

    private static byte[] Replace(byte[] stream, Bytes from, Bytes to)
    {
        int at = stream.AsSpan().IndexOf(from.ToArray());
        return [.. stream[..at], .. to.ToArray(), .. stream[(at + from.Length)..]];
    }
}
