using System;

namespace VmStateGen.Tests;

/// <summary>Saving and loading allocates nothing once arrays and nested objects exist.</summary>
public class AllocationTests
{
    [Fact]
    public void A_save_and_a_second_load_allocate_nothing()
    {
        byte[] buffer = new byte[(int)VmState.MaxSize(new Everything())];
        Everything source = Everything.Filled(5);
        var target = new Everything();
        int length = VmState.Save(source, buffer);
        VmState.Load(target, buffer.AsSpan(0, length));
        VmState.Save(target, buffer);

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            VmState.Save(source, buffer);
            VmState.Load(target, buffer.AsSpan(0, length));
            VmState.Save(target, buffer);
        }
        long after = GC.GetAllocatedBytesForCurrentThread();

        Assert.Equal(0, after - before);
    }

    [Fact]
    public void Older_versions_do_not_allocate_either()
    {
        byte[] buffer = new byte[(int)VmState.MaxSize(new Everything())];
        var target = new Everything();
        long allocated = 0;
        for (int i = 0; i < 3; i++)
        {
            for (int version = 1; version <= 3; version++)
            {
                var writer = new VmStateWriter(buffer);
                ((IVmState)target).Save(ref writer, version);
                ReadOnlySpan<byte> saved = buffer.AsSpan(0, (int)writer.BytesWritten);
                long before = GC.GetAllocatedBytesForCurrentThread();
                VmState.Load(target, saved, version);
                allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            }
        }

        Assert.Equal(0, allocated);
    }

    [Fact]
    public void A_hostile_count_allocates_nothing()
    {
        byte[] bytes = Wire.Bytes("7fffffff 00");
        var target = new HugeCount();
        Assert.Throws<VmStateException>(() => VmState.Load(target, bytes));

        Assert.Null(target.Values);
    }
}

[VmState]
internal sealed partial class HugeCount
{
    [Field] private int count;
    [Field(CountFrom = nameof(count), Max = int.MaxValue)] public ulong[]? Values;
}
