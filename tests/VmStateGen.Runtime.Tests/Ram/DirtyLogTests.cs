using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using VmStateGen.Runtime.Ram;

namespace VmStateGen.Runtime.Tests.Ram;

/// <summary>The software tracker.</summary>
public sealed class DirtyLogTests : IDisposable
{
    private const int Page = 4096;
    private readonly GuestMemory memory = new();
    private readonly RamBlock ram;
    private readonly RamBlock vram;

    public DirtyLogTests()
    {
        ram = memory.AddBlock("ram", 64 * Page);
        vram = memory.AddBlock("vram", 8 * Page);
    }

    public void Dispose() => memory.Dispose();

    [Fact]
    public void Every_way_to_write_marks_the_pages_it_touched()
    {
        memory.MapBlock(0, ram);
        using var log = memory.StartDirtyLog("migration");
        memory.Write(ram, Page - 1, [1, 2]);
        memory.Write<ulong>(4 * Page - 4, 1);
        memory.Fill(ram, 10 * Page, 2 * Page, 0);
        memory.AccessForWrite(ram, 20 * Page + 1, 1, 0, static (bytes, _) => bytes[0] = 1);
        Assert.Throws<InvalidTimeZoneException>(() => memory.AccessForWrite<int, int>(ram, 22 * Page, Page, 0, static (bytes, _) => throw new InvalidTimeZoneException()));
        memory.Discard(ram, 30 * Page, Page);
        memory.MarkDirty(ram, 63 * Page, Page);
        Assert.Equal([(0, 2), (3, 2), (10, 2), (20, 1), (22, 1), (30, 1), (63, 1)], GuestMemoryTests.Extents(log[ram]));
        Assert.Equal(0, log[vram].Count());

        // Reading and writing nothing are no writes.
        log[ram].ClearAll();
        memory.Write(ram, 0, []);
        memory.Fill(ram, 64 * Page, 0, 0);
        memory.Read(ram, 0, new byte[Page]);
        memory.Access(ram, 0, Page, 0, static (_, _) => 0);
        Assert.Equal(0, log[ram].Count());
    }

    [Fact]
    public void Clients_are_apart_and_cost_nothing_once_gone()
    {
        using var migration = memory.StartDirtyLog("migration");
        DirtyBitmap old;
        using (var vga = memory.StartDirtyLog("vga", vram))
        {
            Assert.Equal([vram], vga.Blocks);
            Assert.Throws<KeyNotFoundException>(() => vga[ram]);
            memory.Write(vram, 0, [1]);
            Assert.True(vga[vram].TestAndClear(0));
            Assert.True(migration[vram][0]);
            old = vga[vram];
            vga.Dispose();
        }
        memory.Write(vram, Page, [1]);
        Assert.Equal(0, old.Count());
        Assert.True(migration[vram][1]);
    }

    [Fact]
    public void The_last_contents_of_every_page_are_seen()
    {
        // Writers change pages while a migration starts, collects and copies, round after round, each with a log of its own.
        const int Rounds = 30;
        var isDone = false;
        var writers = Enumerable.Range(0, 2).Select(seed => new Thread(() =>
        {
            var random = new Random(seed);
            Span<byte> value = stackalloc byte[8];
            while (!Volatile.Read(ref isDone))
            {
                BitConverter.TryWriteBytes(value, random.NextInt64());
                var offset = (long)random.Next(32) * 2 * Page + seed * Page;
                if (random.Next(2) == 0)
                    memory.Write(ram, offset, value);
                else
                    memory.AccessForWrite(ram, offset, 8, random.NextInt64(), static (bytes, number) => BitConverter.TryWriteBytes(bytes, number));
            }
        })).ToArray();
        foreach (var writer in writers)
            writer.Start();

        var copies = new List<(DirtyLog Log, byte[] Copy)>();
        for (var round = 0; round < Rounds; round++)
        {
            var log = memory.StartDirtyLog("migration", ram);
            var copy = new byte[64 * Page];
            memory.Read(ram, 0, copy);
            for (var i = 0; i < 20; i++)
                CopyDirty(log, copy);
            copies.Add((log, copy));
        }
        Volatile.Write(ref isDone, true);
        foreach (var writer in writers)
            writer.Join();

        var last = new byte[64 * Page];
        memory.Read(ram, 0, last);
        foreach (var (log, copy) in copies)
        {
            CopyDirty(log, copy);
            Assert.True(last.AsSpan().SequenceEqual(copy));
            log.Dispose();
        }
    }

    private void CopyDirty(DirtyLog log, byte[] copy)
    {
        for (var page = log[ram].FindNext(0); page >= 0; page = log[ram].FindNext(page))
        {
            if (log[ram].TestAndClear(page))
                memory.Read(ram, page * Page, copy.AsSpan((int)page * Page, Page));
        }
    }
}
