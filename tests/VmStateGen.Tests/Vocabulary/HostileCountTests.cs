using System;

namespace VmStateGen.Tests;

/// <summary>A count alone makes nobody allocate: memory comes with the bytes.</summary>
public class HostileCountTests
{
    [Theory]
    [InlineData("00fffff0")]
    [InlineData("01000000")]
    public void A_count_without_bytes_allocates_next_to_nothing_on_a_span_and_on_a_stream(string count)
    {
        byte[] bytes = Wire.Bytes(count + " 01 02 03");

        Assert.InRange(Allocated(() => VmState.Load(new LargeCount(), bytes)), 0, 64 * 1024);
        Assert.InRange(
            Allocated(() =>
            {
                var reader = new VmStateReader(new PiecewiseInput(bytes));
                ((IVmState)new LargeCount()).Load(ref reader, 1);
            }),
            0,
            256 * 1024);
    }

    [Fact]
    public void A_large_array_that_does_come_is_read_whole_from_a_stream()
    {
        var device = new LargeCount { Count = 100_000, Values = new ulong[100_000] };
        for (int i = 0; i < device.Values.Length; i++)
            device.Values[i] = (ulong)i;
        byte[] saved = Wire.Saved(device);
        var loaded = new LargeCount();

        var reader = new VmStateReader(new PiecewiseInput(saved, extra: 1000));
        ((IVmState)loaded).Load(ref reader, 1);

        Assert.Equal(device.Values, loaded.Values);
    }

    private static long Allocated(Action load)
    {
        Assert.Throws<VmStateException>(load);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<VmStateException>(load);
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}

[VmState("large_count")]
public sealed partial class LargeCount
{
    [Field] public uint Count;
    [Field(CountFrom = nameof(Count), Max = 0x1000000)] public ulong[]? Values;
}
