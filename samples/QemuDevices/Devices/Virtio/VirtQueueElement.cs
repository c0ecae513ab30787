using System;
using System.Buffers.Binary;
using VmStateGen;

namespace QemuDevices;

/// <summary>A request that was taken from a queue: pieces of guest memory to be filled (in) and to be read (out).</summary>
public sealed class VirtQueueElement
{
    /// <summary>Most pieces in each direction.</summary>
    public const int MaxPieces = 1024;

    /// <summary>Of its first descriptor.</summary>
    public uint Index { get; set; }

    /// <summary>Pieces to be read.</summary>
    public int OutCount { get; set; }

    /// <summary>Pieces to be filled.</summary>
    public int InCount { get; set; }

    internal ulong[] InAddresses { get; } = new ulong[MaxPieces];

    internal ulong[] OutAddresses { get; } = new ulong[MaxPieces];

    internal ulong[] InLengths { get; } = new ulong[MaxPieces];

    internal ulong[] OutLengths { get; } = new ulong[MaxPieces];
}

/// <summary>
/// On the wire it is a C struct of the host, little-endian here (qemu-migration.md §11); no annotation says that. Every piece has
/// its place, used or not. Host pointers in it are zeros out and ignored in.
/// </summary>
[VmStateCodec("virtqueue element", Size)]
public sealed class VirtQueueElementCodec : IVmStateCodec<VirtQueueElement>
{
    private const int HeaderSize = 16;
    private const int AddressSize = sizeof(ulong);
    private const int PieceSize = 2 * sizeof(ulong); // pointer, length
    private const int Size = HeaderSize + 2 * VirtQueueElement.MaxPieces * (AddressSize + PieceSize);

    /// <inheritdoc/>
    public static void Save(ref VmStateWriter writer, in VirtQueueElement value)
    {
        var run = writer.Run(HeaderSize);
        BinaryPrimitives.WriteUInt32LittleEndian(run, value.Index);
        BinaryPrimitives.WriteInt32LittleEndian(run[4..], value.OutCount);
        BinaryPrimitives.WriteInt32LittleEndian(run[8..], value.InCount);
        run[12..].Clear();
        Write(ref writer, value.InAddresses, AddressSize);
        Write(ref writer, value.OutAddresses, AddressSize);
        Write(ref writer, value.InLengths, PieceSize);
        Write(ref writer, value.OutLengths, PieceSize);
    }

    /// <inheritdoc/>
    public static void Load(ref VmStateReader reader, ref VirtQueueElement value)
    {
        long start = reader.Offset;
        var run = reader.Run(HeaderSize, "index:4;out_num:4;in_num:4;unused:4"u8);
        value.Index = BinaryPrimitives.ReadUInt32LittleEndian(run);
        value.OutCount = Count(BinaryPrimitives.ReadUInt32LittleEndian(run[4..]), start + 4);
        value.InCount = Count(BinaryPrimitives.ReadUInt32LittleEndian(run[8..]), start + 8);
        Read(ref reader, value.InAddresses, AddressSize, "in_addr"u8);
        Read(ref reader, value.OutAddresses, AddressSize, "out_addr"u8);
        Read(ref reader, value.InLengths, PieceSize, "in_sg"u8);
        Read(ref reader, value.OutLengths, PieceSize, "out_sg"u8);
    }

    /// <inheritdoc/>
    public static int Measure(in VirtQueueElement value) => Size;

    private static int Count(uint found, long offset) => found <= VirtQueueElement.MaxPieces
        ? (int)found
        : throw new VmStateException($"at most {VirtQueueElement.MaxPieces} pieces", $"{found}", offset);

    /// <summary>A number at the end of each place, in runs as long as a writer gives them.</summary>
    private static void Write(ref VmStateWriter writer, ReadOnlySpan<ulong> numbers, int place)
    {
        while (numbers.Length > 0)
        {
            int count = Math.Min(numbers.Length, VmStateWriter.MaxRun / place);
            var run = writer.Run(count * place);
            run.Clear();
            for (int i = 0; i < count; i++)
                BinaryPrimitives.WriteUInt64LittleEndian(run[((i + 1) * place - sizeof(ulong))..], numbers[i]);
            numbers = numbers[count..];
        }
    }

    private static void Read(ref VmStateReader reader, Span<ulong> numbers, int place, ReadOnlySpan<byte> field)
    {
        Span<byte> run = stackalloc byte[VmStateWriter.MaxRun];
        while (numbers.Length > 0)
        {
            int count = Math.Min(numbers.Length, VmStateWriter.MaxRun / place);
            reader.ReadBytes(run[..(count * place)], field);
            for (int i = 0; i < count; i++)
                numbers[i] = BinaryPrimitives.ReadUInt64LittleEndian(run[((i + 1) * place - sizeof(ulong))..]);
            numbers = numbers[count..];
        }
    }
}
