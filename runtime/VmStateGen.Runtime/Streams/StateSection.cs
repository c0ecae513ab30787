using System;
using System.Buffers;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace VmStateGen.Runtime.Streams;

/// <summary>Moves a device's state between its object and a section, whatever the framing; memory is one window of 64 KiB.</summary>
/// <remarks>Stateless; but neither the device nor the stream may be used by anybody else meanwhile.</remarks>
public static class StateSection
{
    private const int WindowSize = 64 * 1024;

    /// <summary>Writes the device as one whole section.</summary>
    /// <param name="output">Where to; no section may be open.</param>
    /// <param name="id">Number of the section in this stream.</param>
    /// <param name="name">The section's idstr, with the device's path: <c>0000:00:03.0/e1000</c>.</param>
    /// <param name="instanceId">Tells sections of one name apart.</param>
    /// <param name="device">The device.</param>
    /// <returns>Bytes of state written.</returns>
    /// <exception cref="VmStateException">The state cannot be encoded; half of the section may have been written.</exception>
    public static long Save(ISectionWriter output, uint id, string name, uint instanceId, IVmState device)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(device);
        var section = new SectionHeader(SectionKind.Full, id, name, instanceId, (uint)device.StateType.Version);
        var window = ArrayPool<byte>.Shared.Rent(WindowSize);
        try
        {
            output.BeginSection(section);
            var writer = new VmStateWriter(new SectionOutput(output, window));
            device.Save(ref writer, device.StateType.Version);
            writer.Complete();
            output.EndSection();
            return writer.BytesWritten;
        }
        catch (VmStateException e) when (e.InDevice(section.ToString()))
        {
            throw;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(window);
        }
    }

    /// <summary>Loads the device from the section that <paramref name="input"/> is at, of which nothing was read yet.</summary>
    /// <exception cref="VmStateException">
    /// The data is not such a state, or there is more of it. The error names the section. The device's state is undefined.
    /// </exception>
    public static void Load(ISectionReader input, IVmState device)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(device);
        var section = input.Section;
        var window = ArrayPool<byte>.Shared.Rent(WindowSize);
        try
        {
            if (section.Version > int.MaxValue)
                throw new VmStateException("a version up to 2147483647", $"version {section.Version}", input.SectionOffset);
            var reader = new VmStateReader(new SectionInput(input, window), input.SectionOffset);
            device.Load(ref reader, (int)section.Version);
            // Where nobody knows the length, what follows is not ours to look at.
            if (input.SectionLength != null && !reader.AtEnd())
                throw new VmStateException("the end of the section's data", "more bytes", reader.Offset);
            reader.Complete();
        }
        catch (VmStateException e) when (e.InDevice(section.ToString()))
        {
            throw;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(window);
        }
    }

    /// <summary>Loads the device from a framing that does not know where the section ends, and gives back what the device did not take.</summary>
    /// <param name="section">The section.</param>
    /// <param name="input">At its data.</param>
    /// <param name="offset">Offset of its data in the stream, for messages.</param>
    /// <param name="device">The device.</param>
    /// <exception cref="VmStateException">The data is not such a state. The error names the section. The device's state is undefined.</exception>
    internal static void Load(SectionHeader section, VmStateInput input, long offset, IVmState device)
    {
        try
        {
            if (section.Version > int.MaxValue)
                throw new VmStateException("a version up to 2147483647", $"version {section.Version}", offset);
            var reader = new VmStateReader(input, offset);
            device.Load(ref reader, (int)section.Version);
            reader.Complete();
        }
        catch (VmStateException e) when (e.InDevice(section.ToString()))
        {
            throw;
        }
    }

    private sealed class SectionOutput(ISectionWriter output, byte[] window) : VmStateOutput
    {
        public override Span<byte> Advance(int written, int size)
        {
            output.Write(window.AsSpan(0, written));
            return window;
        }

        public override bool TryPassDescriptor(byte payload, SafeHandle descriptor) => output.TryPassDescriptor(payload, descriptor);
    }

    private sealed class SectionInput(ISectionReader input, byte[] window) : VmStateInput
    {
        private int start;
        private int end;

        public override ReadOnlySpan<byte> Advance(int consumed, int size)
        {
            start += consumed;
            if (end - start < size)
            {
                window.AsSpan(start, end - start).CopyTo(window);
                end -= start;
                start = 0;
                // A framing that knows the length stops at it; another one would read on into what follows.
                var wanted = input.SectionLength != null ? window.Length - end : size - end;
                end += input.ReadData(window.AsSpan(end, wanted));
            }
            return window.AsSpan(start, end - start);
        }

        public override SafeFileHandle? TakeDescriptor() => input.TakeDescriptor();
    }
}
