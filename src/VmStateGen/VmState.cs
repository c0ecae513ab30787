using System;
using System.Buffers;
using System.IO;

namespace VmStateGen;

/// <summary>
/// A device's state outside a machine, in one call. The bytes are those of a migration section without its header: fields and
/// subsections, big-endian, no version; keep the version (<see cref="VmStateType.Version"/>) beside them.
/// </summary>
/// <remarks>Not thread-safe for one device. Saving into and loading from a span allocates nothing once the device's arrays exist.</remarks>
public static class VmState
{
    private const int StreamWindow = 64 * 1024;

    /// <summary>Most bytes that a save of the device writes; <see cref="long.MaxValue"/> if nothing bounds it.</summary>
    public static long MaxSize(IVmState device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return device.StateType.MaxSize;
    }

    /// <summary>Saves the device.</summary>
    /// <returns>Bytes written.</returns>
    /// <exception cref="VmStateException">The state cannot be encoded, or <paramref name="destination"/> is too small.</exception>
    public static int Save(IVmState device, Span<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(device);
        var writer = new VmStateWriter(destination);
        Save(device, ref writer);
        return (int)writer.BytesWritten;
    }

    /// <summary>Saves the device.</summary>
    /// <returns>Bytes written.</returns>
    /// <exception cref="VmStateException">The state cannot be encoded.</exception>
    public static long Save(IVmState device, IBufferWriter<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(destination);
        var writer = new VmStateWriter(new BufferWriterOutput(destination));
        Save(device, ref writer);
        writer.Complete();
        return writer.BytesWritten;
    }

    /// <summary>Saves the device.</summary>
    /// <returns>Bytes written.</returns>
    /// <exception cref="VmStateException">The state cannot be encoded.</exception>
    /// <exception cref="IOException">The stream failed.</exception>
    public static long Save(IVmState device, Stream destination)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(destination);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(StreamWindow);
        try
        {
            var writer = new VmStateWriter(new StreamOutput(destination, buffer));
            Save(device, ref writer);
            writer.Complete();
            return writer.BytesWritten;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Loads the device from exactly these bytes.</summary>
    /// <param name="device">Made as on the saving side; after a failure its state is undefined.</param>
    /// <param name="source">What a save wrote; a byte too many is an error.</param>
    /// <param name="version">The version that was saved, the device's current one if it is left out.</param>
    /// <exception cref="VmStateException">The bytes are not such a state.</exception>
    public static void Load(IVmState device, ReadOnlySpan<byte> source, int? version = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        var reader = new VmStateReader(source);
        LoadWhole(device, ref reader, version);
    }

    /// <summary>Loads the device from the rest of the stream.</summary>
    /// <param name="device">Made as on the saving side; after a failure its state is undefined.</param>
    /// <param name="source">Read to its end.</param>
    /// <param name="version">The version that was saved, the device's current one if it is left out.</param>
    /// <exception cref="VmStateException">The bytes are not such a state.</exception>
    /// <exception cref="IOException">The stream failed.</exception>
    public static void Load(IVmState device, Stream source, int? version = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(source);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(StreamWindow);
        try
        {
            var reader = new VmStateReader(new StreamInput(source, buffer));
            LoadWhole(device, ref reader, version);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static void Save(IVmState device, ref VmStateWriter writer)
    {
        try
        {
            device.Save(ref writer, device.StateType.Version);
        }
        catch (VmStateException e) when (e.InDevice(device.StateType.Name))
        {
            throw;
        }
    }

    private static void LoadWhole(IVmState device, ref VmStateReader reader, int? version)
    {
        try
        {
            device.Load(ref reader, version ?? device.StateType.Version);
            if (!reader.AtEnd())
                throw new VmStateException("the end of the state", "more bytes", reader.Offset);
        }
        catch (VmStateException e) when (e.InDevice(device.StateType.Name))
        {
            throw;
        }
    }

    private sealed class BufferWriterOutput(IBufferWriter<byte> destination) : VmStateOutput
    {
        public override Span<byte> Advance(int written, int size)
        {
            destination.Advance(written);
            // The first and the last call ask for nothing: a destination that is just full must not grow for it.
            return size == 0 ? default : destination.GetSpan(size);
        }
    }

    private sealed class StreamOutput(Stream destination, byte[] buffer) : VmStateOutput
    {
        public override Span<byte> Advance(int written, int size)
        {
            destination.Write(buffer, 0, written);
            return buffer;
        }
    }

    private sealed class StreamInput(Stream source, byte[] buffer) : VmStateInput
    {
        private int start;
        private int end;

        public override ReadOnlySpan<byte> Advance(int consumed, int size)
        {
            start += consumed;
            if (end - start < size)
            {
                buffer.AsSpan(start, end - start).CopyTo(buffer);
                end -= start;
                start = 0;
                end += source.ReadAtLeast(buffer.AsSpan(end), size - end, throwOnEndOfStream: false);
            }
            return buffer.AsSpan(start, end - start);
        }
    }
}
