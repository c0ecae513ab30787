using System;
using System.Collections.Generic;
using System.IO;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Tests.Streams;

/// <summary>A connection to a source that waits for an answer: its end is never seen by reading on.</summary>
public sealed class LiveStreamTests
{
    private static readonly byte[] Ping = [0x08, 0, 2, 0, 4, 0, 0, 0, 77];

    public static TheoryData<int, RamRecordKind> Pieces()
    {
        var data = new TheoryData<int, RamRecordKind>();
        foreach (var atOnce in new[] { 1, 13, 4096, 1 << 20 })
        {
            foreach (var kind in new[] { RamRecordKind.Page, RamRecordKind.Xbzrle, RamRecordKind.CompressedPage })
                data.Add(atOnce, kind);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Pieces))]
    public void What_is_received_is_what_a_conversion_makes(int atOnce, RamRecordKind kind)
    {
        var stream = RamFixture.Plain(kind);
        var answers = new List<uint>();
        var (received, receiver) = Receive(new WaitingStream(stream, atOnce), new QemuReceiveOptions { Pong = answers.Add });
        Assert.True(receiver.HasReturnPath);
        Assert.True(receiver.HasTrailer);
        Assert.Equal([1u], answers);
        Assert.Equal(RamFixture.Contents(stream), RamFixture.Contents(received));
        // The same file but for what pages that are zeros by now have left in it.
        Assert.Equal(RamFixture.Mapped().Length, received.Length);
        Assert.Equal(RamFixture.Convert(RamFixture.Plain(), RamLayout.Plain), RamFixture.Convert(received, RamLayout.Plain));
    }

    [Fact]
    public void A_zero_clears_the_bit_and_a_difference_to_it_starts_from_zeros()
    {
        const int PageSize = RamFixture.PageSize;
        var page = new Bytes().Fill(0xA5, PageSize).ToArray();
        var b = Start(1).U8(0x02).Be32(2);
        b.Be64(0 | 8).Name("pc.ram").U8(page).Be64(0 | 2 | 0x20).U8(0).Be64(0 | 0x40 | 0x20).U8(1).Be16(3).U8(5, 1, 9);
        b.Be64(PageSize | 8 | 0x20).U8(page).Be64(PageSize | 2 | 0x20).U8(0).Be64(0x10).Footer(2);
        var (received, _) = Receive(new WaitingStream(End(b), 100));
        var expected = new byte[2 * PageSize];
        expected[5] = 9;
        Assert.Equal(expected, RamFixture.Contents(received)["pc.ram"]);
    }

    [Fact]
    public void A_ping_behind_the_devices_is_answered_before_the_rest_is_there()
    {
        // As our own source sends it: EOF and trailer only go out after the answer.
        var b = Pages(Start(1)).ToArray();
        var end = End(new Bytes(), Ping);
        var gate = end.AsSpan().IndexOf(Ping) + Ping.Length;
        var answers = new List<uint>();
        var input = new WaitingStream([.. b, .. end], 1 << 20) { Gate = b.Length + gate };
        var options = new QemuReceiveOptions
        {
            Pong = value =>
            {
                answers.Add(value);
                if (value == 77)
                    input.Gate = int.MaxValue;
            },
        };
        var (received, _) = Receive(input, options);
        Assert.Equal([1u, 77u], answers);
        var reader = new QemuStreamReader(new MemoryStream(received));
        while (reader.Read())
            Assert.NotEqual(QemuElementKind.Command, reader.Current.Kind);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    public void A_section_before_RAM_ends_at_its_footer_and_the_trailer_must_agree(int atOnce)
    {
        var stream = SyntheticStream.Make();
        var options = new QemuStreamReaderOptions { IsLive = true };
        SyntheticStream.ReadAll(new WaitingStream(stream, atOnce), options);

        var at = stream.AsSpan().IndexOf("early\0\0\0\0\0\0\0\u0001"u8) + 13;
        byte[] longer = [.. stream[..at], 9, .. stream[at..]];
        var fault = Assert.Throws<VmStateException>(() => SyntheticStream.ReadAll(new WaitingStream(longer, atOnce), options));
        Assert.Contains("early", fault.Message, StringComparison.Ordinal);
        Assert.Contains("1 bytes, as the trailer says", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_bounded_or_stored_is_refused_by_its_name_before_more_is_waited_for()
    {
        var head = new Bytes().Header().Configuration("mach").ToArray();
        Refused([.. head, .. new Bytes().Section(0x01, 3, "0000:00:05.0/vfio", 0, 1).ToArray()], "0000:00:05.0/vfio", "nothing here parses");
        Refused([.. new Bytes().Header().ToArray(), .. new Bytes().Section(0x01, 2, "ram", 0, 4).Be64(4).Be64(0x10).Footer(2).ToArray()], "configuration section");
        Refused([.. head, .. new Bytes().Section(0x01, 2, "ram", 0, 4).Be64(4).Be64(0x200).Be64(0x10).Footer(2).ToArray()], "multifd");
        Refused([.. head, .. new Bytes().U8(0x08).Be16(4).Be16(0).ToArray()], "PostcopyListen");
        Refused([.. Start(1).ToArray(), .. End(new Bytes())], "pc.ram", "nothing of 2 of them");
    }

    [Fact]
    public void Bytes_of_a_device_that_look_like_a_trailer_are_not_taken_for_it()
    {
        // Arriving piece by piece, the fake is the last that there is for a while; and it is no description.
        byte[] fake = [0, 6, 0, 0, 0, 2, (byte)'{', (byte)'}'];
        var json = """{"page_size": 4096, "devices": [{"name": "dev", "instance_id": 0, "vmsd_name": "dev", "version": 1, "fields": [{"name": "a", "type": "buffer", "size": 9}]}]}""";
        var b = Pages(Start(1)).U8(0x03).Be32(2).Be64(0x10).Footer(2);
        b.Section(0x04, 9, "dev", 0, 1).U8(fake).U8(7).Footer(9).U8(0).Trailer(json);
        var (received, _) = Receive(new WaitingStream(b.ToArray(), 1));
        Assert.True(received.AsSpan().IndexOf(fake) > 0);
    }

    private static void Refused(byte[] stream, params string[] words)
    {
        var fault = Assert.Throws<VmStateException>(() => Receive(new WaitingStream(stream, 1 << 20)));
        foreach (var word in words)
            Assert.Contains(word, fault.Message, StringComparison.Ordinal);
    }

    private static (byte[] File, QemuStreamReceiver Receiver) Receive(Stream input, QemuReceiveOptions? options = null)
    {
        var output = new MemoryStream();
        var receiver = new QemuStreamReceiver(input, output, options);
        receiver.Receive();
        return (output.ToArray(), receiver);
    }

    private static Bytes Start(uint ping) => new Bytes().Header().Configuration("mach")
        .U8(0x08).Be16(1).Be16(0).U8(0x08).Be16(2).Be16(4).Be32(ping)
        .Section(0x01, 2, "ram", 0, 4).Be64(2 * RamFixture.PageSize | 4).Name("pc.ram").Be64(2 * RamFixture.PageSize).Be64(0x10).Footer(2);

    private static Bytes Pages(Bytes b) =>
        b.U8(0x02).Be32(2).Be64(0 | 2).Name("pc.ram").U8(0).Be64(RamFixture.PageSize | 2 | 0x20).U8(0).Be64(0x10).Footer(2);

    private static byte[] End(Bytes b, params byte[] between) => b
        .U8(0x03).Be32(2).Be64(0x10).Footer(2).Section(0x04, 9, "dev", 0, 1).Be32(0x01020304).Footer(9).U8(between).U8(0).Trailer(RamFixture.Json).ToArray();
}

/// <summary>A pipe whose source never closes it: a read of more than there is would wait for ever, and throws instead.</summary>
internal sealed class WaitingStream(byte[] bytes, int atOnce) : Stream
{
    private int position;

    /// <summary>What the source holds back from here on.</summary>
    public int Gate { get; set; } = int.MaxValue;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        var count = Math.Min(Math.Min(buffer.Length, atOnce), Math.Min(Gate, bytes.Length) - position);
        if (count == 0)
            throw new IOException($"Nothing more would ever come after {position} bytes.");
        bytes.AsSpan(position, count).CopyTo(buffer);
        position += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
