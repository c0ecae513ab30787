using System;
using System.Buffers;
using System.IO;

namespace VmStateGen.Tests;

/// <summary>One device, one call: spans, streams and buffer writers carry the same bytes.</summary>
public class TransportTests
{
    private static readonly byte[] Golden = Wire.Saved(Everything.Filled());

    [Fact]
    public void Span_stream_and_buffer_writer_get_the_same_bytes_and_the_same_count()
    {
        byte[] span = new byte[(int)VmState.MaxSize(Everything.Filled())];
        var stream = new MemoryStream();
        var writer = new ArrayBufferWriter<byte>();

        int inSpan = VmState.Save(Everything.Filled(), span);
        long inStream = VmState.Save(Everything.Filled(), stream);
        long inWriter = VmState.Save(Everything.Filled(), writer);

        Assert.Equal(Golden, span[..inSpan]);
        Assert.Equal(Golden, stream.ToArray());
        Assert.Equal(Golden, writer.WrittenSpan.ToArray());
        Assert.Equal((Golden.Length, (long)Golden.Length, (long)Golden.Length), (inSpan, inStream, inWriter));
    }

    [Fact]
    public void Span_and_streams_of_any_rhythm_load_the_same_state()
    {
        foreach (int most in new[] { 1, 3, int.MaxValue })
        {
            var loaded = new Everything();
            VmState.Load(loaded, new SlowStream(Golden, most));
            Assert.Equal(Golden, Wire.Saved(loaded));
        }
    }

    [Fact]
    public void A_byte_too_many_is_an_error_in_a_span_and_in_a_stream()
    {
        byte[] longer = [.. Golden, 0];

        VmStateException inSpan = Assert.Throws<VmStateException>(() => VmState.Load(new Everything(), longer));
        VmStateException inStream = Assert.Throws<VmStateException>(() => VmState.Load(new Everything(), new MemoryStream(longer)));

        Assert.Equal($"everything: expected the end of the state, found more bytes at offset 0x{Golden.Length:x}", inSpan.Message);
        Assert.Equal(inSpan.Message, inStream.Message);
    }

    [Fact]
    public void A_stream_that_ends_early_gives_the_error_of_a_span()
    {
        for (int length = 0; length < Golden.Length; length += length < 200 ? 1 : 97)
        {
            byte[] part = Golden[..length];

            VmStateException inSpan = Assert.Throws<VmStateException>(() => VmState.Load(new Everything(), part));
            VmStateException inStream = Assert.Throws<VmStateException>(() => VmState.Load(new Everything(), new SlowStream(part, 5)));

            Assert.Equal((length, inSpan.Offset, inSpan.FieldPath), (length, inStream.Offset, inStream.FieldPath));
        }
    }

    [Fact]
    public void A_destination_that_is_just_full_does_not_grow()
    {
        byte[] saved = Wire.Saved(Wire.Loaded<Flag>("01"));
        var destination = new ArrayBufferWriter<byte>(saved.Length);

        VmState.Save(new Flag(), destination);

        Assert.Equal(saved.Length, destination.Capacity);
    }

    [Fact]
    public void A_failure_of_the_stream_stays_what_it_is()
    {
        Assert.Throws<IOException>(() => VmState.Load(new Everything(), new BrokenStream()));
        Assert.Throws<IOException>(() => VmState.Save(Everything.Filled(), new BrokenStream()));
    }

    [Fact]
    public void Nothing_is_an_argument_error()
    {
        Assert.Throws<ArgumentNullException>(() => VmState.Save(null!, new byte[1].AsSpan()));
        Assert.Throws<ArgumentNullException>(() => VmState.Save(new Flag(), (Stream)null!));
        Assert.Throws<ArgumentNullException>(() => VmState.Save(new Flag(), (IBufferWriter<byte>)null!));
        Assert.Throws<ArgumentNullException>(() => VmState.Load(null!, [1]));
        Assert.Throws<ArgumentNullException>(() => VmState.Load(new Flag(), (Stream)null!));
        Assert.Throws<ArgumentNullException>(() => VmState.MaxSize(null!));
    }

    /// <summary>Gives a few bytes a call, as a connection does.</summary>
    private sealed class SlowStream(byte[] bytes, int most) : MemoryStream(bytes)
    {
        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(buffer.Length, most)]);
    }

    private sealed class BrokenStream : MemoryStream
    {
        public override int Read(Span<byte> buffer) => throw new IOException("broken");

        public override void Write(byte[] buffer, int offset, int count) => throw new IOException("broken");
    }
}
