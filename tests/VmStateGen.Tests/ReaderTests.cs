using System;
using System.Linq;

namespace VmStateGen.Tests;

/// <summary>The reader between a device and where the bytes come from: windows, offsets, and never a byte too many asked for.</summary>
public class ReaderTests
{
    [Theory]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    public void A_run_of_a_negative_length_is_refused(int size)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new VmStateReader(new byte[8]).Run(size, default).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => new VmStateReader(new PiecewiseInput(new byte[8], 0)).Run(size, default).Length);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(5000)]
    public void Any_windows_give_the_same_state(int extra)
    {
        byte[] saved = Wire.Saved(Everything.Filled());
        var loaded = new Everything();

        var input = new PiecewiseInput(saved, extra);
        var reader = new VmStateReader(input);
        ((IVmState)loaded).Load(ref reader, 3);
        reader.Complete();

        Assert.Equal(saved, Wire.Saved(loaded));
        Assert.Equal(saved.Length, input.Position);
        Assert.All(input.Sizes, size => Assert.InRange(size, 0, VmStateWriter.MaxRun));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Nothing_is_asked_for_but_what_must_come_and_one_byte(int extra)
    {
        byte[] saved = Wire.Saved(Everything.Filled());

        // Behind a section at least one byte follows: a footer, the next section, or the end mark.
        var input = new PiecewiseInput([.. saved, 0x7e], extra, mayReachEnd: false);
        var reader = new VmStateReader(input);
        ((IVmState)new Everything()).Load(ref reader, 3);

        Assert.Equal(saved.Length, reader.Offset);
    }

    [Theory]
    [InlineData("05 00")]
    [InlineData("05 03")]
    [InlineData("05 08 6f")]
    [InlineData("05 08 6e 69 64")]
    public void A_possible_subsection_is_looked_at_only_as_far_as_its_name_agrees(string rest)
    {
        var input = new PiecewiseInput(Wire.Bytes("00000001" + rest), mayReachEnd: false);
        var reader = new VmStateReader(input);

        ((IVmState)new Nic()).Load(ref reader, 1);

        Assert.Equal(4, reader.Offset);
    }

    [Fact]
    public void A_run_spans_windows_and_offsets_go_on()
    {
        var reader = new VmStateReader(new PiecewiseInput(Wire.Bytes("01 02 03 04 05")), offset: 0x1000);

        Wire.AssertBytes("01 02", reader.Run(2, "a:2"u8));
        Wire.AssertBytes("03 04 05", reader.Run(3, "b:3"u8));
        Assert.Equal(0x1005, reader.Offset);
        Assert.True(reader.AtEnd());
    }

    [Fact]
    public void The_end_of_the_stream_names_field_and_offset_in_any_window()
    {
        VmStateException e = Assert.Throws<VmStateException>(() =>
        {
            var reader = new VmStateReader(new PiecewiseInput(Wire.Bytes("01 02 03 04 05")), offset: 0x1000);
            reader.Run(2, "a:2"u8);
            reader.Run(8, "b:2;c:4;d:2"u8);
        });

        Assert.Equal("c: expected 4 bytes, found the end of the stream after 1 at offset 0x1005", e.Message);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void An_array_larger_than_a_window_is_read_in_pieces(int extra)
    {
        byte[] bytes = Enumerable.Range(0, 20_000).Select(i => (byte)(i * 7)).ToArray();
        var input = new PiecewiseInput(bytes, extra);
        var reader = new VmStateReader(input);
        uint[] numbers = new uint[5000];

        reader.ReadArray<uint>(numbers, "numbers"u8);

        Assert.Equal(System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(4096 - 4)), numbers[1023]);
        Assert.Equal(System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(19_996)), numbers[4999]);
        Assert.Equal(20_000, reader.Offset);
        Assert.True(input.Sizes.Max() <= VmStateWriter.MaxRun);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(4095, 4095)]
    [InlineData(4097, 4097)]
    [InlineData(9999, 9999)]
    public void An_array_that_ends_early_says_after_how_many_bytes(int length, int found)
    {
        byte[] bytes = new byte[length];
        foreach (VmStateInput? input in new VmStateInput?[] { null, new PiecewiseInput(bytes) })
        {
            VmStateException e = Assert.Throws<VmStateException>(() =>
            {
                VmStateReader reader = input is null ? new VmStateReader(bytes, 16) : new VmStateReader(input, 16);
                reader.ReadArray<ulong>(new ulong[1250], "array"u8);
            });

            Assert.Equal($"array: expected 10000 bytes, found the end of the stream after {found} at offset 0x{16 + length:x}", e.Message);
        }
    }

    [Fact]
    public void Padding_booleans_and_bytes_go_through_windows_too()
    {
        var reader = new VmStateReader(new PiecewiseInput([.. Enumerable.Repeat((byte)2, 15_000)]));
        bool[] flags = new bool[5000];
        byte[] bytes = new byte[5000];

        reader.Skip(5000, "gone"u8);
        reader.ReadArray(flags, "flags"u8);
        reader.ReadBytes(bytes, "bytes"u8);

        Assert.All(flags, Assert.True);
        Assert.All(bytes, value => Assert.Equal(2, value));
        Assert.Equal(15_000, reader.Offset);
    }

    [Fact]
    public void What_was_not_consumed_goes_back_to_the_input()
    {
        var input = new PiecewiseInput(Wire.Bytes("01 02 03 04 05"), extra: 2);
        var reader = new VmStateReader(input);

        reader.Run(2, "a:2"u8);
        reader.Complete();

        Assert.Equal(2, input.Position);
        Assert.Equal(2, reader.Offset);
    }

    [Fact]
    public void An_array_of_nothing_asks_for_nothing()
    {
        var input = new PiecewiseInput([], mayReachEnd: false);
        var reader = new VmStateReader(input);

        reader.ReadArray<int>([], "none"u8);
        reader.ReadBytes([], "none"u8);
        reader.Skip(0, "none"u8);

        Assert.Empty(input.Sizes);
    }
}
