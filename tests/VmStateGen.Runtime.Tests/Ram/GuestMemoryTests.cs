using System;
using System.IO;
using System.Linq;
using VmStateGen.Runtime.Linux;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.Tests.Ram;

public sealed class GuestMemoryTests : IDisposable
{
    private const int Page = 4096;
    private readonly GuestMemory memory = new();

    public void Dispose() => memory.Dispose();

    [Fact]
    public void Blocks_are_zeros_and_keep_what_is_written()
    {
        foreach (var options in new RamBlockOptions[]
        {
            new(),
            new() { UseTransparentHugePages = false },
            new() { Backing = RamBacking.MemoryFile },
            new() { Backing = RamBacking.MemoryFile, IsShared = true, MaxLength = 1 << 30 },
        })
        {
            var block = memory.AddBlock($"b{memory.Blocks.Count}", 4 << 20, options);
            Assert.Equal(0, block.HostAddress % (2 << 20));
            Assert.True(memory.IsZero(block, 0, 4 << 20));
            memory.Write(block, (4 << 20) - 3, [1, 2, 3]);
            var read = new byte[5];
            memory.Read(block, (4 << 20) - 5, read);
            Assert.Equal([0, 0, 1, 2, 3], read);
            memory.Fill(block, Page, Page, 0x5a);
            Assert.Equal(Page, memory.Access(block, 0, 3 * Page, 0, static (bytes, _) => bytes.Count((byte)0x5a)));
            Assert.False(memory.IsZero(block, Page - 8, 9));
            memory.Discard(block, 0, 4 << 20);
            Assert.True(memory.IsZero(block, 0, 4 << 20));
        }
    }

