using System;
using System.Linq;

namespace VmStateGen.Tests;

/// <summary>The writer between a device and where the bytes go.</summary>
public class WriterTests
{
    [Theory]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    public void A_run_of_a_negative_length_is_refused(int size)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new VmStateWriter(new byte[8]).Run(size).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => new VmStateWriter(new PiecewiseOutput(8)).Run(size).Length);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(VmStateWriter.MaxRun)]
    [InlineData(VmStateWriter.MaxRun + 1)]
    [InlineData(64 * 1024)]
    public void Any_windows_give_the_same_bytes(int window)
    {
        var output = new PiecewiseOutput(window);
        var writer = new VmStateWriter(output, offset: 100);

        ((IVmState)Everything.Filled()).Save(ref writer, 3);
        long written = writer.BytesWritten;
        writer.Complete();

        Assert.Equal(Wire.Saved(Everything.Filled()), output.Bytes);
        Assert.Equal((output.Bytes.Length, written), (written, writer.BytesWritten));
        Assert.Equal(100 + written, writer.Offset);
    }

    [Fact]
    public void Arrays_larger_than_a_window_are_written_in_pieces()
    {
        ulong[] numbers = Enumerable.Range(0, 3000).Select(i => (ulong)i).ToArray();
        bool[] flags = Enumerable.Range(0, 9000).Select(i => i % 3 == 0).ToArray();
        byte[] bytes = Enumerable.Range(0, 9000).Select(i => (byte)i).ToArray();
        var output = new PiecewiseOutput(VmStateWriter.MaxRun);
        var writer = new VmStateWriter(output);

        writer.WriteArray<ulong>(numbers);
        writer.WriteArray(flags);
        writer.WriteBytes(bytes);
        writer.WriteZeros(9000);
        writer.Complete();

        byte[] expected = [.. numbers.SelectMany(n => BitConverter.GetBytes(n).Reverse()), .. flags.Select(f => f ? (byte)1 : (byte)0), .. bytes, .. new byte[9000]];
        Assert.Equal(expected, output.Bytes);
        Assert.Equal(expected.Length, writer.BytesWritten);
    }

    [Fact]
    public void Padding_is_zero_whatever_the_window_held()
    {
        byte[] destination = [1, 2, 3, 4];
        var writer = new VmStateWriter(destination);

        writer.WriteZeros(3);

        Assert.Equal([0, 0, 0, 4], destination);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(7)]
    public void A_span_that_is_too_small_is_an_error_that_says_what_helps(int size)
    {
        VmStateException e = Assert.Throws<VmStateException>(() => VmState.Save(new Wider(), new byte[size].AsSpan()));

        Assert.Equal(
            $"wider: expected room for 10 more bytes, found {size} bytes left in the destination (VmState.MaxSize tells how many are enough) at offset 0x0",
            e.Message);
    }

    [Fact]
    public void A_span_of_the_very_size_is_enough()
    {
        byte[] saved = Wire.Saved(Everything.Filled());
        byte[] destination = new byte[saved.Length];

        Assert.Equal(saved.Length, VmState.Save(Everything.Filled(), destination));
        Assert.Equal(saved, destination);
        Assert.Throws<VmStateException>(() => VmState.Save(Everything.Filled(), destination.AsSpan(1)));
    }

    [Fact]
    public void An_output_that_hands_out_too_little_is_a_bug_that_is_named()
    {
        InvalidOperationException e = Assert.Throws<InvalidOperationException>(() =>
        {
            var writer = new VmStateWriter(new TooSmall());
            writer.Run(4);
        });

        Assert.EndsWith("handed out a window of 2 bytes where 4 were asked for", e.Message);
    }

    [Fact]
    public void A_subsections_header_has_a_counted_name()
    {
        byte[] destination = new byte[300];
        var writer = new VmStateWriter(destination);

        writer.WriteSubsection("a/b"u8, 7);

        Wire.AssertBytes("05 03 612f62 00000007", destination.AsSpan(0, (int)writer.BytesWritten));
    }

    private sealed class TooSmall : VmStateOutput
    {
        public override Span<byte> Advance(int written, int size) => new byte[2];
    }
}
