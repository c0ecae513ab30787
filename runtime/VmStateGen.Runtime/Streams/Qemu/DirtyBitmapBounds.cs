using System;

namespace VmStateGen.Runtime.Streams.Qemu;

/// <summary>
/// Finds the end of the sections of "dirty-bitmap" by their chunks (qemu-migration.md §5.16): a file holds them wherever
/// the capability dirty-bitmaps is on, even for a machine without disks.
/// </summary>
internal sealed class DirtyBitmapBounds : ISectionBounds
{
    public const string Name = "dirty-bitmap";

    [Flags]
    private enum Chunk : byte
    {
        EndOfSection = 0x01,
        Zeroes = 0x02,
        BitmapName = 0x04,
        DeviceName = 0x08,
        Start = 0x10,
        Complete = 0x20,
        Bits = 0x40,
        MoreFlags = 0x80,
    }

    public bool TryGetLength(in SectionHeader section, StreamCursor data, out long length)
    {
        length = 0;
        if (section.Name != Name || section.Kind == SectionKind.Full)
            return false;
        var start = data.Position;
        while (ReadChunk(data))
        {
        }
        length = data.Position - start;
        return true;
    }

    /// <returns><see langword="false"/> at the end mark.</returns>
    private static bool ReadChunk(StreamCursor data)
    {
        var at = data.Position;
        var flags = (Chunk)data.ReadByte("chunk");
        if (flags == Chunk.EndOfSection)
            return false;
        if ((flags & Chunk.DeviceName) != 0)
            data.ReadName("node alias");
        if ((flags & Chunk.BitmapName) != 0)
            data.ReadName("bitmap alias");
        switch (flags & ~(Chunk.DeviceName | Chunk.BitmapName))
        {
            case Chunk.Start:
                data.Skip(4 + 1, "granularity and flags");
                return true;
            case Chunk.Complete:
                return true;
            case Chunk.Bits | Chunk.Zeroes:
                data.Skip(8 + 4, "bits");
                return true;
            case Chunk.Bits:
                data.Skip(8 + 4, "bits");
                var size = data.ReadUInt64("bits");
                if (size > (ulong)data.Remaining)
                    throw Fault.At("bits", $"{size} bytes", $"the end of the stream after {data.Remaining}", data.Position);
                data.Skip((long)size, "bits");
                return true;
            default:
                throw Fault.At("chunk", "one of START, COMPLETE, BITS and EOS", Fault.Hex((ulong)flags), at);
        }
    }
}
