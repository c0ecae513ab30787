using System;
using System.Linq;

namespace VmStateGen.Tests;

/// <summary>An error names the device, the field path, what was expected, what was found, and where.</summary>
public class ErrorTests
{
    /// <summary>The fields in the order of their bytes, with their sizes.</summary>
    private static readonly (string Path, int Size)[] Layout =
    [
        ("parent_obj › id", 4),
        ("a:b;c", 2),
        ("buffer *", 5),
        ("pair › {x}", 1),
        ("pair › y\\z › high", 1),
        ("pair › y\\z › low", 1),
        ("pairs[0] › {x}", 1),
        ("pairs[0] › y\\z › high", 1),
        ("pairs[0] › y\\z › low", 1),
        ("pairs[1] › {x}", 1),
        ("pairs[1] › y\\z › high", 1),
        ("pairs[1] › y\\z › low", 1),
        ("numbers[0]", 2),
        ("numbers[1]", 2),
        ("gone", 3),
        ("regs[7]", 4),
        ("größe", 8),
        ("counted", 6),
        ("objects[0] › value", 1),
        ("objects[1] › value", 1),
        ("conditional", 4),
    ];

    [Fact]
    public void A_stream_that_ends_anywhere_names_the_field_that_is_cut()
    {
        var device = new Erring();
        byte[] bytes = Wire.Saved(device);
        Assert.Equal(Layout.Sum(field => field.Size), bytes.Length);

        int start = 0;
        foreach ((string path, int size) in Layout)
        {
            for (int at = start; at < start + size; at++)
            {
                VmStateException e = Assert.Throws<VmStateException>(() => VmState.Load(new Erring(), bytes.AsSpan(0, at)));

                string expected = size == 1 ? "1 byte" : $"{size} bytes";
                Assert.Equal($"erring: 1 › {path}: expected {expected}, found the end of the stream after {at - start} at offset 0x{at:x}", e.Message);
                Assert.Equal((at, path, "erring: 1"), ((int)e.Offset, e.FieldPath, e.Device));
            }
            start += size;
        }
    }

    [Theory]
    [InlineData("a:1", 0, "a", 0, 1)]
    [InlineData("a:1;b:4", 4, "b", 1, 4)]
    [InlineData("a:2*3;b:1", 5, "a[2]", 4, 2)]
    [InlineData("a:2*3;b:1", 6, "b", 6, 1)]
    [InlineData("s{a:1;b:2}*2;c:1", 2, "s[0] › b", 1, 2)]
    [InlineData("s{a:1;b:2}*2;c:1", 3, "s[1] › a", 3, 1)]
    [InlineData("s{a:1;b:2}*2;c:1", 6, "c", 6, 1)]
    [InlineData("s{t{a:1}*2;b:1}*2", 4, "s[1] › t[1] › a", 4, 1)]
    [InlineData("s{};a:1", 0, "a", 0, 1)]
    [InlineData("s{t{}};a:1*2", 1, "a[1]", 1, 1)]
    [InlineData(@"\{\}\:\;\*\\:3", 2, @"{}:;*\", 0, 3)]
    [InlineData("", 3, "", 3, 0)]
    [InlineData("a:1", 3, "", 3, 0)]
    public void A_run_map_finds_the_field_at_an_offset(string map, int offset, string path, int start, int size) =>
        Assert.Equal(new RunMap.Place(path, start, size), RunMap.Find(System.Text.Encoding.UTF8.GetBytes(map), offset));

    [Fact]
    public void A_name_that_is_added_on_the_way_up_stands_in_front()
    {
        var e = new VmStateException("4 bytes", "nothing", 0x1a2f3);

        Assert.False(e.Within("mit_ide"));
        Assert.False(e.Within("mit", 3));
        Assert.False(e.InDevice("inner"));
        Assert.False(e.InDevice("0000:00:03.0/e1000"));

        Assert.Equal("0000:00:03.0/e1000 › mit[3] › mit_ide: expected 4 bytes, found nothing at offset 0x1a2f3", e.Message);
        Assert.Equal("mit[3] › mit_ide", e.FieldPath);
    }

    [Fact]
    public void What_is_not_known_is_left_out()
    {
        Assert.Equal("why", new VmStateException("why").Message);
        Assert.Equal("why at offset 0x0", new VmStateException("why", 0).Message);
        var e = new VmStateException("why");
        e.InDevice("device");
        Assert.Equal("device: why", e.Message);
    }
}

[VmState("erring: 1")]
internal sealed partial class Erring : NestBase
{
    [Field("a:b;c")] private ushort ab;
    [Field("buffer *", Length = 5)] private byte[] buffer = new byte[5];
    [Field] private ErringPair pair;
    [Field(Length = 2)] private ErringPair[] pairs = new ErringPair[2];
    [Field(Length = 2)] private ushort[] numbers = new ushort[2];
    [Removed("gone", 3)] [Field("regs[7]", Element = 7)] private uint[] registers = new uint[8];
    [Field("größe")] private ulong size = 3;
    [Field(CountFrom = nameof(Three), Max = 4)] private ushort[] counted = new ushort[3];
    [Field(Length = 2)] private Cell[] objects = [new Cell(), new Cell()];
    [Field(When = nameof(Yes))] private uint conditional;

    [Ignore("configuration")] private int Three { get; } = 3;

    private bool Yes() => true;
}

[VmState]
internal partial struct ErringPair
{
    [Field("{x}")] private byte x;
    [Field("y\\z")] private Point point;
}