    [Fact]
    public void A_shared_file_has_what_is_written_and_a_private_one_has_not()
    {
        var path = Path.Combine(Path.GetTempPath(), $"vmstategen-{Guid.NewGuid():N}");
        try
        {
            foreach (var isShared in new[] { true, false })
            {
                File.WriteAllBytes(path, [.. Enumerable.Repeat((byte)7, 3 * Page)]);
                var block = memory.AddBlock("file", 2 * Page, new RamBlockOptions { Backing = RamBacking.File, Path = path, FileOffset = 2 * Page, IsShared = isShared });
                Assert.Equal(4 * Page, new FileInfo(path).Length);
                var bytes = new byte[2 * Page];
                memory.Read(block, 0, bytes);
                Assert.Equal([.. Enumerable.Repeat((byte)7, Page), .. new byte[Page]], bytes);
                memory.Write(block, 1, [9]);
                Assert.Equal(isShared ? 9 : 7, File.ReadAllBytes(path)[2 * Page + 1]);
                memory.Discard(block, 0, Page);
                memory.Read(block, 0, bytes.AsSpan(0, 1));
                Assert.Equal(isShared ? 0 : 7, bytes[0]);
                memory.RemoveBlock(block);
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Two_mappings_of_a_shared_file_are_the_same_memory()
    {
        var first = memory.AddBlock("first", Page, new RamBlockOptions { Backing = RamBacking.MemoryFile, IsShared = true });
        memory.Write(first, 10, [42]);
        var bytes = new byte[11];
        RandomAccess.Read(first.File!, bytes, 0);
        Assert.Equal(42, bytes[10]);
    }

    [SkippableFact]
    public void Huge_pages_hold_what_is_written()
    {
        const int Huge = 2 << 20;
        RamBlock block;
        try
        {
            block = memory.AddBlock("huge", 2 * Huge, new RamBlockOptions { Backing = RamBacking.HugePages });
        }
        catch (SystemCallException e)
        {
            Assert.Contains("huge", e.Advice!, StringComparison.Ordinal);
            throw new SkipException($"This host has no two huge pages to spare: {e.Message}");
        }
        Assert.Equal((Huge, 0), (block.PageSize, block.HostAddress % Huge));
        Assert.Equal(0, memory.FindTouched(block).Count());
        memory.Write(block, Huge + 5, [1]);
        Assert.Equal([(512L, 512L)], Extents(memory.FindTouched(block)));
        memory.Discard(block, Huge, Huge);
        Assert.True(memory.IsZero(block, Huge, Huge));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Discard(block, Page, Page));
        Assert.Throws<ArgumentOutOfRangeException>(() => RamBlock.Create("odd", Huge + Page, new RamBlockOptions { Backing = RamBacking.HugePages }));
    }

    [Fact]
    public void Bad_blocks_are_refused_with_a_reason()
    {
        Assert.Throws<ArgumentException>(() => RamBlock.Create("", Page));
        Assert.Throws<ArgumentException>(() => RamBlock.Create(new string('x', 256), Page));
        Assert.Throws<ArgumentException>(() => RamBlock.Create("ä", Page));
        foreach (var length in new[] { 0, -Page, Page - 1, long.MinValue, long.MaxValue, long.MaxValue & ~(Page - 1L) })
            Assert.Throws<ArgumentOutOfRangeException>(() => RamBlock.Create("x", length));
        Assert.Throws<ArgumentOutOfRangeException>(() => RamBlock.Create("x", 2 * Page, new RamBlockOptions { MaxLength = Page }));
        Assert.Throws<ArgumentException>(() => RamBlock.Create("x", Page, new RamBlockOptions { IsShared = true }));
        Assert.Throws<ArgumentException>(() => RamBlock.Create("x", Page, new RamBlockOptions { Backing = RamBacking.File }));
        Assert.Throws<ArgumentException>(() => RamBlock.Create("x", Page, new RamBlockOptions { Path = "/tmp/x" }));
        Assert.Throws<ArgumentException>(() => RamBlock.Create("x", Page, new RamBlockOptions { Backing = RamBacking.HugePages, HugePageSize = 3 << 20 }));
        Assert.Throws<ArgumentException>(() => RamBlock.Create("x", Page, new RamBlockOptions { Backing = (RamBacking)9 }));
        Assert.Equal("mmap", Assert.Throws<SystemCallException>(() => RamBlock.Create("x", 1L << 55)).Call);
        Assert.Equal("open", Assert.Throws<SystemCallException>(() => RamBlock.Create("x", Page, new RamBlockOptions { Backing = RamBacking.File, Path = "/no/such/folder/x" })).Call);

        memory.AddBlock("x", Page);
        Assert.Throws<ArgumentException>(() => memory.AddBlock("x", Page));
        Assert.Throws<ArgumentException>(() => new GuestMemory().AddBlock(memory.Blocks[0]));
        Assert.Throws<InvalidOperationException>(memory.Blocks[0].Dispose);
        Assert.Throws<ArgumentException>(() => new GuestMemory(1 << 16).AddBlock("small", Page));
    }

    [Fact]
    public void Offsets_are_checked_everywhere()
    {
        var block = memory.AddBlock("ram", 2 * Page, new RamBlockOptions { MaxLength = 4 * Page });
        var two = new byte[2];
        foreach (var offset in new[] { -1, 2 * Page - 1, 2 * Page, 3 * Page, long.MaxValue, long.MinValue })
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => memory.Read(block, offset, two));
            Assert.Throws<ArgumentOutOfRangeException>(() => memory.Write(block, offset, two));
            Assert.Throws<ArgumentOutOfRangeException>(() => memory.Fill(block, offset, 2, 0));
            Assert.Throws<ArgumentOutOfRangeException>(() => memory.MarkDirty(block, offset, 2));
            Assert.Throws<ArgumentOutOfRangeException>(() => memory.IsZero(block, offset, 2));
            Assert.Throws<ArgumentOutOfRangeException>(() => memory.Access(block, offset, 2, 0, static (_, _) => 0));
            Assert.Throws<ArgumentOutOfRangeException>(() => memory.AccessForWrite(block, offset, 2, 0, static (_, _) => 0));
        }
        var e = Assert.Throws<ArgumentOutOfRangeException>(() => memory.Read(block, 0x1fff, two));
        Assert.StartsWith("ram: 0x2 bytes at offset 0x1fff are not within its 0x2000 bytes.", e.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Access(block, 0, -1, 0, static (_, _) => 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Fill(block, 0, -1, 0));
        memory.Read(block, 2 * Page, []);
    }

    [Fact]
    public void Guest_addresses_lead_to_blocks()
    {
        var low = memory.AddBlock("low", 4 * Page);
        var high = memory.AddBlock("high", 2 * Page);
        memory.MapBlock(0x100000, low, 2 * Page);
        memory.MapBlock(0x102000, high, 0, Page);
        memory.MapBlock(0, low, 0, 2 * Page);
        memory.MapBlock(ulong.MaxValue - (Page - 1), high, Page);
        Assert.Equal([0UL, 0x100000UL, 0x102000UL, 0xfffffffffffff000UL], memory.Ranges.Select(range => range.Address));

        // Across the two blocks that follow each other.
        memory.Write<ushort>(0x101fff, 0x0201);
        Assert.True(memory.TryTranslate(0x102000, out var block, out var offset));
        Assert.Equal((high, 0), (block, offset));
        Assert.False(memory.TryTranslate(0x103000, out _, out _));
        var one = new byte[1];
        memory.Read(low, 4 * Page - 1, one);
        Assert.Equal(1, one[0]);
        memory.Read(high, 0, one);
        Assert.Equal(2, one[0]);
        memory.Write<byte>(ulong.MaxValue, 0x77);
        memory.Read(high, 2 * Page - 1, one);
        Assert.Equal(0x77, one[0]);

        var e = Assert.Throws<GuestAddressException>(() => memory.Read<uint>(0x1ffe));
        Assert.Equal("0x4 bytes at guest physical 0x1ffe: 0x2000 is no RAM; RAM below it: low at 0x0–0x1fff.", e.Message);
        Assert.Equal((0x1ffeUL, 4L), (e.Address, e.Length));
        Assert.Throws<GuestAddressException>(() => memory.Read<ushort>(ulong.MaxValue));
        Assert.Throws<GuestAddressException>(() => memory.Access(0x101fff, 2, 0, static (_, _) => 0));
        Assert.Equal(1, memory.Access(0x101fff, 1, 0, static (bytes, _) => (int)bytes[0]));
        memory.AccessForWrite(0x101fff, 1, 0, static (bytes, _) => bytes[0] = 5);
        Assert.Equal(5, memory.Read<byte>(0x101fff));

        // Nothing of a write that is not RAM to its end.
        Assert.Throws<GuestAddressException>(() => memory.Write<ushort>(0x1fff, 0x9999));
        Assert.Equal(0, memory.Read<byte>(0x1fff));

        Assert.Throws<ArgumentException>(() => memory.MapBlock(0x1000, high, 0, Page));
        Assert.Throws<ArgumentException>(() => memory.MapBlock(0x5001, high, 0, Page));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.MapBlock(ulong.MaxValue - (Page - 1), high, 0, 2 * Page));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.MapBlock(0x5000, high, 0, 3 * Page));
        Assert.Throws<InvalidOperationException>(() => memory.RemoveBlock(high));
        memory.UnmapBlock(0x102000);
        Assert.Throws<GuestAddressException>(() => memory.Read<byte>(0x102000));
        Assert.Throws<GuestAddressException>(() => memory.UnmapBlock(0x102000));
    }

    [Fact]
    public void A_block_grows_and_shrinks_to_zeros()
    {
        foreach (var options in new RamBlockOptions[] { new() { MaxLength = 8 * Page }, new() { MaxLength = 8 * Page, Backing = RamBacking.MemoryFile, IsShared = true } })
        {
            var block = memory.AddBlock($"b{memory.Blocks.Count}", 2 * Page, options);
            memory.Resize(block, 8 * Page);
            memory.Fill(block, 0, 8 * Page, 1);
            memory.Resize(block, 3 * Page);
            Assert.Throws<ArgumentOutOfRangeException>(() => memory.Read(block, 3 * Page, new byte[1]));
            memory.Resize(block, 8 * Page);
            Assert.Equal(3 * Page, memory.Access(block, 0, 8 * Page, 0, static (bytes, _) => bytes.Count((byte)1)));
            Assert.Throws<ArgumentOutOfRangeException>(() => memory.Resize(block, 9 * Page));
            Assert.Throws<ArgumentOutOfRangeException>(() => memory.Resize(block, 0));
            Assert.Throws<ArgumentOutOfRangeException>(() => memory.Resize(block, Page + 1));

            using (memory.StartDirtyLog("test", block))
                Assert.Throws<InvalidOperationException>(() => memory.Resize(block, Page));
            memory.MapBlock(0, block);
            Assert.Throws<InvalidOperationException>(() => memory.Resize(block, Page));
            memory.UnmapBlock(0);
        }
    }

    [Fact]
    public void What_is_gone_cannot_be_reached()
    {
        var block = memory.AddBlock("ram", Page);
        var kept = memory.AddBlock("kept", Page);
        memory.MapBlock(0, kept);
        memory.RemoveBlock(block);
        Assert.Throws<ArgumentException>(() => memory.Read(block, 0, new byte[1]));
        Assert.Null(memory.FindBlock("ram"));

        // A callback keeps the memory that it was lent.
        memory.Access(kept, 0, Page, memory, static (bytes, state) =>
        {
            state.Dispose();
            return bytes[Page - 1];
        });
        Assert.Throws<ObjectDisposedException>(() => memory.Read(kept, 0, new byte[1]));
        Assert.Throws<ObjectDisposedException>(() => memory.Access(kept, 0, 1, 0, static (_, _) => 0));
        Assert.Throws<GuestAddressException>(() => memory.Read<byte>(0));
        Assert.Throws<ObjectDisposedException>(() => memory.AddBlock("late", Page));
        memory.Dispose();
    }

    internal static (long First, long Count)[] Extents(DirtyBitmap bitmap)
    {
        var extents = new PageExtent[1000];
        var from = 0L;
        return [.. extents[..bitmap.ReadExtents(ref from, extents)].Select(extent => (extent.First, extent.Count))];
    }
}
