using System;
using System.Buffers.Binary;
using System.IO;
using System.Linq;
using VmStateGen.Runtime.Streams.Qemu;

namespace VmStateGen.Runtime.Tests.Streams;

/// <summary>The bytes of the return path (qemu-migration.md §1.7, §5.9), both ways.</summary>
public sealed class ReturnPathMessageTests
{
    public static TheoryData<ReturnPathMessage, string, string> Messages => new()
    {
        { ReturnPathMessage.Shut(1), "0001 0004 00000001", "SHUT 1" },
        { ReturnPathMessage.Pong(0x42), "0002 0004 00000042", "PONG 66" },
        { ReturnPathMessage.Request(new("pc.ram", 0xC0000, 4096)), "0003 0013 00000000000C0000 00001000 06 70632E72616D", "REQ_PAGES pc.ram 0xc0000+0x1000" },
        { ReturnPathMessage.Request(new(null, 0x2000, 8192)), "0004 000C 0000000000002000 00002000", "REQ_PAGES 0x2000+0x2000" },
        { ReturnPathMessage.Received("r", new byte[] { 1, 0, 0, 0, 0, 0, 0, 0x80 }), "0005 0002 01 72 0000000000000008 0100000000000080 0123456789ABCDEF", "RECV_BITMAP r" },
        { ReturnPathMessage.Received("none", default), "0005 0005 04 6E6F6E65 0000000000000000 0123456789ABCDEF", "RECV_BITMAP none" },
        { ReturnPathMessage.ResumeAcknowledged(), "0006 0004 00000001", "RESUME_ACK 1" },
        { ReturnPathMessage.SwitchoverAcknowledged(), "0007 0000", "SWITCHOVER_ACK" },
    };

    [Theory]
    [MemberData(nameof(Messages))]
    public void A_message_is_these_bytes_and_comes_back_from_them(ReturnPathMessage message, string hex, string text)
    {
        var bytes = Bytes(hex);
        Assert.Equal(bytes, message.ToBytes());
        Assert.Equal(text, message.ToString());

        // Two in a row, byte by byte as a link may bring them.
        using var stream = new OneWayStream([.. bytes, .. bytes], 1);
        for (var i = 0; i < 2; i++)
        {
            var read = ReturnPathMessage.Read(stream)!.Value;
            Assert.Equal((message.Kind, message.Value, message.Pages, message.Block), (read.Kind, read.Value, read.Pages, read.Block));
            Assert.Equal(message.Bitmap.ToArray(), read.Bitmap.ToArray());
        }
        Assert.Null(ReturnPathMessage.Read(stream));
    }

    [Theory]
    [MemberData(nameof(Messages))]
    public void A_message_that_is_cut_off_anywhere_is_an_error(ReturnPathMessage message, string hex, string text)
    {
        Assert.NotNull(text);
        var bytes = Bytes(hex);
        Assert.Equal(bytes.Length, message.ToBytes().Length);
        for (var length = 1; length < bytes.Length; length++)
            Assert.Throws<VmStateException>(() => ReturnPathMessage.Read(new MemoryStream(bytes[..length])));
    }

    [Theory]
    [InlineData("0000 0000")]                                                     // INVALID
    [InlineData("0008 0000")]                                                     // no such type
    [InlineData("0001 0003 000000")]
    [InlineData("0002 0005 0000000000")]
    [InlineData("0003 000D 0000000000000000 00001000 00")]                        // a name of nothing
    [InlineData("0003 000E 0000000000000000 00001000 02 72")]                     // a name longer than the message
    [InlineData("0003 000E 0000000000000000 00001000 01 07")]                     // no text
    [InlineData("0004 000D 0000000000000000 00001000 00")]
    [InlineData("0005 0002 02 72 0000000000000000 0123456789ABCDEF")]
    [InlineData("0005 0002 01 72 0000000000000007 01020304050607 0123456789ABCDEF")] // no whole words
    [InlineData("0005 0002 01 72 0000000000000008 0102030405060708 0123456789ABCDEE")]
    [InlineData("0005 0002 01 72 FFFFFFFFFFFFFFF8")]
    [InlineData("0007 0001 00")]
    public void What_is_no_message_is_refused(string hex)
        => Assert.Throws<VmStateException>(() => ReturnPathMessage.Read(new MemoryStream(Bytes(hex))));

    [Fact]
    public void A_bitmap_is_read_up_to_a_bound_and_takes_no_memory_for_what_does_not_come()
    {
        var bits = new byte[300_000];
        new Random(1).NextBytes(bits);
        var bytes = ReturnPathMessage.Received("ram", bits).ToBytes();
        Assert.Equal(bits, ReturnPathMessage.Read(new MemoryStream(bytes), bits.Length)!.Value.Bitmap.ToArray());
        Assert.Contains("at most 299992 bytes", Assert.Throws<VmStateException>(() => ReturnPathMessage.Read(new MemoryStream(bytes), bits.Length - 8)).Message, StringComparison.Ordinal);

        // A length of 64 MiB, and nothing behind it.
        var cut = bytes[..(4 + 4 + 8)];
        BinaryPrimitives.WriteInt64BigEndian(cut.AsSpan(8), ReturnPathMessage.DefaultMaxBitmap);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<VmStateException>(() => ReturnPathMessage.Read(new MemoryStream(cut)));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    [Theory]
    [InlineData("")]
    [InlineData("é")]
    public void What_cannot_be_the_name_of_a_block_is_not_sent(string name)
    {
        Assert.Throws<ArgumentException>(() => ReturnPathMessage.Request(new(name, 0, 4096)));
        Assert.Throws<ArgumentException>(() => ReturnPathMessage.Received(name, default));
        Assert.Throws<ArgumentException>(() => ReturnPathMessage.Received(string.Concat(Enumerable.Repeat("x", 256)), default));
        Assert.Throws<ArgumentException>(() => ReturnPathMessage.Received("ram", new byte[7]));
    }

    private static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    [Theory]
    [InlineData("pc.ram", 0xC0000UL, 4096u)]
    [InlineData("0000:00:02.0/vga.vram", ulong.MaxValue, uint.MaxValue)]
    [InlineData(null, 0x2000UL, 2u << 20)]
    public void A_request_is_written_the_same_without_an_allocation(string? block, ulong start, uint length)
    {
        var bytes = new byte[ReturnPathMessage.LongestRequest];
        var written = ReturnPathMessage.WriteRequest(bytes, new PageRequest(block, start, length));
        Assert.Equal(ReturnPathMessage.Request(new PageRequest(block, start, length)).ToBytes(), bytes[..written]);
    }
}
