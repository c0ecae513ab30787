using System;
using System.Text;

namespace VmStateGen.Tests;

/// <summary>Encodings that no annotation can say.</summary>
public class CodecTests
{
    [Fact]
    public void A_codec_writes_and_reads_the_member()
    {
        const string Golden = "01 5a00 03 616263 02";
        var device = new CodecDevice { Angle = 90, Text = "abc" };

        Wire.AssertSaves(Golden, device);

        CodecDevice loaded = Wire.LoadedWholeOnly<CodecDevice>(Golden);
        Assert.Equal((90.0, "abc"), (loaded.Angle, loaded.Text));
        Wire.AssertSaves(Golden, loaded);
    }

    [Fact]
    public void An_error_of_the_codec_names_the_field()
    {
        VmStateException e = Wire.Rejects(new CodecDevice(), "01 5a00 ff");

        Assert.Equal("codec_device › text: expected a length from 0 to 8, found 255 at offset 0x3", e.Message);
        Assert.Equal("text › text", Wire.Rejects(new CodecDevice(), "01 5a00 03 61").FieldPath);
    }

    [Fact]
    public void The_size_of_a_variable_codec_counts_with_its_maximum() => Assert.Equal(1 + 2 + 9 + 1, VmState.MaxSize(new CodecDevice()));
}

/// <summary>Degrees as fixed point.</summary>
[VmStateCodec("angle", 2)]
internal sealed class AngleCodec : IVmStateCodec<double>
{
    public static void Save(ref VmStateWriter writer, in double value) =>
        System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(writer.Run(2), (ushort)(value * 256));

    public static void Load(ref VmStateReader reader, ref double value) =>
        value = System.Buffers.Binary.BinaryPrimitives.ReadUInt16BigEndian(reader.Run(2, "angle:2"u8)) / 256.0;

    public static int Measure(in double value) => 2;
}

/// <summary>A short text with its length.</summary>
[VmStateCodec("text", 9, IsVariable = true, Version = 2)]
internal sealed class TextCodec : IVmStateCodec<string>
{
    public static void Save(ref VmStateWriter writer, in string value)
    {
        writer.Run(1)[0] = (byte)value.Length;
        writer.WriteBytes(Encoding.ASCII.GetBytes(value));
    }

    public static void Load(ref VmStateReader reader, ref string value)
    {
        int length = reader.Run(1, "length:1"u8)[0];
        if (length > 8)
            throw new VmStateException("a length from 0 to 8", $"{length}", reader.Offset - 1);
        Span<byte> text = stackalloc byte[length];
        reader.ReadBytes(text, "text"u8);
        value = Encoding.ASCII.GetString(text);
    }

    public static int Measure(in string value) => 1 + value.Length;
}

[VmState]
internal sealed partial class CodecDevice
{
    [Field] private byte before = 1;
    [Field(Codec = typeof(AngleCodec))] public double Angle { get; set; }
    [Field(Codec = typeof(TextCodec))] public string Text = "";
    [Field] private byte after = 2;
}
