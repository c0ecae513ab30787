using System;
using System.Buffers.Binary;
using VmStateGen.Runtime.Linux;
using VmStateGen.Runtime.Postcopy;
using VmStateGen.Runtime.Ram;
using VmStateGen.Runtime.Tests.Linux;

namespace VmStateGen.Runtime.Tests.Postcopy;

/// <summary>The kinds of memory that can be paged, each with a block of some units.</summary>
internal sealed class Blocks : IDisposable
{
    public const int Page = 4096;

    /// <param name="kind">Which.</param>
    /// <param name="units">How many units of it.</param>
    public Blocks(string kind, int units)
    {
        UserFaultAbiTests.SkipWithout(UserFaultFeatures.None);
        var unit = kind.StartsWith("huge", StringComparison.Ordinal) ? HugePages.Size : Page;
        Options = new PagerOptions { UseMinorFaults = kind.EndsWith("minor", StringComparison.Ordinal) };
        var options = kind switch
        {
            "anonymous" => new RamBlockOptions(),
            "private file" => new RamBlockOptions { Backing = RamBacking.MemoryFile },
            "shared" or "shared, minor" => new RamBlockOptions { Backing = RamBacking.MemoryFile, IsShared = true },
            "huge" => new RamBlockOptions { Backing = RamBacking.HugePages },
            "huge, shared" or "huge, minor" => new RamBlockOptions { Backing = RamBacking.HugePages, IsShared = true },
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };
        if (unit != Page)
            HugePages.Allow();
        try
        {
            Ram = Memory.AddBlock("ram", (long)units * unit, options);
            Pager.CheckSupport([Ram], Options);
            if (unit != Page)
                Memory.Write(Ram, 0, [0]); // so that a host without huge pages says so here
        }
        catch (SystemCallException e)
        {
            throw new SkipException($"This host has no {kind} memory that can be paged: {e.Message}");
        }
        Memory.MapBlock(0, Ram);
        (Unit, Units) = (unit, units);
    }

    public GuestMemory Memory { get; } = new();

    public RamBlock Ram { get; }

    public PagerOptions Options { get; }

    public int Unit { get; }

    public int Units { get; }

    /// <summary>What a unit holds: a mark at the start and end of each page of the guest; every fifth unit is zeros.</summary>
    public static void Fill(long offset, Span<byte> unit)
    {
        unit.Clear();
        if (IsZero(offset, unit.Length))
            return;
        for (var page = 0; page < unit.Length; page += Page)
        {
            BinaryPrimitives.WriteInt64LittleEndian(unit[page..], ~(offset + page));
            BinaryPrimitives.WriteInt64LittleEndian(unit[(page + Page - 8)..], offset + page);
        }
    }

    public static bool IsZero(long offset, int unit) => offset / unit % 5 == 4;

    public byte[] Expected(long offset)
    {
        var bytes = new byte[Unit];
        Fill(offset, bytes);
        return bytes;
    }

    /// <summary>The first page that is not what <see cref="Fill"/> makes of it, but for the bytes 16 to 24, which are whoever writes there.</summary>
    public string? FindDamage()
    {
        var found = new byte[Unit];
        for (var offset = 0L; offset < Ram.UsedLength; offset += Unit)
        {
            var expected = Expected(offset);
            Memory.Read(Ram, offset, found);
            for (var page = 0; page < Unit; page += Page)
                found.AsSpan(page + 16, 8).Clear();
            if (!found.AsSpan().SequenceEqual(expected))
                return $"unit {offset / Unit} of {Unit} bytes differs at {found.AsSpan().CommonPrefixLength(expected)}";
        }
        return null;
    }

    public void Dispose() => Memory.Dispose();
}
