using System;
using System.Buffers.Binary;
using VmStateGen.Runtime.Linux;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Ram;

/// <summary>
/// Receives pages straight into guest RAM. Where whole pages follow each other the headers are known before they come, so the kernel can be
/// told where each page belongs. What then is not as expected goes back to the cursor, and the pages it had come into are zeros again.
/// </summary>
/// <remarks>For pages that are zeros so far, of a guest that stands still. Never waits for a byte that the stream does not owe.</remarks>
internal sealed class PageScatter
{
    private const int HeaderLength = 8;
    private const int MostBytes = 256 * 1024;

    private readonly GuestMemory memory;
    private readonly IoVector vector;
    private readonly IoSlice[] slices;
    private readonly int record;

    public PageScatter(GuestMemory memory)
    {
        this.memory = memory;
        record = HeaderLength + memory.PageSize;
        MostPages = Math.Min(MostBytes, StreamCursor.MostTakenBack) / record;
        vector = memory.CreateVector(2 * Math.Max(1, MostPages), HeaderLength * Math.Max(1, MostPages));
        slices = new IoSlice[vector.MaxSegments];
    }

    /// <summary>Most pages at once. Below two it is of no use.</summary>
    public int MostPages { get; }

    /// <summary>Takes the records that come next as long as they are whole pages of a block, one after the other.</summary>
    /// <param name="input">At a record.</param>
    /// <param name="ram">The block of the record before.</param>
    /// <param name="first">Number of the page that is expected. It and those that follow are zeros.</param>
    /// <param name="count">How many are expected, at most <see cref="MostPages"/>.</param>
    /// <returns>How many have come. With fewer the cursor is at what came instead.</returns>
    public int Load(StreamCursor input, RamBlock ram, long first, int count)
    {
        Lay(ram, first, count);
        var have = TakeAtHand(input.AtHand, ram, first, count, out var isAsExpected);
        if (!isAsExpected)
            return 0;
        var matching = 0;
        while (Matches(ref matching, first, count, have) && have < (long)count * record)
        {
            var read = Read(input, have);
            if (read == 0)
                break;
            have += read;
        }
        var complete = (int)Math.Min(matching, have / record);
        GiveBack(input, ram, first + complete, complete, have);
        memory.MarkDirty(ram, first * memory.PageSize, (long)complete * memory.PageSize);
        return complete;
    }

    private void Lay(RamBlock ram, long first, int count)
    {
        vector.Clear();
        for (var i = 0; i < count; i++)
        {
            vector.AddRoom(HeaderLength);
            vector.AddRam(ram, (first + i) * memory.PageSize, memory.PageSize);
        }
    }

    /// <summary>Puts the piece of a record that was read already where the rest of it will come.</summary>
    private int TakeAtHand(ReadOnlySpan<byte> piece, RamBlock ram, long first, int count, out bool isAsExpected)
    {
        isAsExpected = piece.Length < HeaderLength || piece.Length < record && BinaryPrimitives.ReadUInt64BigEndian(piece) == Header(first);
        if (!isAsExpected)
            return 0;
        var header = Math.Min(piece.Length, HeaderLength);
        piece[..header].CopyTo(vector.OwnBytes);
        if (piece.Length > header)
            memory.Write(ram, first * memory.PageSize, piece[header..]);
        return piece.Length;
    }

    private int Read(StreamCursor input, long have)
    {
        var all = vector.Hold();
        try
        {
            all.CopyTo(slices);
            return input.ReadScattered(IoSlice.Advance(slices.AsSpan(0, all.Length), have));
        }
        finally
        {
            vector.Release();
        }
    }

    /// <summary>Looks at the headers that have come.</summary>
    /// <param name="matching">How many were as expected.</param>
    /// <param name="first">Page of the first.</param>
    /// <param name="count">How many are expected.</param>
    /// <param name="have">Bytes that have come.</param>
    /// <returns>Whether all are.</returns>
    private bool Matches(ref int matching, long first, int count, long have)
    {
        for (; matching < count && have >= (long)matching * record + HeaderLength; matching++)
        {
            if (BinaryPrimitives.ReadUInt64BigEndian(vector.OwnBytes[(matching * HeaderLength)..]) != Header(first + matching))
                return false;
        }
        return true;
    }

    /// <summary>What is beyond the records that are complete goes to the cursor in the order in which it came.</summary>
    private void GiveBack(StreamCursor input, RamBlock ram, long page, int complete, long have)
    {
        var rest = input.TakeBack((long)complete * record, (int)(have - (long)complete * record));
        for (var i = complete; !rest.IsEmpty; i++, page++)
        {
            var header = Math.Min(rest.Length, HeaderLength);
            vector.OwnBytes.Slice(i * HeaderLength, header).CopyTo(rest);
            rest = rest[header..];
            var length = Math.Min(rest.Length, memory.PageSize);
            memory.Read(ram, page * memory.PageSize, rest[..length]);
            memory.Fill(ram, page * memory.PageSize, length, 0);
            rest = rest[length..];
        }
    }

    private ulong Header(long page) => (ulong)(page * memory.PageSize) | (ulong)(RamFlags.Page | RamFlags.Continue);
}
