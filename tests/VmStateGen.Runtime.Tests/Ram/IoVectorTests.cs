using System;
using System.IO;
using System.Linq;
using VmStateGen.Runtime.Channels;
using VmStateGen.Runtime.Ram;
using VmStateGen.Runtime.Tests.Channels;

namespace VmStateGen.Runtime.Tests.Ram;

/// <summary>Scatter-gather lists of guest RAM: what they hold, and which RAM a read into one marks. What goes through them is the channels' matter.</summary>
public sealed class IoVectorTests : IDisposable
{
    private const int Page = 4096;
    private const int Pages = 256;
    private readonly GuestMemory memory = new();
    private readonly FileAddress file = new(Path.Combine(ChannelFixture.NewFolder(), "f"));
    private readonly RamBlock ram;

    public IoVectorTests()
    {
        ram = memory.AddBlock("ram", Pages * Page);
        for (var i = 0; i < Pages; i++)
            memory.Fill(ram, (long)i * Page, Page, Value(i));
    }

    public void Dispose() => memory.Dispose();

    [Fact]
    public void What_is_read_into_it_counts_as_written_also_when_the_data_ends_too_early()
    {
        var vector = memory.CreateVector(8);
        vector.AddRam(ram, 5 * Page, Page);
        vector.AddRam(ram, 3 * Page, Page);
        WriteFile(vector);

        using var log = memory.StartDirtyLog("test");
        vector.Clear();
        vector.AddRam(ram, 100 * Page, Page);
        vector.AddRam(ram, 200 * Page, Page);
        ReadFile(vector);
        Assert.Equal((Value(5), Value(3)), (ReadByte(100 * Page), ReadByte(200 * Page + Page - 1)));
        Assert.Equal((2, true, true), (log[ram].Count(), log[ram][100], log[ram][200]));

        vector.AddRam(ram, 50 * Page, Page);
        Assert.Equal(ChannelFault.Closed, Assert.Throws<ChannelException>(() => ReadFile(vector)).Fault);
        Assert.True(log[ram][50]);
    }

    [Fact]
    public void It_joins_neighbours_and_knows_its_bounds()
    {
        var vector = memory.CreateVector(3, 10);
        vector.AddRam(ram, 0, Page);
        vector.AddRam(ram, Page, Page);
        vector.AddBytes([1, 2]);
        vector.AddBytes([3]);
        vector.AddRam(ram, 2 * Page, 0);
        Assert.Equal((2, 2 * Page + 3L, 7, 1), (vector.SegmentCount, vector.Length, vector.FreeBytes, vector.FreeSegments));
        vector.AddRam(ram, 0, 1);
        Assert.Throws<InvalidOperationException>(() => vector.AddBytes([1]));
        Assert.Throws<InvalidOperationException>(() => vector.AddBytes(new byte[8]));
        Assert.Throws<ArgumentOutOfRangeException>(() => vector.AddRam(ram, ram.UsedLength - 1, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => vector.AddRam(ram, -1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => vector.AddRam(ram, long.MaxValue, long.MaxValue));
        WriteFile(vector);
        Assert.Equal([.. Enumerable.Repeat(Value(0), Page), .. Enumerable.Repeat(Value(1), Page), 1, 2, 3, Value(0)], File.ReadAllBytes(file.Path));
        vector.Clear();
        Assert.Equal((0, 0L, 10), (vector.SegmentCount, vector.Length, vector.FreeBytes));

        using var other = RamBlock.Create("other", Page);
        Assert.Throws<ArgumentException>(() => vector.AddRam(other, 0, 1));
    }

    [Fact]
    public void Guest_addresses_may_span_blocks()
    {
        var second = memory.AddBlock("second", 4 * Page);
        memory.MapBlock(0, ram);
        memory.MapBlock((ulong)ram.UsedLength, second);
        memory.Fill(second, 0, Page, 0xee);
        var vector = memory.CreateVector(4);
        vector.AddRam((ulong)ram.UsedLength - 1, 2);
        WriteFile(vector);
        Assert.Equal([Value(Pages - 1), 0xee], File.ReadAllBytes(file.Path));
        Assert.Throws<GuestAddressException>(() => vector.AddRam((ulong)(ram.UsedLength + second.UsedLength) - 1, 2));
    }

    [Fact]
    public void A_block_that_is_gone_is_not_touched()
    {
        var block = memory.AddBlock("gone", Page);
        var vector = memory.CreateVector(4);
        vector.AddRam(ram, 0, 1);
        vector.AddRam(block, 0, 1);
        memory.RemoveBlock(block);
        Assert.Throws<ObjectDisposedException>(() => WriteFile(vector));
        vector.Clear();
    }

    private static byte Value(int page) => (byte)(page * 7 + 1);

    private void WriteFile(IoVector vector)
    {
        using var channel = ChannelConnector.Open(file, ChannelDirection.Outgoing);
        channel.Write(vector);
        channel.Close();
    }

    private void ReadFile(IoVector vector)
    {
        using var channel = ChannelConnector.Open(file, ChannelDirection.Incoming);
        channel.ReadExactly(vector);
    }

    private byte ReadByte(long offset)
    {
        Span<byte> one = stackalloc byte[1];
        memory.Read(ram, offset, one);
        return one[0];
    }
}
