using System;
using System.Globalization;
using System.IO;
using System.Linq;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.Tests.Ram;

/// <summary>Memory that nobody touched is found without being touched.</summary>
public sealed class UntouchedMemoryTests : IDisposable
{
    private const int Page = 4096;
    private readonly GuestMemory memory = new();

    public void Dispose() => memory.Dispose();

    [Theory]
    [InlineData(RamBacking.Anonymous, false)]
    [InlineData(RamBacking.MemoryFile, false)]
    [InlineData(RamBacking.MemoryFile, true)]
    public void Finding_and_everything_else_populates_nothing(RamBacking backing, bool isShared)
    {
        var block = memory.AddBlock("ram", 4L << 30, new RamBlockOptions { Backing = backing, IsShared = isShared, UseTransparentHugePages = false });
        memory.MapBlock(0, block);
        using var log = memory.StartDirtyLog("test");
        Assert.Equal(0, memory.FindTouched(block).Count());
        Assert.Equal(0, ResidentBytes(block));

        long[] pages = [0, 3, 4, 511, 512, 8191, 8192, 100_000, (4L << 30) / Page - 1];
        foreach (var page in pages)
            memory.Write(block, page * Page + 17, [1]);
        var vector = memory.CreateVector(4);
        vector.AddRam(block, 1 << 20, 1 << 20);
        var touched = memory.FindTouched(block);
        Assert.Equal(pages, Enumerable.Range(0, (int)touched.PageCount).Select(page => (long)page).Where(page => touched[page]));
        Assert.Equal(pages.Length * Page, ResidentBytes(block));

        memory.Discard(block, 3 * Page, Page);
        Assert.False(memory.FindTouched(block)[3]);
        Assert.True(memory.FindTouched(block)[4]);
    }

    [Fact]
    public void Pages_that_were_populated_or_only_read_count_as_touched()
    {
        var block = memory.AddBlock("ram", 64 * Page, new RamBlockOptions { UseTransparentHugePages = false });
        block.Populate(4 * Page, 2 * Page);
        Assert.Equal([(4, 2)], GuestMemoryTests.Extents(memory.FindTouched(block)));
        Assert.True(memory.IsZero(block, 0, 64 * Page));
        Assert.Equal(64, memory.FindTouched(block).Count());
    }

    [Fact]
    public void What_came_into_a_shared_file_by_another_way_is_touched()
    {
        var block = memory.AddBlock("ram", 64 * Page, new RamBlockOptions { Backing = RamBacking.MemoryFile, IsShared = true });
        RandomAccess.Write(block.File!, [1], 9 * Page);
        Assert.Equal([(9, 1)], GuestMemoryTests.Extents(memory.FindTouched(block)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Of_a_file_its_data_is_touched(bool isShared)
    {
        var path = Path.Combine(Path.GetTempPath(), $"vmstategen-{Guid.NewGuid():N}");
        try
        {
            using (var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write))
            {
                RandomAccess.Write(file, [1], 1 << 20);
                RandomAccess.SetLength(file, 4 << 20);
            }
            var block = memory.AddBlock("ram", 2 << 20, new RamBlockOptions { Backing = RamBacking.File, Path = path, FileOffset = 1 << 20, IsShared = isShared });
            memory.Write(block, 100 * Page, [1]);
            var touched = memory.FindTouched(block);

            // A file system may allocate and report more than a page; what it must not do is report less, or all.
            Assert.True(touched[0] && touched[100]);
            Assert.InRange(touched.Count(), 2, 511);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Pages_larger_than_the_hosts_are_touched_if_any_part_is()
    {
        using var large = new GuestMemory(1 << 16);
        var block = large.AddBlock("ram", 1 << 20, new RamBlockOptions { UseTransparentHugePages = false });
        large.Write(block, (3 << 16) + 5 * Page, [1]);
        Assert.Equal([(3, 1)], GuestMemoryTests.Extents(large.FindTouched(block)));
    }

    /// <summary>What the kernel counts as resident in the block's mapping.</summary>
    private static long ResidentBytes(RamBlock block)
    {
        var (isBlock, resident) = (false, 0L);
        foreach (var line in File.ReadLines("/proc/self/smaps"))
        {
            var dash = line.IndexOf('-', StringComparison.Ordinal);
            if (dash > 0 && long.TryParse(line.AsSpan(0, dash), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var start))
                isBlock = start >= block.HostAddress && start < block.HostAddress + block.MaxLength;
            else if (isBlock && line.StartsWith("Rss:", StringComparison.Ordinal))
                resident += 1024 * long.Parse(line.AsSpan(4).Trim(" kB"), CultureInfo.InvariantCulture);
        }
        return resident;
    }
}
