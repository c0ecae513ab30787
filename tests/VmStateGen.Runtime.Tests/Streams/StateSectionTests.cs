using System;
using System.IO;
using System.Linq;
using VmStateGen.Runtime.Streams;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Tests.Streams;

public sealed class StateSectionTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    [InlineData(200_000)]
    public void A_device_goes_through_a_stream_of_sections(int bytes)
    {
        var device = new Device { Data = Enumerable.Range(0, bytes).Select(i => (byte)i).ToArray() };
        var output = new MemoryStream();
        var writer = new QemuStreamWriter(output);
        writer.WriteHeader();
        Assert.Equal(bytes, StateSection.Save(writer, 5, "0000:00:01.0/d", 2, device));
        writer.WriteEof();
        writer.Flush();

        var reader = new QemuStreamReader(new MemoryStream(output.ToArray()), new QemuStreamReaderOptions { Bounds = [new Fixed(bytes)] });
        Assert.True(reader.ReadSection());
        Assert.Equal(new SectionHeader(SectionKind.Full, 5, "0000:00:01.0/d", 2, 3), reader.Section);
        var loaded = new Device { Data = new byte[bytes] };
        StateSection.Load(reader, loaded);
        Assert.Equal(device.Data, loaded.Data);
        Assert.False(reader.ReadSection());
    }

    [Fact]
    public void Too_many_and_too_few_bytes_name_the_section()
    {
        var stream = new Bytes().Header().Section(4, 1, "dev", 7, 3).U8(1, 2, 3).Footer(1).U8(0).ToArray();
        VmStateException LoadOf(int bytes)
        {
            var reader = new QemuStreamReader(new MemoryStream(stream), new QemuStreamReaderOptions { Bounds = [new Fixed(3)] });
            Assert.True(reader.ReadSection());
            return Assert.Throws<VmStateException>(() => StateSection.Load(reader, new Device { Data = new byte[bytes] }));
        }
        Assert.Equal("dev#7: expected the end of the section's data, found more bytes at offset 0x1b", LoadOf(2).Message);
        Assert.Equal("dev#7", LoadOf(4).Device);
        Assert.Equal(0x1c, LoadOf(4).Offset);
    }

    [Fact]
    public void A_framing_without_lengths_is_asked_for_no_byte_too_many()
    {
        var pipe = new Unbounded([1, 2, 3, 0xEE]);
        StateSection.Load(pipe, new Device { Data = new byte[3] });
        Assert.Equal(3, pipe.Position);
    }

    /// <summary>A state of raw bytes.</summary>
    private sealed class Device : IVmState
    {
        public required byte[] Data { get; init; }

        public VmStateType StateType { get; } = new("d", 3, 1, long.MaxValue);

        public ReadOnlySpan<byte> Schema => default;

        public bool IsNeeded => true;

        public void Save(ref VmStateWriter writer, int version) => writer.WriteBytes(Data);

        public void Load(ref VmStateReader reader, int version) => reader.ReadBytes(Data, "data"u8);

        public void Describe(ref VmDescriptionWriter writer, int version)
        {
        }
    }

    private sealed class Fixed(long bytes) : ISectionBounds
    {
        public bool TryGetLength(in SectionHeader section, StreamCursor data, out long length)
        {
            length = bytes;
            return true;
        }
    }

    private sealed class Unbounded(byte[] data) : ISectionReader
    {
        public int Position { get; private set; }

        public SectionHeader Section => new(SectionKind.Full, 1, "d", 0, 3);

        public long SectionOffset => 0;

        public long? SectionLength => null;

        public bool ReadSection() => throw new NotSupportedException();

        public int ReadData(Span<byte> destination)
        {
            var count = Math.Min(destination.Length, data.Length - Position);
            data.AsSpan(Position, count).CopyTo(destination);
            Position += count;
            return count;
        }
    }
}
