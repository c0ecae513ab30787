using System;
using System.Globalization;
using System.IO;
using System.Linq;
using VmStateGen.Runtime.Migration;

namespace VmStateGen.Runtime.Tests.Migration;

/// <summary>Alone in the process: what others take at the time would be counted too.</summary>
[CollectionDefinition(nameof(MemoryTests), DisableParallelization = true)]
[Collection(nameof(MemoryTests))]
public sealed class MemoryTests
{
    /// <summary>Measured from before the call, bitmaps included, with guests whose RAM nobody has touched.</summary>
    [Theory]
    [InlineData(256L << 20)]
    [InlineData(8L << 30)]
    public void Migrating_needs_little_memory(long bytes)
    {
        using var from = new BareVm();
        using var to = new BareVm();
        from.Memory.AddBlock("a", bytes);
        to.Memory.AddBlock("a", bytes);
        GC.Collect();
        var before = ResidentBytes();
        Vms.Migrate(from.Machine, to.Machine, new MigrationSourceOptions { MaxBandwidth = 0 }).Complete();
        Assert.InRange(ResidentBytes() - before, long.MinValue, 64 << 20);
    }

    /// <summary>The source's RAM is there before, the destination's comes; what else is needed is beyond both.</summary>
    [Theory]
    [InlineData("unix")]
    [InlineData("tcp")]
    public void Migrating_touched_memory_needs_little_beside_it(string kind)
    {
        const int Bytes = 256 << 20;
        using var from = new BareVm();
        using var to = new BareVm();
        var ram = from.Memory.AddBlock("a", Bytes);
        to.Memory.AddBlock("a", Bytes);
        from.Memory.Fill(ram, 0, Bytes, 0xA5);
        GC.Collect();
        var before = ResidentBytes();
        Vms.Migrate(from.Machine, to.Machine, new MigrationSourceOptions { MaxBandwidth = 0 }, kind: kind).Complete();
        Assert.InRange(ResidentBytes() - before - Bytes, long.MinValue, 64 << 20);
    }

    private static long ResidentBytes()
    {
        var line = File.ReadLines("/proc/self/status").First(text => text.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10;
    }
}
