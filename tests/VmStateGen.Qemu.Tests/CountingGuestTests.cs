using System;
using System.Buffers.Binary;

namespace VmStateGen.Qemu.Tests;

/// <summary>The guest's own check must see what a broken migration does to memory; no QEMU is needed to know.</summary>
public sealed class CountingGuestTests
{
    private static readonly CountingGuest Guest = new(pages: 8);

    [Fact]
    public void Boot_sector_is_one_sector_with_the_signature()
    {
        byte[] sector = Guest.BootSector();
        Assert.Equal(512, sector.Length);
        Assert.Equal([0x55, 0xAA], sector[^2..]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(1000)]
    [InlineData(0x1_0000_0003)]
    public void Whole_memory_has_no_damage_whether_or_not_a_step_was_under_way(long count)
    {
        byte[] memory = Memory((ulong)count);
        AssertGuest.IsWhole(Guest.FindDamage(memory));
        Write(memory, (ulong)count + 1, head: true, tail: false);
        AssertGuest.IsWhole(Guest.FindDamage(memory));
        Write(memory, (ulong)count + 1, head: true, tail: true);
        AssertGuest.IsWhole(Guest.FindDamage(memory));
    }

    [Theory]
    [InlineData(992, true, "first word is 992, must be 1000")] // a round too old
    [InlineData(992, false, "last word is 992, must be 1000")]
    [InlineData(1008, true, "first word is 1008, must be 1000")]
    public void Stale_page_is_found(long content, bool head, string expected)
    {
        byte[] memory = Memory(1000);
        Write(memory, (ulong)content, head, !head);
        Assert.Contains(expected, Guest.FindDamage(memory), StringComparison.Ordinal);
    }

    [Fact]
    public void Guest_that_never_began_is_found()
        => Assert.Contains("has not begun", Guest.FindDamage(new byte[Guest.EndAddress]), StringComparison.Ordinal);

    private static byte[] Memory(ulong count)
    {
        var memory = new byte[Guest.EndAddress];
        BinaryPrimitives.WriteUInt32LittleEndian(memory.AsSpan(CountingGuest.MarkAddress), CountingGuest.StartedMark);
        BinaryPrimitives.WriteUInt64LittleEndian(memory.AsSpan(CountingGuest.CounterAddress), count);
        for (ulong n = count < 20 ? 1 : count - 20; n <= count && n > 0; n++)
            Write(memory, n, head: true, tail: true);
        return memory;
    }

    private static void Write(byte[] memory, ulong count, bool head, bool tail)
    {
        int page = Guest.PatternAddress + ((int)(count % (ulong)Guest.Pages) * CountingGuest.PageSize);
        if (head)
            BinaryPrimitives.WriteUInt32LittleEndian(memory.AsSpan(page), (uint)count);
        if (tail)
            BinaryPrimitives.WriteUInt32LittleEndian(memory.AsSpan(page + CountingGuest.PageSize - 4), (uint)count);
    }
}
