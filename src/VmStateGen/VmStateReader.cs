using System;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace VmStateGen;

/// <summary>
/// Reads state from a contiguous window, which its <see cref="VmStateInput"/> refills. Generated code asks for one run of
/// bytes at a time and reads it at constant offsets. Lives on the stack; pass it by reference.
/// </summary>
/// <remarks>It never waits for bytes beyond what the state being read must have, so it can read from a live connection.</remarks>
public ref struct VmStateReader
{
    private const byte NullMarkerByte = 0x30;

    /// <summary>Elements that are allocated before the first byte of an array from a stream has come.</summary>
    private const int FirstPiece = 4096;

    private readonly VmStateInput? input;

    // What is left of the window, not the window and a position: a run is one comparison and no sum.
    private ReadOnlySpan<byte> rest;
    private int windowLength;
    private long windowEnd;

    /// <summary>Reads from <paramref name="source"/>.</summary>
    /// <param name="source">The bytes.</param>
    /// <param name="offset">Offset of its first byte in the stream, for error messages.</param>
    public VmStateReader(ReadOnlySpan<byte> source, long offset = 0)
    {
        rest = source;
        windowLength = source.Length;
        windowEnd = offset + source.Length;
    }

    /// <summary>Reads from <paramref name="input"/>; <see cref="Complete"/> hands back what was not consumed.</summary>
    /// <param name="input">Refills the window.</param>
    /// <param name="offset">Offset of the first byte in the stream, for error messages.</param>
    public VmStateReader(VmStateInput input, long offset = 0)
    {
        this.input = input;
        windowEnd = offset;
    }

    /// <summary>Offset in the stream of the next byte.</summary>
    public readonly long Offset
    {
        // In place also where an error is thrown: a call there would make fast paths save registers for it.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => windowEnd - rest.Length;
    }

    /// <summary>The next <paramref name="size"/> bytes, valid until the next call.</summary>
    /// <param name="size">1 to <see cref="VmStateWriter.MaxRun"/>.</param>
    /// <param name="fields">A run map (<see cref="RunMap"/>) that tells on which field the stream ended; read only then.</param>
    /// <exception cref="VmStateException">The stream ends before.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<byte> Run(int size, scoped ReadOnlySpan<byte> fields)
    {
        if ((uint)rest.Length < (uint)size)
            NextWindow(size, fields);
        // Unchecked: either way the bytes are there now, which the JIT cannot know of NextWindow, and Slice would ask twice more.
        ref byte first = ref MemoryMarshal.GetReference(rest);
        rest = MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref first, size), rest.Length - size);
        return MemoryMarshal.CreateReadOnlySpan(ref first, size);
    }

    /// <summary>Raw bytes, as many as <paramref name="destination"/> has.</summary>
    public void ReadBytes(scoped Span<byte> destination, scoped ReadOnlySpan<byte> field) => ReadArray<byte>(destination, field);

    /// <summary>Numbers of 1, 2, 4, 8 or 16 bytes, as many as <paramref name="values"/> has.</summary>
    public void ReadArray<T>(scoped Span<T> values, scoped ReadOnlySpan<byte> field)
        where T : unmanaged
    {
        // Nearly always: a window is at least as long as most arrays, and ends within few of them.
        if ((long)values.Length * Unsafe.SizeOf<T>() <= rest.Length)
            BigEndian.Read(Take(values.Length * Unsafe.SizeOf<T>()), values);
        else
            ReadPieces(values, field);
    }

    /// <summary>
    /// Numbers whose count came with the stream, into <paramref name="array"/> if it is long enough, else into a new array that grows
    /// as the bytes come: a count alone makes nobody allocate.
    /// </summary>
    /// <param name="array">What the member holds.</param>
    /// <param name="count">Elements that follow, 0 or more.</param>
    /// <param name="field">The field's name, for errors.</param>
    /// <param name="isExact">A longer array will not do: its length is part of the value.</param>
    public T[] ReadCounted<T>(T[]? array, int count, scoped ReadOnlySpan<byte> field, bool isExact = false)
        where T : unmanaged
    {
        Require((long)count * Unsafe.SizeOf<T>(), field);
        if (array is null || array.Length < count || (isExact && array.Length != count))
            array = new T[input is null ? count : Math.Min(count, FirstPiece)];
        int done = 0;
        while (true)
        {
            int end = Math.Min(count, array.Length);
            ReadArray<T>(array.AsSpan(done, end - done), field);
            done = end;
            if (done == count)
                return array;
            Array.Resize(ref array, (int)Math.Min(count, 2L * array.Length));
        }
    }

    /// <summary>Booleans, one byte each, as many as <paramref name="values"/> has.</summary>
    public void ReadArray(scoped Span<bool> values, scoped ReadOnlySpan<byte> field)
    {
        int done = 0;
        while (done < values.Length)
        {
            int count = NextCount(1, done, values.Length, field);
            BigEndian.Read(Take(count), values.Slice(done, count));
            done += count;
        }
    }

    /// <summary>Padding: any bytes.</summary>
    public void Skip(int count, scoped ReadOnlySpan<byte> field)
    {
        int done = 0;
        while (done < count)
        {
            int size = NextCount(1, done, count, field);
            rest = rest[size..];
            done += size;
        }
    }

    /// <summary>The byte before an element of a list or tree (qemu-migration.md §2.5): 1, another element; 0, the end.</summary>
    public bool NextElement(scoped ReadOnlySpan<byte> field)
    {
        byte marker = Byte(field);
        if (marker > 1)
            VmStateErrors.ThrowMarker(field, "0 or 1 before an element", marker, Offset - 1);
        return marker == 1;
    }

    /// <summary>A file descriptor that came beside one byte, which may be any (qemu-migration.md §2.5).</summary>
    /// <param name="field">The field's name, for errors.</param>
    /// <returns>It is the caller's.</returns>
    /// <exception cref="VmStateException">None came: only a unix: channel passes descriptors.</exception>
    public SafeFileHandle ReadDescriptor(scoped ReadOnlySpan<byte> field)
    {
        long offset = Offset;
        Byte(field);
        return input?.TakeDescriptor() ?? throw VmStateErrors.Descriptor(
            field, "a file descriptor beside the byte, as only a unix: channel passes one", "the byte alone", offset);
    }

    /// <summary>
    /// What is left of the window. Code that walks many small elements does so here, with a position of its own, and tells with
    /// <see cref="Consume"/> how far it came: a position that is read and written in memory for each costs as much as the element.
    /// </summary>
    public readonly ReadOnlySpan<byte> Rest => rest;

    /// <summary>Moves on over bytes of <see cref="Rest"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are not so many.</exception>
    public void Consume(int count)
    {
        rest = rest[count..];
    }

    /// <summary>As <see cref="NextElement(ReadOnlySpan{byte})"/> for elements of one size, but an element and its marker are only brought into <see cref="Rest"/>.</summary>
    /// <param name="field">The list's name, for errors.</param>
    /// <param name="size">Bytes of an element, 1 to <see cref="VmStateWriter.MaxRun"/> - 1.</param>
    /// <param name="fields">The run map of an element.</param>
    public bool HasElement(scoped ReadOnlySpan<byte> field, int size, scoped ReadOnlySpan<byte> fields)
    {
        if (!Has(1) || rest[0] != 1)
            return NextElement(field);
        if (!Has(size + 1))
        {
            rest = rest[1..];
            ThrowShort(size, fields);
        }
        return true;
    }

    /// <summary>As <see cref="NextElement(ReadOnlySpan{byte})"/> where the marker says more: any number but 0 before an element.</summary>
    public bool NextElement(out byte marker, scoped ReadOnlySpan<byte> field)
    {
        marker = Byte(field);
        return marker != 0;
    }

    /// <summary>The byte 0x30 that stands for a null reference (§2.4); anything else is an error.</summary>
    public void NullElement(scoped ReadOnlySpan<byte> field)
    {
        byte marker = Byte(field);
        if (marker != NullMarkerByte)
            VmStateErrors.ThrowMarker(field, "0x30, since the element is null on this side", marker, Offset - 1);
    }

    /// <summary>The marker before every entry (§2.4, QEMU 11): 0x30, null; 0x31, an element follows.</summary>
    public bool NextEntry(scoped ReadOnlySpan<byte> field)
    {
        byte marker = Byte(field);
        if (marker is not (NullMarkerByte or NullMarkerByte + 1))
            VmStateErrors.ThrowMarker(field, "0x30 or 0x31 before an entry", marker, Offset - 1);
        return marker != NullMarkerByte;
    }

    /// <summary>
    /// Looks for a subsection of the state called <paramref name="parent"/> (qemu-migration.md §2.6), and consumes its header.
    /// Waits for no byte that need not come: first one byte, then the name as far as it agrees with the parent's.
    /// </summary>
    /// <param name="parent">Name of the state whose fields were read last, UTF-8.</param>
    /// <param name="name">The subsection's name, valid until the next call.</param>
    /// <param name="version">The subsection's version, 0 or more.</param>
    /// <returns>False if no subsection of that parent follows; nothing is consumed then.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool NextSubsection(scoped ReadOnlySpan<byte> parent, out ReadOnlySpan<byte> name, out int version)
    {
        if (Has(1) && rest[0] == 0x05)
            return ReadSubsection(parent, out name, out version);
        name = default;
        version = 0;
        return false;
    }

    /// <summary>The end of a state without subsections: one of that parent is an error.</summary>
    /// <param name="parent">Name of the state whose fields were read last, UTF-8.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void EndState(scoped ReadOnlySpan<byte> parent)
    {
        ReadOnlySpan<byte> next = rest;
        if (next.Length > 0 ? next[0] == 0x05 : input is not null)
            RefuseSubsection(parent);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void RefuseSubsection(scoped ReadOnlySpan<byte> parent)
    {
        if (NextSubsection(parent, out ReadOnlySpan<byte> name, out int version))
            VmStateErrors.ThrowUnknownSubsection(name, version, Offset - 6 - name.Length);
    }

    private bool ReadSubsection(scoped ReadOnlySpan<byte> parent, out ReadOnlySpan<byte> name, out int version)
    {
        name = default;
        version = 0;
        if (!Has(2))
            return false;
        int length = rest[1];
        if (length < parent.Length + 1)
            return false;
        for (int i = 0; i < parent.Length; i++)
        {
            if (!Has(3 + i) || rest[2 + i] != parent[i])
                return false;
        }
        if (!Has(2 + length))
            return false;
        if (!Has(6 + length))
            throw new VmStateException("the version of a subsection", "the end of the stream", windowEnd);
        ReadOnlySpan<byte> header = Take(6 + length);
        name = header.Slice(2, length);
        version = BinaryPrimitives.ReadInt32BigEndian(header[(2 + length)..]);
        if (version < 0)
            throw new VmStateException("the version of a subsection, 0 or more", $"{version}", Offset - 4);
        return true;
    }

    /// <summary>
    /// Fails if it is already known that fewer bytes follow: asked before memory is allocated for an array whose length came with the stream.
    /// </summary>
    public readonly void Require(long bytes, scoped ReadOnlySpan<byte> field)
    {
        if (input is null && bytes > rest.Length)
            throw ShortArray(1, 0, bytes, field);
    }

    /// <summary>Hands what was not consumed back to the input. Nothing may be read afterwards.</summary>
    public void Complete()
    {
        if (input is not null && rest.Length < windowLength)
            input.Advance(windowLength - rest.Length, 0);
        windowEnd = Offset;
        rest = default;
        windowLength = 0;
    }

    /// <summary>Whether the stream ends here; waits for one byte.</summary>
    public bool AtEnd() => !Has(1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Has(int size) => rest.Length >= size || (input is not null && Refill(size));

    private byte Byte(scoped ReadOnlySpan<byte> field)
    {
        if (!Has(1))
            throw ShortArray(1, 0, 1, field);
        return Take(1)[0];
    }

    private ReadOnlySpan<byte> Take(int size)
    {
        ReadOnlySpan<byte> taken = rest[..size];
        rest = rest[size..];
        return taken;
    }

    private void ReadPieces<T>(scoped Span<T> values, scoped ReadOnlySpan<byte> field)
        where T : unmanaged
    {
        int done = 0;
        while (done < values.Length)
        {
            int count = NextCount(Unsafe.SizeOf<T>(), done, values.Length, field);
            BigEndian.Read(Take(count * Unsafe.SizeOf<T>()), values.Slice(done, count));
            done += count;
        }
    }

    /// <summary>How many of the elements still to be read are in the window, which is refilled if there is none.</summary>
    private int NextCount(int elementSize, int done, int total, scoped ReadOnlySpan<byte> field)
    {
        int wanted = (int)Math.Min((long)(total - done) * elementSize, VmStateWriter.MaxRun / elementSize * elementSize);
        if (!Has(wanted) && !Has(elementSize))
            throw ShortArray(elementSize, done, total, field);
        return Math.Min(total - done, rest.Length / elementSize);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void NextWindow(int size, scoped ReadOnlySpan<byte> fields)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(size);
        if (input is null || !Refill(size))
            ThrowShort(size, fields);
    }

    private bool Refill(int size)
    {
        long offset = Offset;
        rest = input!.Advance(windowLength - rest.Length, size);
        windowLength = rest.Length;
        windowEnd = offset + rest.Length;
        return rest.Length >= size;
    }

    [DoesNotReturn]
    private readonly void ThrowShort(int size, scoped ReadOnlySpan<byte> fields)
    {
        int left = rest.Length;
        RunMap.Place place = RunMap.Find(fields, left);
        var exception = new VmStateException(Bytes(place.Size), $"the end of the stream after {left - place.Start}", Offset + left);
        exception.Within(place.Path);
        throw exception;
    }

    private readonly VmStateException ShortArray(int elementSize, int done, long total, scoped ReadOnlySpan<byte> field)
    {
        int left = rest.Length;
        long found = (long)done * elementSize + left;
        var exception = new VmStateException(
            Bytes(total * elementSize), $"the end of the stream after {found}", Offset + left);
        exception.Within(System.Text.Encoding.UTF8.GetString(field));
        return exception;
    }

    private static string Bytes(long count) => count == 1 ? "1 byte" : $"{count} bytes";
}
