using System;
using System.Collections;

namespace VmStateGen.Tests;

/// <summary>Strings, blobs and bitmaps.</summary>
public class TextAndBitmapTests
{
    private const string Golden =
        "03 616263 00000002 c3a9" // "abc" counted in one byte, "é" counted in four
        + "00000003 010203" // a blob
        + "8000000000000001 0000000000000005" // 67 bits of a ulong[]
        + "0000000000000003"; // 2 bits of a BitArray

    [Fact]
    public void They_are_counted_or_as_long_as_the_annotation_says()
    {
        var loaded = Wire.LoadedWholeOnly<Texts>(Golden);

        Assert.Equal(("abc", "é"), (loaded.Label, loaded.Comment));
        Assert.Equal(new byte[] { 1, 2, 3 }, loaded.Blob);
        Assert.Equal([0x8000000000000001ul, 5ul], loaded.Pending);
        Assert.True(loaded.Masked[0] && loaded.Masked[1]);
        Wire.AssertSaves(Golden, loaded);
    }

    [Fact]
    public void A_string_that_says_the_same_is_the_same_object()
    {
        var device = Wire.Loaded<Texts>(Golden);
        string label = device.Label;

        Wire.Loaded(device, Golden);

        Assert.Same(label, device.Label);
    }

    [Fact]
    public void Null_is_an_empty_string_and_an_empty_blob()
    {
        var device = new Texts { Comment = null, Blob = null };

        Wire.AssertSaves("00 00000000 00000000 0000000000000000 0000000000000000 0000000000000000", device);
    }

    [Theory]
    [InlineData("09", "label", "a count from 0 to 8, found 9")]
    [InlineData("02 c328", "label", "UTF-8")]
    [InlineData("00 ffffffff", "comment", "a count from 0 to 400")]
    [InlineData("00 00000000 7fffffff", "blob", "a count from 0 to 64")]
    [InlineData("00 00000000 00000010 01", "blob", "16 bytes")]
    public void Lengths_and_characters_are_checked(string hex, string path, string expected)
    {
        VmStateException problem = Wire.Rejects(new Texts(), hex);

        Assert.Equal(path, problem.FieldPath);
        Assert.Contains(expected, problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_longer_than_Max_is_not_saved()
    {
        Assert.Contains("at most 8 bytes", Wire.RejectsSaving(new Texts { Label = "123456789" }).Message, StringComparison.Ordinal);
        Assert.Contains("blob", Wire.RejectsSaving(new Texts { Blob = new byte[65] }).FieldPath, StringComparison.Ordinal);
    }

    [Fact]
    public void A_counted_bitmap_has_as_many_words_as_its_bits_need()
    {
        var loaded = Wire.LoadedWholeOnly<CountedBits>("0041 0000000000000001 0000000000000001");

        Assert.Equal([1ul, 1ul], loaded.Bits!);
        Wire.AssertSaves("0041 0000000000000001 0000000000000001", loaded);
    }
}

[VmState("texts")]
public sealed partial class Texts
{
    [Field(Max = 8)] public string Label = "";
    [Field(Max = 400)] public string? Comment;
    [Field(Max = 64)] public byte[]? Blob;
    [Field(Length = 67, As = WireType.Bitmap)] public readonly ulong[] Pending = new ulong[2];
    [Field(Length = 2)] public readonly BitArray Masked = new(2);
}

[VmState("counted_bits")]
public sealed partial class CountedBits
{
    [Field] public ushort Used;
    [Field(CountFrom = nameof(Used), Max = 256, As = WireType.Bitmap)] public ulong[]? Bits;
}
