using System.Collections.Generic;

namespace VmStateGen.Tool.Inspection;

/// <summary>What was sent last of each page, two bits a page, in pieces that exist only where something was sent.</summary>
internal sealed class PageMap
{
    private const int PieceBits = 16;
    private readonly Dictionary<long, byte[]> pieces = [];
    private long lastKey = -1;
    private byte[] last = [];

    /// <summary>Notes a page.</summary>
    /// <returns>What it was before.</returns>
    public PageState Set(long page, PageState state)
    {
        long key = page >> PieceBits;
        if (key != lastKey)
        {
            if (!pieces.TryGetValue(key, out byte[]? piece))
                pieces.Add(key, piece = new byte[(1 << PieceBits) / 4]);
            last = piece;
            lastKey = key;
        }
        int index = (int)(page & ((1 << PieceBits) - 1));
        int shift = 2 * (index & 3);
        ref byte cell = ref last[index >> 2];
        var before = (PageState)(cell >> shift & 3);
        cell = (byte)(cell & ~(3 << shift) | (int)state << shift);
        return before;
    }
}

/// <summary>What a stream has of a page.</summary>
internal enum PageState
{
    Missing,
    Zero,
    Normal,
}
