using System;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace VmStateGen;

/// <summary>
/// Writes state into a contiguous window, which its <see cref="VmStateOutput"/> takes over when it is full. Generated code asks
/// for one run of bytes at a time and fills it at constant offsets. Lives on the stack; pass it by reference.
/// </summary>
public ref struct VmStateWriter
{
    /// <summary>Longest run, and the window that an output must be able to hand out: 4 KiB.</summary>
    public const int MaxRun = 4096;

    /// <summary>What QEMU sends beside a descriptor, and does not look at.</summary>
    internal const byte DescriptorByte = 0x20;

    private readonly VmStateOutput? output;
    private readonly long start;

    // What is left of the window, not the window and a position: a run is one comparison and no sum.
    private Span<byte> rest;
    private int windowLength;
    private long windowEnd;

    /// <summary>Writes to <paramref name="destination"/>; more than fits is a <see cref="VmStateException"/>.</summary>
    /// <param name="destination">Where the bytes go.</param>
    /// <param name="offset">Offset of its first byte in the stream, for error messages.</param>
    public VmStateWriter(Span<byte> destination, long offset = 0)
    {
        rest = destination;
        windowLength = destination.Length;
        start = offset;
        windowEnd = offset + destination.Length;
    }

    /// <summary>Writes to <paramref name="output"/>; <see cref="Complete"/> hands over the last window.</summary>
    /// <param name="output">Takes the full windows.</param>
    /// <param name="offset">Offset of the first byte in the stream, for error messages.</param>
    public VmStateWriter(VmStateOutput output, long offset = 0)
    {
        this.output = output;
        rest = output.Advance(0, 0);
        windowLength = rest.Length;
        start = offset;
        windowEnd = offset + rest.Length;
    }

    /// <summary>Offset in the stream of the next byte.</summary>
    public readonly long Offset
    {
        // In place also where an error is thrown: a call there would make fast paths save registers for it.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => windowEnd - rest.Length;
    }

    /// <summary>Bytes written since the writer was made.</summary>
    public readonly long BytesWritten => Offset - start;

    /// <summary>The next <paramref name="size"/> bytes, to be filled before the next call.</summary>
    /// <param name="size">0 to <see cref="MaxRun"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<byte> Run(int size)
    {
        if ((uint)rest.Length < (uint)size)
            NextWindow(size);
        // Unchecked: either way there is room now, which the JIT cannot know of NextWindow, and Slice would ask twice more.
        ref byte first = ref MemoryMarshal.GetReference(rest);
        rest = MemoryMarshal.CreateSpan(ref Unsafe.Add(ref first, size), rest.Length - size);
        return MemoryMarshal.CreateSpan(ref first, size);
    }

    /// <summary>Raw bytes, any number.</summary>
    public void WriteBytes(scoped ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > rest.Length)
        {
            int room = output is null ? 0 : rest.Length;
            bytes[..room].CopyTo(rest);
            rest = rest[room..];
            bytes = bytes[room..];
            NextWindow(output is null ? bytes.Length : Math.Min(bytes.Length, MaxRun));
        }
        bytes.CopyTo(rest);
        rest = rest[bytes.Length..];
    }

    /// <summary>Numbers of 1, 2, 4, 8 or 16 bytes, any number of them.</summary>
    public void WriteArray<T>(scoped ReadOnlySpan<T> values)
        where T : unmanaged
    {
        int perRun = MaxRun / Unsafe.SizeOf<T>();
        while (values.Length > 0)
        {
            // What is left of the window, where that is more than a run: one long copy instead of many.
            int count = Math.Min(values.Length, Math.Max(perRun, rest.Length / Unsafe.SizeOf<T>()));
            BigEndian.Write(values[..count], Run(count * Unsafe.SizeOf<T>()));
            values = values[count..];
        }
    }

    /// <summary>Booleans, one byte each, any number of them.</summary>
    public void WriteArray(scoped ReadOnlySpan<bool> values)
    {
        while (values.Length > 0)
        {
            int count = Math.Min(values.Length, MaxRun);
            BigEndian.Write(values[..count], Run(count));
            values = values[count..];
        }
    }

    /// <summary>Padding.</summary>
    public void WriteZeros(int count)
    {
        while (count > 0)
        {
            int size = Math.Min(count, MaxRun);
            Run(size).Clear();
            count -= size;
        }
    }

    /// <summary>One byte: a marker before an element.</summary>
    public void WriteByte(byte value) => Run(1)[0] = value;

    /// <summary>A file descriptor: one byte, beside which it goes over a unix socket (qemu-migration.md §2.5).</summary>
    /// <param name="descriptor">Open; stays the caller's.</param>
    /// <param name="field">The field's name, for errors.</param>
    /// <exception cref="VmStateException">There is none, or the stream goes where no descriptor can.</exception>
    public void WriteDescriptor(SafeHandle? descriptor, scoped ReadOnlySpan<byte> field)
    {
        if (descriptor is null || descriptor.IsInvalid || descriptor.IsClosed)
            throw VmStateErrors.Descriptor(field, "an open file", descriptor is null ? "null" : "a handle that is closed or invalid", Offset);
        long offset = Offset;
        if (output is not null)
            Hand(windowLength - rest.Length, 0);
        if (output is null || !output.TryPassDescriptor(DescriptorByte, descriptor))
            throw VmStateErrors.Descriptor(field, "a unix: channel, which alone passes file descriptors", "a stream that cannot", offset);
        windowEnd++;
    }

    /// <summary>The header of a subsection (qemu-migration.md §1.4): 0x05, counted name, be32 version.</summary>
    /// <param name="name">UTF-8, 1 to 255 bytes.</param>
    /// <param name="version">0 or more.</param>
    public void WriteSubsection(scoped ReadOnlySpan<byte> name, int version)
    {
        Span<byte> header = Run(name.Length + 6);
        header[0] = 0x05;
        header[1] = checked((byte)name.Length);
        name.CopyTo(header[2..]);
        BinaryPrimitives.WriteInt32BigEndian(header[(2 + name.Length)..], version);
    }

    /// <summary>Hands the last window over to the output. Nothing may be written afterwards.</summary>
    public void Complete()
    {
        output?.Advance(windowLength - rest.Length, 0);
        windowEnd = Offset;
        rest = default;
        windowLength = 0;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void NextWindow(int size)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(size);
        if (output is null)
            ThrowFull(size);
        Hand(windowLength - rest.Length, size);
        if (rest.Length < size)
            throw new InvalidOperationException($"{output.GetType()} handed out a window of {rest.Length} bytes where {size} were asked for");
    }

    /// <summary>Hands the output what was written, for a new window.</summary>
    private void Hand(int written, int size)
    {
        long offset = Offset;
        rest = output!.Advance(written, size);
        windowLength = rest.Length;
        windowEnd = offset + rest.Length;
    }

    [DoesNotReturn]
    private readonly void ThrowFull(int size) => throw new VmStateException(
        $"room for {size} more bytes",
        $"{rest.Length} bytes left in the destination (VmState.MaxSize tells how many are enough)",
        Offset);
}
