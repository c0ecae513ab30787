using System;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace VmStateGen.Runtime.Streams;

/// <summary>
/// The sections of one stream, in wire order, whatever the framing. A framing may know the length of a section's data
/// (a file's index, a length on the wire) or not (QEMU's stream on a pipe): callers ask <see cref="SectionLength"/> and assume neither.
/// </summary>
/// <remarks>For one thread at a time. Every fault of the stream is a <see cref="VmStateException"/>; a failing transport throws its own.</remarks>
public interface ISectionReader
{
    /// <summary>The section that the last <see cref="ReadSection"/> found.</summary>
    SectionHeader Section { get; }

    /// <summary>Offset of the section's data in the stream, for messages.</summary>
    long SectionOffset { get; }

    /// <summary>
    /// Bytes of the section's data, or <see langword="null"/> if only the state's own class knows; then ask
    /// <see cref="ReadData"/> for exactly what the class takes, and the framing checks the end at the next <see cref="ReadSection"/>.
    /// </summary>
    long? SectionLength { get; }

    /// <summary>Goes to the next section; what was not read of this one is skipped where its end can be found.</summary>
    /// <returns><see langword="false"/> after the last one.</returns>
    bool ReadSection();

    /// <summary>The next bytes of the section's data.</summary>
    /// <returns>Bytes read: all that was asked for, or fewer where the data ends.</returns>
    int ReadData(Span<byte> destination);

    /// <summary>The next file descriptor that came beside the data read so far; <see langword="null"/>, as in every file: none did.</summary>
    SafeFileHandle? TakeDescriptor() => null;
}

/// <summary>Writes sections in wire order, whatever the framing: one that needs lengths collects the data until <see cref="EndSection"/>.</summary>
/// <remarks>For one thread at a time. Calls in a wrong order throw <see cref="InvalidOperationException"/>.</remarks>
public interface ISectionWriter
{
    /// <summary>Opens a section.</summary>
    void BeginSection(SectionHeader section);

    /// <summary>Appends to the data of the open section.</summary>
    void Write(ReadOnlySpan<byte> data);

    /// <summary>Appends a byte to the data of the open section, and passes a file descriptor beside it.</summary>
    /// <param name="payload">The byte.</param>
    /// <param name="descriptor">Stays the caller's.</param>
    /// <returns>Whether it can; by default not, for only a unix: channel passes descriptors. Then nothing is written.</returns>
    bool TryPassDescriptor(byte payload, SafeHandle descriptor) => false;

    /// <summary>Closes the open section.</summary>
    void EndSection();
}
